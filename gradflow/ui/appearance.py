"""Which colours the window has: those a person chose, or those of the system as they are now."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication, QMenu

from gradflow.ui import theme
from gradflow.ui.actions import add_choices


class Appearance(QObject):
    """Gives the application its theme, and says when it is another one."""

    changed = Signal(object)
    """The Theme."""

    def __init__(self, settings: QSettings) -> None:
        super().__init__()
        self._settings = settings
        self.theme = theme.resolve(theme.choice(settings))
        QApplication.styleHints().colorSchemeChanged.connect(self._follow)

    def add_to(self, menu: QMenu) -> None:
        """Add the choices to a menu."""
        add_choices(menu.addMenu("Appearance"), theme.CHOICES, theme.choice(self._settings), self._choose)

    def apply(self) -> None:
        """Style every widget there is."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, self.theme)

    def _choose(self, choice: str) -> None:
        self._settings.setValue("appearance", choice)
        self._follow()

    def _follow(self) -> None:
        self.theme = theme.resolve(theme.choice(self._settings))
        self.apply()
        self.changed.emit(self.theme)
