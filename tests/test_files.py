"""Files are written whole or not at all, and every failure is one sentence that opens with the file's name."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gradflow.errors import FileError
from gradflow.files import check_writable, read_text, write_atomically


def break_(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Let a call of the operating system fail as it does on a full disk."""

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)


def test_written_bytes_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    write_atomically(path, "σ = 1\r\n".encode())
    assert path.read_bytes() == "σ = 1\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    write_atomically(path, b"a longer old text")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x" / "y" / "a.toml", b"1")
    assert (tmp_path / "x" / "y" / "a.toml").read_bytes() == b"1"


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_failing_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"old")
    break_(monkeypatch, call)
    with pytest.raises(FileError) as caught:
        write_atomically(path, b"new")
    assert str(caught.value) == f"{path}: cannot be written (no space left on device); choose another place"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_is_not_there_at_all_if_it_cannot_be_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_(monkeypatch, "fsync")
    with pytest.raises(FileError):
        write_atomically(tmp_path / "a.toml", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_of_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a made-up failure: what is written to /dev/full fails in the kernel."""

    def open_full(handle: int, mode: str) -> object:
        os.close(handle)
        return Path("/dev/full").open(mode)

    monkeypatch.setattr(os, "fdopen", open_full)
    with pytest.raises(FileError, match="no space left on device"):
        write_atomically(tmp_path / "a.toml", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ask", [lambda path: write_atomically(path, b"1"), check_writable])
@pytest.mark.parametrize("name", ["folder", "file/below", "x" * 300, "zero\0"])
def test_place_that_is_none_is_refused_and_nothing_is_left(tmp_path: Path, name: str, ask: Callable) -> None:
    """Also before anything is to be written: whoever asks has work before him."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"):
        ask(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_asking_whether_a_file_can_be_written_leaves_it_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    check_writable(path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"old")
    check_writable(path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_pipe_takes_what_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    """As a device such as /dev/null does, in the place of which root could put a file."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    check_writable(tmp_path / "pipe")
    write_atomically(tmp_path / "pipe", b"1")
    assert os.read(reader, 9) == b"1" and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    os.close(reader)


def test_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a.toml")
    write_atomically(tmp_path / "link", b"1")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "a.toml").read_bytes() == b"1"


def test_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        write_atomically(tmp_path / "a\0b", b"new")
    assert list(tmp_path.iterdir()) == []


def test_written_file_has_the_permissions_of_any_other_document(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_atomically(tmp_path / "a.toml", b"1")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a.toml").stat().st_mode) == 0o644


def test_text_is_read_as_utf_8_and_anything_else_is_said_to_be_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("‖δ‖".encode())
    assert read_text(path) == "‖δ‖"
    path.write_bytes(b"abc\xff")
    with pytest.raises(FileError, match=r"a\.toml: is not a text file \(byte 3 is not UTF-8\)"):
        read_text(path)


def test_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"b\.toml: cannot be read \(no such file or directory\)"):
        read_text(tmp_path / "b.toml")
    with pytest.raises(FileError, match=r"cannot be read \(is a directory\)"):
        read_text(tmp_path)
