"""Reading and writing files so that nothing is lost: whole or not at all, and one clear sentence when it fails."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gradflow.errors import FileError


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash or a full disk leaves the old file as it was; raises FileError."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a document gets the permissions the user's umask gives.
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise FileError(f"{path}: cannot be written ({_why(error)}); choose another place") from error
    except ValueError as error:
        # The system's own limits on letters in names.
        raise FileError(f"{str(path)!r}: no file can have this name; choose another one") from error


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without a byte-order mark; raises FileError saying why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({_why(error)})") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: is not a text file (byte {error.start} is not UTF-8)") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
