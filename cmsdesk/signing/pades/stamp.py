"""Draws the visible box: text as large as fits, an image, a border (ISO 32000-1 clauses 8 and 9).

Colours are calibrated, not device colours, so that the box breaks no PDF/A file, whatever its output intent;
nothing is transparent.
"""

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from cmsdesk.signing.errors import BoxImpossible, SettingsError
from cmsdesk.signing.pades.box import Box, ImagePosition, Spot
from cmsdesk.signing.pades.font import DATES, FontSubset, load_font
from cmsdesk.signing.pades.objects import Template

_PADDING_PT = 3.0
_LEADING = 1.2
_IMAGE_SHARE = 0.33
_MAX_PIXELS = 800
_FIT_STEP = 0.92
_WHITE_POINT = b"/WhitePoint[0.9505 1 1.089]"
_GRAY = b"[/CalGray<<" + _WHITE_POINT + b"/Gamma 2.2>>]"
_RGB = (
    b"[/CalRGB<<" + _WHITE_POINT + b"/Gamma[2.2 2.2 2.2]"
    b"/Matrix[0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505]>>]"
)

FORM = 0  # place of the appearance among the objects of a stamp
_FONT = 1


@dataclass(frozen=True, slots=True)
class _Picture:
    width: int
    height: int
    template: Template


@dataclass(frozen=True, slots=True)
class _Area:
    """A rectangle inside the box, in points."""

    x: float
    y: float
    width: float
    height: float


class Stamper:
    """Draws the boxes of one profile; what does not change from document to document is kept.

    Args:
        box: what to draw.
        signer: shown as ``{signer}``.

    Raises:
        SettingsError: the font or the image cannot be used.
    """

    def __init__(self, box: Box, signer: str, reason: str, location: str) -> None:
        self._box = box
        self._constants = {"signer": signer, "reason": reason, "location": location}
        self._font = load_font(box.font)
        self._expected = frozenset(box.text + signer + reason + location) | DATES
        self._picture = _load_picture(box.image) if box.image is not None else None
        # the documents of one second mostly look the same
        self._last: tuple[tuple[object, ...], list[Template]] | None = None

    def draw(self, spot: Spot, moment: datetime, fields: Mapping[str, str]) -> list[Template]:
        """Draw the box of one document.

        Returns:
            The objects; the one at `FORM` is the appearance.

        Raises:
            BoxImpossible: the text does not fit, or has a placeholder without a value.
        """
        key = (moment, spot.width, spot.height, spot.page.rotate)
        if not fields and self._last is not None and self._last[0] == key:
            return self._last[1]
        drawn = self._draw(spot, self._text(moment, fields))
        self._last = (key, drawn) if not fields else self._last
        return drawn

    def _draw(self, spot: Spot, text: str) -> list[Template]:
        content, font = self._content(text, spot.width, spot.height)
        image = b"/XObject<</Im0 " if self._picture is not None else b""
        resources = (
            b"/Resources<</ColorSpace<</Cs0 " + _GRAY + b">>/Font<</F0 ",
            _FONT,
            b">>" + image,
            *((_FONT + len(font.objects), b">>") if self._picture is not None else ()),
            b">>",
        )
        form = Template(
            (
                b"<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 %.3f %.3f]/Matrix[%b]"
                % (spot.width, spot.height, spot.form_matrix().encode("ascii")),
                *resources,
            ),
            content,
        )
        return [form, *font.objects, *((self._picture.template,) if self._picture is not None else ())]

    def _text(self, moment: datetime, fields: Mapping[str, str]) -> str:
        values: dict[str, object] = {**self._constants, "date": moment.astimezone(self._box.zone), **fields}
        try:
            text = self._box.text.format_map(values)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise BoxImpossible(
                "The text of the box has a placeholder without a value.",
                "Give the document this field, or correct the text.",
                placeholder=str(error),
            ) from error
        if text.replace("\n", "").isprintable():
            return text
        return "".join(character for character in text if character == "\n" or character.isprintable())

    def _content(self, text: str, width: float, height: float) -> tuple[bytes, FontSubset]:
        font = self._font.subset_for(text, self._expected)
        parts = [b"q\n"]
        if self._box.border:
            parts.append(b"/Cs0 CS 0.5 SC 0.5 w 0.25 0.25 %.3f %.3f re S\n" % (width - 0.5, height - 0.5))
        pad = _PADDING_PT if min(width, height) > 4 * _PADDING_PT else 0.0
        area = _Area(pad, pad, width - 2 * pad, height - 2 * pad)
        if self._picture is not None:
            area = self._place_picture(self._picture, area, parts)
        if text.strip():
            self._place_text(text, font, area, parts)
        parts.append(b"Q")
        return b"".join(parts), font

    def _place_picture(self, picture: _Picture, area: _Area, parts: list[bytes]) -> _Area:
        beside = self._box.image_position is ImagePosition.LEFT and self._box.text.strip()
        room = area.width * _IMAGE_SHARE if beside else area.width
        scale = min(room / picture.width, area.height / picture.height)
        width, height = picture.width * scale, picture.height * scale
        x = area.x + (room - width) / 2
        y = area.y + (area.height - height) / 2
        parts.append(b"q %.3f 0 0 %.3f %.3f %.3f cm /Im0 Do Q\n" % (width, height, x, y))
        if not beside:
            return area
        left = room + _PADDING_PT
        return _Area(area.x + left, area.y, area.width - left, area.height)

    def _place_text(self, text: str, font: FontSubset, area: _Area, parts: list[bytes]) -> None:
        size, lines = self._fit(text, font, area)
        ascent, descent = font.ascent * size / 1000, -font.descent * size / 1000
        leading = _LEADING * size
        block = (len(lines) - 1) * leading + ascent + descent
        baseline = area.y + (area.height + block) / 2 - ascent
        parts.append(
            b"BT /Cs0 cs 0 sc /F0 %.2f Tf %.3f TL %.3f %.3f Td\n" % (size, leading, area.x, baseline)
        )
        for line in lines:
            parts.append(font.encode(line) + b" Tj T*\n")
        parts.append(b"ET\n")

    def _fit(self, text: str, font: FontSubset, area: _Area) -> tuple[float, list[str]]:
        size = self._box.max_font_pt
        paragraphs = text.split("\n")
        tall = (font.ascent - font.descent) / 1000
        while size >= self._box.min_font_pt:
            lines = [
                line for paragraph in paragraphs for line in _wrap(paragraph, font, area.width * 1000 / size)
            ]
            height = size * ((len(lines) - 1) * _LEADING + tall)
            if height <= area.height and all(font.width(line) * size <= area.width * 1000 for line in lines):
                return size, lines
            size *= _FIT_STEP
        raise BoxImpossible(
            "The text does not fit into the box.",
            "Make the box larger or the text shorter.",
            width=round(area.width, 1),
            height=round(area.height, 1),
        )


def _wrap(paragraph: str, font: FontSubset, width: float) -> list[str]:
    if font.width(paragraph) <= width:
        return [paragraph]
    lines, line = [], ""
    for word in paragraph.split():
        longer = f"{line} {word}" if line else word
        if line and font.width(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def _load_picture(source: Path | bytes) -> _Picture:
    try:
        opened = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source)
        opened.load()
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise SettingsError("The image of the box cannot be read.", "Use a PNG or JPEG file.") from error
    opened.thumbnail((_MAX_PIXELS, _MAX_PIXELS))
    layer = opened.convert("RGBA")
    # PDF/A-1 knows no transparency (ISO 19005-1 clause 6.4)
    flat = Image.new("RGB", layer.size, "white")
    flat.paste(layer, mask=layer.getchannel("A"))
    head = (
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace%b/Filter/FlateDecode"
        % (
            flat.width,
            flat.height,
            _RGB,
        )
    )
    return _Picture(flat.width, flat.height, Template((head,), zlib.compress(flat.tobytes(), 9)))
