"""The kinds of file that a view can be written to: pictures, a picture for each step, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gradflow.errors import FileError
from gradflow.files import write_atomically
from gradflow.sim.frame import Frame
from gradflow.sim.lab.table import Table
from gradflow.ui import export
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.picture_sheet import Look
from gradflow.ui.view import DASHBOARD, VIEWS

MOST_PICTURES = 1000
"""More numbered pictures than this are surely not meant for slides."""

NUMBERED, NAMED = r"-\d+", "(-.+)?"

Files = Iterator[tuple[Path, bytes]]


@dataclass(frozen=True)
class Job:
    """What is to be written: a view (or the dashboard) of a frame, with the choices made there, under a path."""

    frame: Frame
    name: str
    path: Path
    look: Look
    scale: float


@dataclass(frozen=True)
class Format:
    """A kind of file: its words, how its name ends, how it is made; whether it has a size.

    `ending` is a pattern of what stands between the name that is given and its end in the names of the files.
    """

    words: str
    suffix: str
    files: Callable[[Job], Files]
    sized: bool = True
    of_lab: bool = False
    ending: str = ""


def _png(job: Job) -> Files:
    yield job.path, export.png(export.picture(job.frame, job.name, job.look, job.scale))


def _svg(job: Job) -> Files:
    yield job.path, export.svg(job.frame, job.name, job.look)


def _sequence(job: Job) -> Files:
    """Yield one picture for each state that the view steps through, all of the same size: slides must not jump."""
    view = _fresh(job)
    count, present = view.positions(), view.choice()
    if count > MOST_PICTURES:
        view.close()
        raise FileError(f"{count} pictures are too many; choose fewer samples or layers (at most {MOST_PICTURES})")
    choices = []
    for position in range(count):
        view.go(position)
        choices.append(view.choice() or present)
    view.close()
    digits, heights = len(str(count)), [0] * count
    # What has to be higher than the others comes twice, in the end as high as the highest.
    for _ in range(2):
        high = max(heights)
        for position, choice in enumerate(choices):
            if heights[position] and heights[position] == high:
                continue
            look = Look(job.look.theme, {**job.look.choices, job.name: choice})
            image = export.picture(job.frame, job.name, look, job.scale, high)
            heights[position] = round(image.deviceIndependentSize().height())
            path = job.path.with_name(f"{job.path.stem}-{position + 1:0{digits}}{job.path.suffix}")
            yield path, export.png(image)


def _tables(text: Callable[[Table], str]) -> Callable[[Job], Files]:
    def files(job: Job) -> Files:
        view = _fresh(job)
        view.finish()
        tables = dict(view.tables())
        view.close()
        if not tables:
            raise FileError("there are no numbers to write yet; choose something in the view first")
        for name, table in tables.items():
            part = f"-{_in_file_name(name)}" if len(tables) > 1 else ""
            yield job.path.with_name(f"{job.path.stem}{part}{job.path.suffix}"), text(table).encode()

    return files


FORMATS: dict[str, Format] = {
    "png": Format("PNG — picture", ".png", _png),
    "svg": Format("SVG — picture that can be enlarged and edited", ".svg", _svg, sized=False),
    "sequence": Format("PNG — one numbered picture for each step", ".png", _sequence, of_lab=True, ending=NUMBERED),
    "csv": Format(
        "CSV — the numbers, with every digit", ".csv", _tables(Table.csv), sized=False, of_lab=True, ending=NAMED
    ),
    "latex": Format(
        "LaTeX — the numbers as tables", ".tex", _tables(Table.latex), sized=False, of_lab=True, ending=NAMED
    ),
}
"""All kinds of file by name."""


def formats(name: str) -> list[str]:
    """Return the kinds of file that there are of a view or the dashboard."""
    in_lab = name != DASHBOARD and issubclass(VIEWS[name].part, LabView)
    return [key for key, kind in FORMATS.items() if in_lab or not kind.of_lab]


def write(kind: str, job: Job) -> str:
    """Write the files and return a sentence that says where they are; raises FileError."""
    paths = []
    for path, data in FORMATS[kind].files(job):
        write_atomically(path, data)
        paths.append(path)
    paths = list(dict.fromkeys(paths))
    return f"Saved {paths[0]}" if len(paths) == 1 else f"Saved {len(paths)} files, {paths[0]} … {paths[-1].name}"


def _fresh(job: Job) -> LabView:
    """Return a view of its own that stands as the one on screen does."""
    view = VIEWS[job.name].part()
    assert isinstance(view, LabView)
    view.resize(export.size_of(job.name))
    view.choose(job.look.choices.get(job.name, ""))
    view.reset(job.frame.topology)
    view.draw(job.frame)
    view.finish()
    return view


def _in_file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
