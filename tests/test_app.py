"""The window as a person starts it, in a process of its own."""

from __future__ import annotations

from gradflow.sim.worker import SWITCH_SECONDS

WATCHED = """
import sys, threading
from gradflow import app
from gradflow.cli import run
from gradflow.ui import garbage
from gradflow.ui.main_window import MainWindow

garbage.COLLECT_MS = 50

class Knot:
    def __init__(self):
        self.self = self

    def __del__(self):
        Watched.knots.add(threading.current_thread().name)

class Watched(MainWindow):
    knots = set()

    def start(self):
        print(self.frame.snapshot.step, self.frame.state)
        super().start()
        self.session.frame_arrived.connect(self.look)

    def look(self, frame):
        for _ in range(1000):
            Knot()
        if frame.snapshot.step > 2 and self.knots:
            self.session.frame_arrived.disconnect(self.look)
            print(frame.state, *self.knots, sys.getswitchinterval())
            self.close()

app.MainWindow = Watched
sys.exit(run(["window", "two-moons"]))
"""


def test_training_begins_once_the_first_picture_is_there(python, tmp_path):
    """From then on it gives way to the window often, and garbage is collected, though only on the window's thread."""
    done = python("-c", WATCHED, QT_QPA_PLATFORM="offscreen", XDG_CONFIG_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["0 paused", f"running MainThread {SWITCH_SECONDS}"]
