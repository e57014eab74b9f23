"""The only module that knows where `resources/` is.

A wheel carries it inside the package; a checkout and an editable install have it beside the package.
"""

from __future__ import annotations

from pathlib import Path


def resource(*parts: str) -> Path:
    """Return the path of a file or folder under `resources/`, e.g. ``resource("fonts", "DejaVuSans.ttf")``."""
    package = Path(__file__).resolve().parent
    inside = package / "resources"
    root = inside if inside.is_dir() else package.parent / "resources"
    return root.joinpath(*parts)
