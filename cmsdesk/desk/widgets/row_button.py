"""A button that holds words and pictures of its own: as high as they need at its width."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLayout, QPushButton, QSizePolicy


class RowButton(QPushButton):
    """A row to choose; Qt asks a button for the size of its text alone, this one asks its layout."""

    def __init__(self, inside: QLayout | None = None) -> None:
        super().__init__()
        self.setProperty("row", True)
        policy = QSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        if inside is not None:
            self.setLayout(inside)

    def hasHeightForWidth(self) -> bool:
        """Words that wrap make it higher."""
        layout = self.layout()
        return layout is not None and layout.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        """Return how high its content is at a width."""
        layout = self.layout()
        return layout.totalHeightForWidth(width) if layout is not None else super().heightForWidth(width)

    def sizeHint(self) -> QSize:
        """Return what its content wants."""
        layout = self.layout()
        return layout.totalSizeHint() if layout is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return what its content cannot do without."""
        layout = self.layout()
        return layout.totalMinimumSize() if layout is not None else super().minimumSizeHint()
