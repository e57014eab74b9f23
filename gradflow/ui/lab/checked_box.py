"""A box for a text that may be wrong, and the sentence that then says why."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from gradflow.ui.widgets import TextBox


class CheckedBox(TextBox):
    """A box to type into; its `message` stands wherever the layout puts it, and takes room only while there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.message = QLabel()
        self.message.setObjectName("fieldError")
        self.message.setWordWrap(True)
        self.message.hide()
        self.textEdited.connect(lambda: self.refuse(""))

    @property
    def refused(self) -> bool:
        """Whether what stands in it is wrong."""
        return bool(self.property("invalid"))

    def refuse(self, reason: str) -> None:
        """Say why what is typed is wrong; "" for nothing."""
        if bool(reason) != self.refused:
            self.setProperty("invalid", bool(reason))
            self.style().unpolish(self)
            self.style().polish(self)
        self.message.setText(reason)
        self.message.setVisible(bool(reason))
        self.setAccessibleDescription(reason)
