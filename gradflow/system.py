"""What the machine must bring for a window: system libraries and a screen, checked before Qt aborts without them."""

from __future__ import annotations

import ctypes
import os
import sys

# Library to Debian package. What these depend on comes with them.
LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libglib-2.0.so.0": "libglib2.0-0",
}
SCREEN_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def offscreen() -> None:
    """Make Qt draw without a screen; must be called before Qt is imported."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"


def has_screen() -> bool:
    """Return whether there is a screen to open a window on, or Qt has been told where to draw."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"))


def qt_obstacle() -> str | None:
    """Return one sentence saying what keeps Qt from starting and how to mend it, or None if nothing does."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    needed = dict(LIBRARIES)
    if not platform:
        if not has_screen():
            return "there is no screen to open a window on; `gradflow train FILE --out DIR` works without one"
        if not os.environ.get("WAYLAND_DISPLAY"):
            needed |= SCREEN_LIBRARIES
    missing = [library for library in needed if not _loads(library)]
    if not missing:
        return None
    packages = " ".join(needed[library] for library in missing)
    noun = "library" if len(missing) == 1 else "libraries"
    return f"Qt needs the system {noun} {', '.join(missing)}; on Debian or Ubuntu: sudo apt-get install -y {packages}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
