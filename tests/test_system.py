"""What keeps Qt from starting is said in one sentence with the command that mends it."""

from __future__ import annotations

import ctypes
import sys

import pytest

from gradflow import system

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks for Linux libraries")


@pytest.fixture
def without(monkeypatch):
    """Make these libraries impossible to load, and set the screens."""
    load = ctypes.CDLL

    def lose(*libraries: str, **screens: str) -> None:
        def refuse(name, *arguments, **how):
            if name in libraries:
                raise OSError(f"{name}: cannot open shared object file")
            # A machine that runs these tests need not have the libraries of a screen.
            return None if name in system.SCREEN_LIBRARIES else load(name, *arguments, **how)

        monkeypatch.setattr(ctypes, "CDLL", refuse)
        for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in screens.items():
            monkeypatch.setenv(name, value)

    return lose


@LINUX
@pytest.mark.parametrize(
    ("libraries", "words"),
    [
        (("libEGL.so.1",), ("library libEGL.so.1;", "sudo apt-get install -y libegl1")),
        (
            ("libGL.so.1", "libxkbcommon.so.0"),
            ("libraries libGL.so.1, libxkbcommon.so.0;", "apt-get install -y libgl1 libxkbcommon0"),
        ),
    ],
)
def test_missing_libraries_are_named_with_the_command_that_installs_them(without, libraries, words):
    without(*libraries, QT_QPA_PLATFORM="offscreen")
    obstacle = system.qt_obstacle()
    assert obstacle and all(part in obstacle for part in words) and "\n" not in obstacle


@LINUX
def test_a_screen_needs_more_libraries_than_no_screen(without):
    lost = "libxcb-cursor.so.0"
    without(lost, DISPLAY=":7")
    assert "libxcb-cursor0" in (system.qt_obstacle() or "")
    without(lost, QT_QPA_PLATFORM="offscreen")
    assert system.qt_obstacle() is None
    without(lost, WAYLAND_DISPLAY="wayland-0")
    assert system.qt_obstacle() is None


@LINUX
def test_without_a_screen_the_sentence_says_what_works_without_one(without):
    without()
    assert "`gradflow train FILE --out DIR` works without one" in (system.qt_obstacle() or "")


def test_elsewhere_nothing_is_asked_for(without, monkeypatch):
    without("libEGL.so.1")
    monkeypatch.setattr(sys, "platform", "win32")
    assert system.qt_obstacle() is None


def test_offscreen_needs_no_screen(without, monkeypatch):
    without()
    # Set first, so that it is put back.
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    system.offscreen()
    assert system.qt_obstacle() is None
