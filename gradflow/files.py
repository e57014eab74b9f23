"""Reading and writing files so that nothing is lost: whole or not at all, and one clear sentence when it fails."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from gradflow.errors import FileError


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash or a full disk leaves the old file as it was; raises FileError.

    A link stays one: the file that it leads to is written.
    """
    temporary = ""
    try:
        place = path.resolve()
        if _is_no_file(place):
            # A device or a pipe takes what it is given; in its place there must not be a file.
            place.write_bytes(data)
            return
        handle, temporary = _begin(place)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a document gets the permissions the user's umask gives.
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101
        os.replace(temporary, place)  # noqa: PTH105
    except (OSError, ValueError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def check_writable(path: Path) -> None:
    """Raise FileError if `write_atomically` could not write there: for whoever has long work to do before."""
    try:
        place = path.resolve()
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_no_file(place):
            handle, temporary = _begin(place)
            os.close(handle)
            Path(temporary).unlink()
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError | ValueError) -> FileError:
    """Return what to raise where a file cannot be written."""
    return FileError(f"{path}: cannot be written ({_why(error)}); choose another place")


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without a byte-order mark; raises FileError saying why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: is not a text file (byte {error.start} is not UTF-8)") from error
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read ({_why(error)})") from error


def _begin(place: Path) -> tuple[int, str]:
    """Return an open file beside a place, and its name."""
    place.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")


def _is_no_file(place: Path) -> bool:
    return place.exists() and not place.is_file()


def _why(error: OSError | ValueError) -> str:
    """Return what the system says, or Python before it of a path with a zero in it."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
