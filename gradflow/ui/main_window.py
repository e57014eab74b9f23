"""The main window: docks, menus and their keys. It arranges and connects; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget

from gradflow.sim import archive
from gradflow.sim.config import Experiment
from gradflow.sim.frame import Frame
from gradflow.ui import documents
from gradflow.ui import views as _views  # noqa: F401 - importing it makes them known
from gradflow.ui.actions import UndoWords, make_actions, make_menus
from gradflow.ui.appearance import Appearance
from gradflow.ui.arrangement import (
    LEFT_WIDTH,
    RIGHT_WIDTH,
    Docks,
    Maximising,
    arrange,
    arrange_lab,
    arrange_wall,
    fit_to_screen,
    keep_layout,
    panel,
    restore_layout,
)
from gradflow.ui.exporting import Exporting
from gradflow.ui.lab import LAB
from gradflow.ui.lab_room import LabRoom
from gradflow.ui.looking import Looking, jumped
from gradflow.ui.notice import Notice
from gradflow.ui.panels.builder import Builder
from gradflow.ui.panels.explosion import Explosion
from gradflow.ui.panels.findings import Findings
from gradflow.ui.panels.layer_list import edit_layers
from gradflow.ui.panels.transport import Transport
from gradflow.ui.session import Session
from gradflow.ui.slow_words import Reading
from gradflow.ui.status import Status
from gradflow.ui.theme import Theme
from gradflow.ui.turns import Turns
from gradflow.ui.view import DASHBOARD, FAST_MS, SLOW_MS, VIEWS, View
from gradflow.ui.view_dock import ViewDock

if TYPE_CHECKING:
    from gradflow.ui.mapping import Mapping

FIRST_SPEED = 50.0


class MainWindow(QMainWindow):
    """Panels on the left, views in the middle, findings on the right, transport on top."""

    def __init__(self, session: Session, settings: QSettings) -> None:
        super().__init__()
        self.session, self.settings = session, settings
        self.appearance = Appearance(settings)
        self.frame: Frame | None = None
        self._reading = Reading()
        self._setup_ui()
        self._show_experiment(session.experiment)
        self._layout()
        # Once all widgets have their places: with a style sheet, every change of parent styles a whole branch again.
        self.appearance.apply()
        self._connect()
        self._color(self.appearance.theme)
        restore_layout(self, settings)

    # Making.

    def _setup_ui(self) -> None:
        self.setWindowTitle("gradflow[*]")
        fit_to_screen(self)
        self.looking, self.lab = Looking(self._take_frame), LabRoom(self.settings, partial(self._place, arrange_lab))
        self.actions_by_name = make_actions(self, self._functions())
        self.builder, self.findings, self.notice, self.status = Builder(), Findings(), Notice(), Status()
        self.docks = {name: ViewDock(name) for name in VIEWS}
        self.maximising = Maximising(self, self.docks)
        self.looking.attach(self.status.scrubber, self.docks)
        self.lab.attach(self.docks)
        self.exporting = Exporting(self, self.session, self.docks, self.settings, self.notice.say, self.looking.past)
        self.mapping: Mapping | None = None
        self._turns = Turns(self.docks.values())
        action = self.actions_by_name
        self.transport = Transport(
            *(action[name] for name in ("play", "step", "reinitialise", "new-seed", "pin", "export"))
        )
        self.explosion = Explosion()
        self.panels = {
            "builder": panel("builder", "Network and training", self.builder, LEFT_WIDTH),
            "findings": panel("findings", "Findings", self.findings, RIGHT_WIDTH),
        }
        make_menus(
            self,
            self.actions_by_name,
            {
                "presets": self._add_presets,
                "docks": self._add_docks,
                "lab-views": self.lab.add_docks,
                "appearance": self.appearance.add_to,
            },
        )

    def _functions(self) -> dict[str, Callable[[], object]]:
        session = self.session
        return {
            "open": partial(documents.open_file, self, session),
            "save": partial(documents.save, self, session),
            "save-as": partial(documents.save_as, self, session),
            "export": lambda: self.exporting.export(self.lab.front_name or DASHBOARD),
            "copy": lambda: self.exporting.copy(self.lab.front_name or DASHBOARD),
            "quit": self.close,
            "play": self.looking.now_and(session.toggle),
            "step": self.looking.now_and(lambda: self.explosion.forward_or(session.step)),
            "now": self.looking.escape,
            "undo": session.commands.undo,
            "redo": session.commands.redo,
            "step-back": lambda: self.explosion.move_by(-1),
            "pin": self._pin,
            "reinitialise": session.reinitialise,
            "new-seed": session.new_seed,
            "faster": partial(self._change_speed, 1),
            "slower": partial(self._change_speed, -1),
            "reset-layout": partial(self._place, arrange),
            "wall": partial(self._place, arrange_wall),
            "lab": partial(self._place, arrange_lab),
            **self.lab.functions(),
        }

    def _add_presets(self, menu: QMenu) -> None:
        presets = menu.addMenu("Presets")
        documents.add_presets(presets, self.session, self.docks, self._say_good, lambda: bool(self.lab.front))

    def _add_docks(self, menu: QMenu) -> None:
        for name, dock in (*self.docks.items(), *self.panels.items()):
            if name not in LAB:
                menu.addAction(dock.toggleViewAction())

    def _layout(self) -> None:
        self.setDockNestingEnabled(True)
        self.setContentsMargins(8, 0, 8, 0)
        self.addToolBar(self.transport)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, self.explosion)
        self.setStatusBar(self.status)
        # Docks fill the window; a main window insists on something in the middle.
        self.setCentralWidget(QWidget(visible=False))
        self.notice.setParent(self)
        self.notice.keep_to(self.transport.stretch)
        arrange(self, self.panels, self.docks)

    def _connect(self) -> None:
        session, builder = self.session, self.builder
        builder.edited.connect(session.edit)
        builder.settled.connect(session.commands.settle)
        UndoWords(self, self.actions_by_name, session.commands)
        self.findings.preview_wanted.connect(session.preview)
        self.findings.apply_wanted.connect(session.apply)
        self.explosion.step_wanted.connect(session.look_at)
        self.transport.speed_changed.connect(session.set_speed)
        session.experiment_changed.connect(self._show_experiment)
        session.frame_arrived.connect(self._take_frame)
        session.state_changed.connect(self.transport.show_state)
        session.notice.connect(self._say)
        session.built.connect(builder.forget_errors)
        session.built.connect(self.notice.forget)
        session.opened.connect(builder.forget_edits)
        session.finished.connect(self._say_good)
        builder.list_wanted.connect(lambda _: edit_layers(self, session.experiment, session.edit, builder.list_said))
        for dock in self.docks.values():
            dock.export_requested.connect(self.exporting.export)
            dock.copy_requested.connect(self.exporting.copy)
            dock.maximise_requested.connect(self.maximising.toggle)
            dock.visibilityChanged.connect(self._tell_wants)
            dock.wants_changed.connect(self._tell_wants)
        self.panels["findings"].visibilityChanged.connect(self._tell_wants)
        self.docks["map"].view_made.connect(self._attend_map)
        # A frame that a slow view could not draw in its turn is offered again, unless there is a new one by then.
        self._clock = QTimer(self, interval=40)
        self._clock.timeout.connect(self._offer)
        self._clock.start()
        self.appearance.changed.connect(self._color)

    # Showing.

    def _take_frame(self, frame: Frame) -> None:
        rebuilt = self.frame is None or frame.build != self.frame.build
        before, self.frame = self.frame, self.looking.shown(frame)
        if before is None or jumped(before, self.frame):
            self._reading.end()
        if self.session.latest:
            self.explosion.draw(self.session.latest, frame.snapshot.step)
        self._clock.start()
        # Of a new network the profile comes first; the clock brings the rest a moment later.
        self._offer(FAST_MS if rebuilt else SLOW_MS)
        if before is None:
            # What has been drawn is painted before a timer has its turn.
            QTimer.singleShot(0, self._tell_wants)

    def _offer(self, slowest: int = SLOW_MS) -> None:
        if self.frame is None:
            return
        if not self._turns.offer(self.frame, slowest):
            return
        if self._reading.over():
            self.status.draw(self.frame)
            self.findings.draw(self.frame)

    def _show_experiment(self, experiment: Experiment) -> None:
        self.builder.show_experiment(experiment)
        path = self.session.path
        self.setWindowModified(self.session.unsaved)
        self.setWindowTitle(f"{path.name}[*] — gradflow" if path else "gradflow[*]")
        self.transport.show_document(f"{path.stem if path else experiment.data.name} · seed {experiment.seed}")

    def _say(self, sentence: str, field: str = "", details: str = "") -> None:
        if not (field and self.builder.show_error(field, sentence)):
            self.notice.say(f"{field}: {sentence}" if field else sentence, details)

    def _say_good(self, sentence: str) -> None:
        self.notice.say(sentence, good=True)

    def _tell_wants(self) -> None:
        """Ask only for the dear measurements that somebody looks at, and for none before the first picture."""
        if self.frame is None:
            return
        self.session.set_wants(self.findings.wants.union(*(dock.wants for dock in self.docks.values())))
        self.session.look_every(self._turns.tick_ms)

    def _color(self, theme: Theme) -> None:
        """Hand the theme to what a style sheet does not reach."""
        self.exporting.theme = theme
        for dock in self.docks.values():
            dock.retheme(theme)
        self.findings.retheme(theme)
        self._offer()

    # Doing.

    def start(self) -> None:
        """Begin moving: the first thing a person sees is a network in training."""
        self.transport.set_speed(FIRST_SPEED)
        self.session.play()

    def _pin(self) -> None:
        self.session.pin()
        self.transport.show_pinned(self.session.comparison.pinned)

    def _attend_map(self, view: View) -> None:
        from gradflow.ui.mapping import Mapping

        self.mapping = Mapping(self.session, view)

    def _change_speed(self, by: int) -> None:
        self.transport.speed.setValue(self.transport.speed.value() + by)

    def _place(self, how: Callable[[QMainWindow, Docks, Docks], None]) -> None:
        self.maximising.forget()
        how(self, self.panels, self.docks)

    # Keeping.

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the layout and the experiment, and end the worker."""
        self.maximising.put_back()
        keep_layout(self, self.settings)
        self.lab.close()
        self.settings.setValue("experiment", archive.render(self.session.experiment))
        self.settings.sync()
        self._clock.stop()
        if self.mapping:
            self.mapping.shutdown()
        self.session.shutdown()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the sentence in the window."""
        super().resizeEvent(event)
        self.notice.place()

    def changeEvent(self, event: QEvent) -> None:
        """Measure nothing dear for a minimised window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._tell_wants()
