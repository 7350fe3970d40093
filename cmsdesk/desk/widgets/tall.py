"""What a scroll area holds, as high as its wrapped words need: Qt asks it for less."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLayout, QWidget


class Tall(QWidget):
    """Keeps its least height at what its layout wants for its width."""

    def __init__(self, inside: QLayout) -> None:
        super().__init__()
        self.setLayout(inside)

    def event(self, event: QEvent) -> bool:
        """Look again whenever width or content change."""
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            layout = self.layout()
            wanted = layout.totalHeightForWidth(self.width()) if layout and layout.hasHeightForWidth() else 0
            if wanted > 0 and wanted != self.minimumHeight():
                self.setMinimumHeight(wanted)
        return done
