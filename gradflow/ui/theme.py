"""Light and dark: neutral surfaces, one accent for what can be acted on, colour otherwise kept for data.

Follows the system where the system says; the menu can fix one. Every layer has one colour in all views, from a
perceptually ordered map cut so that it stands out on the ground: dark at the input, bright at the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from string import Template

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from gradflow.assets import resource
from gradflow.sim.finding import Severity

BASE_SIZE, SMALL_SIZE = 12, 11
FAMILY = "DejaVu Sans"


@dataclass(frozen=True)
class Theme:
    """The colours of one appearance, as CSS names; `layer_range` is the part of the layer map that is used."""

    name: str
    window: str
    surface: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    note: str
    warning: str
    error: str
    curve: str
    curve_second: str
    grid: str
    layer_range: tuple[float, float]
    classes: tuple[str, ...]

    def severity(self, severity: Severity) -> str:
        """Return the colour of a finding."""
        return {
            Severity.GOOD: self.good,
            Severity.NOTE: self.note,
            Severity.WARNING: self.warning,
            Severity.ERROR: self.error,
        }[severity]

    def layer_colors(self, count: int) -> list[QColor]:
        """Return one colour per layer, input to output."""
        return list(_layer_colors(*self.layer_range, count))

    def heat_table(self) -> NDArray[np.uint8]:
        """Return the 256 colours of the heat map, from little to much."""
        low, high = (0.06, 1.0) if self.name == "dark" else (0.0, 0.96)
        return _map_colors("inferno", low, high, 256)

    def balance_table(self) -> NDArray[np.uint8]:
        """Return 256 colours from too little (blue) over what is right (pale yellow) to too much (red)."""
        return _mixed(_BALANCE_DARK if self.name == "dark" else _BALANCE_LIGHT)

    def signed_table(self) -> NDArray[np.uint8]:
        """Return 256 colours from below 0 over 0, the ground, to above it."""
        return _mixed((self.curve, self.surface, self.curve_second))


_BALANCE_LIGHT = ("#16306b", "#3f7fc4", "#a9cfe6", "#fdf0a8", "#f7ad63", "#d9512c", "#7d1020")
_BALANCE_DARK = ("#4a5fb0", "#5b93d6", "#a3cbe8", "#fdf3b0", "#f3a45c", "#d9533a", "#a32a4a")

# Okabe & Ito's colour-blind-safe set, black left out, extended by mixes for ten classes.
_CLASSES = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#A6A200",
    "#7B5AA6",
    "#8C6D46",
    "#7F8C9A",
)

LIGHT = Theme(
    name="light",
    window="#eef0f3",
    surface="#fcfcfd",
    raised="#eceef2",
    border="#d9dde3",
    text="#1b2027",
    muted="#5c6572",
    accent="#1459d4",
    on_accent="#fcfcfd",
    good="#1a7f4e",
    note="#1459d4",
    warning="#a85705",
    error="#c0242b",
    curve="#1459d4",
    curve_second="#a85705",
    grid="#e6e9ee",
    layer_range=(0.0, 0.86),
    classes=_CLASSES,
)

DARK = Theme(
    name="dark",
    window="#111418",
    surface="#191d23",
    raised="#252b33",
    border="#313841",
    text="#e4e8ee",
    muted="#98a2af",
    accent="#5aa5ff",
    on_accent="#0d1117",
    good="#4cc38a",
    note="#5aa5ff",
    warning="#ffb454",
    error="#ff6b6b",
    curve="#5aa5ff",
    curve_second="#ffb454",
    grid="#262c34",
    layer_range=(0.22, 1.0),
    classes=_CLASSES,
)


def rgb(name: str) -> tuple[int, int, int]:
    """Return a theme's colour as three numbers from 0 to 255."""
    color = QColor(name)
    return color.red(), color.green(), color.blue()


CHOICES = ("system", "light", "dark")


def choice(settings: QSettings) -> str:
    """Return the appearance the user chose in the menu."""
    chosen = str(settings.value("appearance", CHOICES[0]))
    return chosen if chosen in CHOICES else CHOICES[0]


def resolve(choice: str) -> Theme:
    """Return the theme for a menu choice: "light", "dark", or what the system says (light where it says nothing)."""
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def load_fonts(app: QApplication) -> None:
    """Use the bundled font, which has the mathematics, so that pictures are the same on every machine."""
    for file in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        QFontDatabase.addApplicationFont(str(resource("fonts", file)))
    app.setFont(font())


def font(size: int = BASE_SIZE, bold: bool = False) -> QFont:
    """Return the one type family at one of its two sizes (pixels) and two weights."""
    made = QFont(FAMILY)
    made.setPixelSize(size)
    made.setBold(bold)
    return made


def apply(app: QApplication, theme: Theme) -> None:
    """Give the application this appearance; views and plots are told by the main window."""
    sheet, palette = _style_sheet(theme), _palette(theme)
    if app.styleSheet() == sheet and app.palette() == palette:
        # To style every widget again takes most of a second.
        return
    if not app.styleSheet() and app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(palette)
    app.setStyleSheet(sheet)


@lru_cache
@lru_cache
def _layer_colors(low: float, high: float, count: int) -> tuple[QColor, ...]:
    return tuple(QColor(*row) for row in _map_colors("viridis", low, high, count).tolist())


def _map_colors(name: str, low: float, high: float, count: int) -> NDArray[np.uint8]:
    positions = np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2])
    colors: NDArray[np.uint8] = pg.colormap.get(name).map(positions, mode="byte")[:, :3]
    return colors


@lru_cache
def _mixed(stops: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return 256 colours that lead from stop to stop."""
    places, along = np.linspace(0.0, 1.0, len(stops)), np.linspace(0.0, 1.0, 256)
    channels = np.array([rgb(stop) for stop in stops], float).T
    return np.stack([np.interp(along, places, channel) for channel in channels], axis=1).round().astype(np.uint8)


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, color in {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.ToolTipBase: theme.surface,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Light: theme.raised,
        role.Midlight: theme.raised,
        role.Mid: theme.border,
        role.Dark: theme.border,
        role.Shadow: theme.border,
        role.Link: theme.accent,
    }.items():
        palette.setColor(which, QColor(color))
    for which in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.muted))
    return palette


def _style_sheet(theme: Theme) -> str:
    template = Template(resource("style", "gradflow.qss").read_text(encoding="utf-8"))
    colors = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    # A style sheet that rounds a list also takes its arrow away, and puts only a picture in its place.
    arrow = resource("icons", f"list-arrow-{theme.name}.svg").as_posix()
    return template.substitute(colors, list_arrow=arrow, base=f"{BASE_SIZE}px", small=f"{SMALL_SIZE}px")
