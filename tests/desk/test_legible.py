"""Every scene of the pictures, read by machine: no word cut off, nothing over another, all translated."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from cmsdesk.desk.theme import Look
from tests.desk.legible import flaws
from tests.desk.screenshots.camera import SIZES, Camera
from tests.desk.screenshots.parts import PARTS

WITHOUT_CARDS = sorted(set(PARTS) - {"cards"})


@pytest.mark.timeout(900)
@pytest.mark.qt_log_ignore("This plugin does not support")
@pytest.mark.parametrize("part", WITHOUT_CARDS)
def test_every_scene_can_be_read(application: QApplication, tmp_path: Path, part: str) -> None:
    """In the two languages with the longest words; `tests.desk.screenshots` reads the rest."""
    camera = Camera(None, looks=(Look.LIGHT,), languages=("it", "de"), sizes=SIZES[:1])
    PARTS[part](application, camera, tmp_path)
    assert camera.wrong == {}


@pytest.fixture
def box(application: QApplication) -> QWidget:
    made = QWidget()
    made.resize(300, 100)
    return made


def test_what_is_cut_is_seen(box: QWidget) -> None:
    button, label = QPushButton("Registrieren und drucken", box), QLabel("Ein Satz, der umbricht", box)
    label.setWordWrap(True)
    button.setGeometry(0, 0, 40, 32)
    label.setGeometry(0, 40, 60, 16)
    box.show()
    found = flaws(box)
    assert any("Registrieren" in one for one in found)
    assert any("umbricht" in one for one in found)
    button.resize(button.sizeHint())
    label.resize(60, label.heightForWidth(60))
    assert flaws(box) == []


def test_what_lies_over_another_or_beside_its_parent_is_seen(box: QWidget) -> None:
    frame = QFrame(box)
    frame.setGeometry(0, 0, 100, 40)
    for at in (0, 10):
        QLabel("Name", frame).setGeometry(at, 0, 60, 32)
    QLabel("draußen", frame).setGeometry(80, 0, 80, 32)
    box.show()
    kinds = {one.split(":")[0] for one in flaws(box)}
    assert kinds == {"over", "clipped"}


def test_what_is_not_translated_is_seen(box: QWidget) -> None:
    box.setLayout(QHBoxLayout())
    label = QLabel("Register and print")
    box.layout().addWidget(label)
    box.show()
    assert flaws(box, "en") == []
    assert flaws(box, "de") == ["not de: 'Register and print'"]
    label.setText("Registrieren und drucken")
    assert flaws(box, "de") == []
