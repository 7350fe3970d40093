"""The body's logo: a PNG or SVG file becomes a small PNG that papers can carry (ORG-5).

An SVG is drawn here, once; one that would fetch, run or embed anything is refused. What is kept is a
picture of dots alone, whatever the file was: papers stay PDF/A-1b.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.configuration import LOGO_MOST_BYTES, PNG

MOST_FILE_BYTES = 4 * 1024 * 1024
_SIDES = (1000, 700, 500, 350, 250)
"""Longest sides to try, in dots: the largest whose file is small enough."""
_LEAST_SIDE = 40
_MOST_SIDE = 10_000
_ACTIVE = re.compile(
    rb"<!DOCTYPE|<!ENTITY|<\s*(?:\w+:)?(?:script|foreignObject|image|iframe|use)\b|\bon\w+\s*="
    rb"|@import|href\s*=\s*[\"'](?!#)|url\(\s*[\"']?(?!#)",
    re.IGNORECASE,
)


class LogoWrong(Mendable):
    """The file is none that papers can carry."""

    code = "LOGO-WRONG"
    cause = N_("This file cannot be the logo: {reason}.")
    next_step = N_("Choose a PNG or SVG file of the logo alone; nothing was changed.")


def logo_of(content: bytes) -> bytes:
    """Return the PNG that is kept of a logo's file.

    Args:
        content: of a PNG or SVG file, of any size up to `MOST_FILE_BYTES`.

    Raises:
        LogoWrong: it is neither, too large or too small, or an SVG with more than drawing in it.
    """
    if len(content) > MOST_FILE_BYTES:
        raise LogoWrong(reason=N_("it is larger than 4 MiB"))
    image = _dots(content) if content.startswith(PNG) else _drawn(content)
    for side in _SIDES:
        made = _png(image, side)
        if len(made) <= LOGO_MOST_BYTES:
            return made
    raise LogoWrong(reason=N_("it has too many details to be made small enough"))


def _dots(content: bytes) -> QImage:
    image = QImage.fromData(content)
    if image.isNull():
        raise LogoWrong(reason=N_("the picture in it cannot be read"))
    return _checked(image)


def _drawn(content: bytes) -> QImage:
    if b"<svg" not in content[:4096]:
        raise LogoWrong(reason=N_("it is neither PNG nor SVG"))
    if _ACTIVE.search(content):
        raise LogoWrong(reason=N_("the SVG fetches, runs or embeds something"))
    renderer = QSvgRenderer(QByteArray(content))
    size = renderer.defaultSize()
    if not renderer.isValid() or size.isEmpty():
        raise LogoWrong(reason=N_("the picture in it cannot be read"))
    size = size.scaled(QSize(_SIDES[0], _SIDES[0]), Qt.AspectRatioMode.KeepAspectRatio)
    image = QImage(size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    return _checked(image)


def _checked(image: QImage) -> QImage:
    if max(image.width(), image.height()) < _LEAST_SIDE:
        raise LogoWrong(reason=N_("it is too small to be printed"))
    if max(image.width(), image.height()) > _MOST_SIDE:
        raise LogoWrong(reason=N_("it has more dots than any printer needs"))
    return image


def _png(image: QImage, side: int) -> bytes:
    if max(image.width(), image.height()) > side:
        image = image.scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    # what the file says of its maker and its device stays out
    plain = QImage(image.convertToFormat(QImage.Format.Format_ARGB32))
    for key in plain.textKeys():
        plain.setText(key, "")
    kept = QBuffer()
    kept.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(kept, QByteArray(b"png")).write(plain)
    return bytes(kept.data().data())
