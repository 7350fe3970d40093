"""An embedded font: only the glyphs that are used, as PDF/A asks (ISO 19005-1 clause 6.3)."""

import io
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont, TTLibError

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pades.objects import Part, Template

DEFAULT_FONT = Path(__file__).parent.parent / "resources" / "DejaVuSans.ttf"
_EVERY_DAY = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("ÀÁÈÉÌÒÓÙÄÖÜàáèéìíòóùúäöüßçñ€«»’“”–°º")
DATES = frozenset("0123456789/:.- \n")
_UNUSED_TABLES = "OS/2 post name cmap GSUB GPOS GDEF kern gasp DSIG FFTM MATH".split()  # noqa: SIM905 - a list of words


@lru_cache(maxsize=4)
def load_font(path: Path | None) -> "Font":
    """Load a TrueType font, or the one that comes with the library."""
    return Font(path or DEFAULT_FONT)


class Font:
    """A TrueType font file.

    Raises:
        SettingsError: the file is missing or no TrueType font.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._data = path.read_bytes()
            font = TTFont(io.BytesIO(self._data), lazy=True)
            self._glyphs: dict[int, str] = dict(font.getBestCmap())
            self._name = re.sub(r"[^A-Za-z0-9-]", "", str(font["name"].getDebugName(6) or path.stem))
            if "glyf" not in font:
                raise SettingsError("The font has no TrueType outlines.", "Name a .ttf font.", path=str(path))
        except (OSError, TTLibError) as error:
            raise SettingsError("The font cannot be read.", "Name a .ttf font.", path=str(path)) from error
        self._cache: dict[frozenset[str], FontSubset] = {}

    def subset_for(self, text: str, expected: frozenset[str]) -> "FontSubset":
        """Return a subset that holds all of `text`.

        It is the small one of the `expected` characters when they suffice, else one with the letters of every
        day as well. Characters that the font does not have are shown as its box for missing ones.
        """
        wanted = expected
        extra = frozenset(text) - expected
        if extra:
            wanted = expected | extra | _EVERY_DAY
        found = self._cache.get(wanted)
        if found is None:
            characters = [character for character in sorted(wanted) if ord(character) in self._glyphs]
            found = self._cache[wanted] = self._subset(characters)
        return found

    def _subset(self, characters: list[str]) -> "FontSubset":
        options = subset.Options()
        options.hinting = False
        options.layout_features = []
        options.notdef_outline = True
        options.name_IDs = []
        options.drop_tables += _UNUSED_TABLES
        font = subset.load_font(io.BytesIO(self._data), options)
        names = font.getBestCmap()
        cutter = subset.Subsetter(options)
        cutter.populate(glyphs=[names[ord(character)] for character in characters])
        facts = font["head"], font["hhea"]
        scale = 1000 / facts[0].unitsPerEm
        box = tuple(round(getattr(facts[0], side) * scale) for side in ("xMin", "yMin", "xMax", "yMax"))
        ascent, descent = round(facts[1].ascent * scale), round(facts[1].descent * scale)
        cutter.subset(font)
        order = {name: index for index, name in enumerate(font.getGlyphOrder())}
        widths = [round(font["hmtx"][name][0] * scale) for name in font.getGlyphOrder()]
        saved = io.BytesIO()
        subset.save_font(font, saved, options)
        glyphs = {character: order[names[ord(character)]] for character in characters}
        return FontSubset(self._name, saved.getvalue(), glyphs, widths, box, ascent, descent)


@dataclass(frozen=True)
class FontSubset:
    """Some glyphs of a font.

    Attributes:
        name: PostScript name of the font.
        program: the TrueType file.
        glyphs: glyph number by character.
        widths: by glyph number, in thousandths of the font size; so are box, ascent and descent.
    """

    name: str
    program: bytes
    glyphs: dict[str, int]
    widths: list[int]
    box: tuple[int, ...]
    ascent: int
    descent: int

    @cached_property
    def _character_widths(self) -> dict[str, int]:
        return {character: self.widths[glyph] for character, glyph in self.glyphs.items()}

    def width(self, text: str) -> int:
        """Return the width of a line, in thousandths of the font size."""
        widths, missing = self._character_widths, self.widths[0]
        return sum([widths.get(character, missing) for character in text])

    def encode(self, text: str) -> bytes:
        """Return a line as a hexadecimal string of glyph numbers."""
        return b"<" + "".join([f"{self.glyphs.get(character, 0):04X}" for character in text]).encode() + b">"

    @cached_property
    def objects(self) -> list[Template]:
        """The six objects of the font (clause 9.7).

        They stand at the places 1 to 6, after the object that uses the font; a resource dictionary names the
        one at place 1.
        """
        name = b"/SUBSET+" + self.name.encode("ascii")
        widths = b" ".join(b"%d" % width for width in self.widths)
        compressed = zlib.compress(self.program, 9)
        return [
            _dictionary(
                b"/Type/Font/Subtype/Type0/Encoding/Identity-H/BaseFont", name,
                b"/DescendantFonts[", 2, b"]/ToUnicode ", 5,
            ),
            _dictionary(
                b"/Type/Font/Subtype/CIDFontType2/CIDToGIDMap/Identity/BaseFont", name,
                b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor ", 3,
                b"/W[0[" + widths + b"]]",
            ),
            _dictionary(
                b"/Type/FontDescriptor/Flags 4/ItalicAngle 0/StemV 80/FontName", name, self._metrics(),
                b"/FontFile2 ", 4, b"/CIDSet ", 6,
            ),
            Template((b"<</Filter/FlateDecode/Length1 %d" % len(self.program),), compressed),
            Template((b"<<",), _to_unicode(self.glyphs)),
            Template((b"<<",), self._cid_set()),
        ]  # fmt: skip

    def _metrics(self) -> bytes:
        box = b" ".join(b"%d" % side for side in self.box)
        return b"/FontBBox[%b]/Ascent %d/Descent %d/CapHeight %d" % (
            box, self.ascent, self.descent, self.ascent
        )  # fmt: skip

    def _cid_set(self) -> bytes:
        # ISO 19005-1 clause 6.3.5: one bit for each CID in the subset, the first in the highest bit
        count = len(self.widths)
        return (((1 << count) - 1) << (-count % 8)).to_bytes((count + 7) // 8, "big")


def _dictionary(*parts: Part) -> Template:
    return Template((b"<<", *parts))


def _to_unicode(glyphs: dict[str, int]) -> bytes:
    """Write a ToUnicode map (clause 9.10.3), so that the text can be searched and read aloud."""
    lines = [
        f"<{glyph:04X}> <{character.encode('utf-16-be').hex().upper()}>"
        for character, glyph in glyphs.items()
    ]
    blocks = [
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in _blocks(lines, 100)
    ]
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        + "".join(blocks)
        + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _blocks(lines: list[str], size: int) -> Iterable[list[str]]:
    return [lines[start : start + size] for start in range(0, len(lines), size)]
