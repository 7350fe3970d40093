"""What makes a PDF archivable (PDF/A-1b, ISO 19005-1) and readable aloud (ISO 32000-1 §14.7)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pikepdf

from cmsdesk.documents.colour import srgb_profile

PRODUCER = "cmsdesk"


@dataclass(frozen=True)
class Description:
    """What a file says of itself."""

    title: str
    author: str
    """The body that hands the paper out."""
    language: str
    """BCP 47."""
    made_at: datetime
    """Aware."""


@dataclass
class Element:
    """A node of the structure tree: marks of content, or more nodes."""

    role: str
    """A standard structure type: P, H1, Table, TR, TH, TD, Figure …"""
    language: str | None = None
    alternative: str | None = None
    """What is said in place of a picture."""
    marks: list[tuple[int, int]] = field(default_factory=list)
    """(page from 0, marked content id)"""
    children: list[Element] = field(default_factory=list)


def archivable(raw: bytes, description: Description, root: Element) -> bytes:
    """Return the PDF of ``raw`` as PDF/A-1b, structured as ``root``; same input, same bytes."""
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        pdf.Root.Lang = pikepdf.String(description.language)
        pdf.Root.MarkInfo = pikepdf.Dictionary(Marked=True)
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        _output_intent(pdf)
        _Structure(pdf).write(root)
        _describe(pdf, description)
        out = io.BytesIO()
        pdf.save(
            out,
            force_version="1.4",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            compress_streams=False,
            deterministic_id=True,
        )
    return out.getvalue()


def _output_intent(pdf: pikepdf.Pdf) -> None:
    profile = pdf.make_stream(srgb_profile(), N=3)
    intent = pikepdf.Dictionary(
        Type=pikepdf.Name.OutputIntent,
        S=pikepdf.Name.GTS_PDFA1,
        OutputConditionIdentifier=pikepdf.String("sRGB"),
        Info=pikepdf.String("sRGB IEC61966-2.1"),
        DestOutputProfile=profile,
    )
    pdf.Root.OutputIntents = pikepdf.Array([pdf.make_indirect(intent)])


def _describe(pdf: pikepdf.Pdf, description: Description) -> None:
    moment = description.made_at.astimezone(UTC)
    stamp = pikepdf.String(f"D:{moment:%Y%m%d%H%M%S}Z")
    pdf.trailer.Info = pdf.make_indirect(
        pikepdf.Dictionary(
            Title=pikepdf.String(description.title),
            Author=pikepdf.String(description.author),
            Creator=pikepdf.String(PRODUCER),
            Producer=pikepdf.String(PRODUCER),
            CreationDate=stamp,
            ModDate=stamp,
        )
    )
    packet = _XMP.format(
        title=escape(description.title),
        author=escape(description.author),
        language=description.language,
        producer=PRODUCER,
        moment=f"{moment:%Y-%m-%dT%H:%M:%S}Z",
    )
    pdf.Root.Metadata = pdf.make_stream(packet.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)


class _Structure:
    """The structure tree of one file, with the way back from marks to elements (ISO 32000-1 §14.7.4.4)."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._pdf = pdf
        self._parents: list[dict[int, pikepdf.Object]] = [{} for _ in pdf.pages]

    def write(self, root: Element) -> None:
        tree = self._pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.StructTreeRoot))
        tree.K = pikepdf.Array([self._element(root, tree)])
        numbers = pikepdf.Array()
        for index, (page, marks) in enumerate(zip(self._pdf.pages, self._parents, strict=True)):
            page.obj.StructParents = index
            if "/Trans" in page.obj:
                del page.obj.Trans  # reportlab's empty page transition
            row = pikepdf.Array([marks[mark] for mark in sorted(marks)])
            numbers.append(index)
            numbers.append(self._pdf.make_indirect(row))
        tree.ParentTree = self._pdf.make_indirect(pikepdf.Dictionary(Nums=numbers))
        tree.ParentTreeNextKey = len(self._parents)
        self._pdf.Root.StructTreeRoot = tree

    def _element(self, element: Element, parent: pikepdf.Object) -> pikepdf.Object:
        node = self._pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.StructElem, S=pikepdf.Name(f"/{element.role}"), P=parent)
        )
        if element.language:
            node.Lang = pikepdf.String(element.language)
        if element.alternative:
            node.Alt = pikepdf.String(element.alternative)
        kids = pikepdf.Array()
        for page, mark in element.marks:
            self._parents[page][mark] = node
            kids.append(pikepdf.Dictionary(Type=pikepdf.Name.MCR, Pg=self._pdf.pages[page].obj, MCID=mark))
        for child in element.children:
            kids.append(self._element(child, node))
        node.K = kids
        return node


_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>{producer}</xmp:CreatorTool>
<xmp:CreateDate>{moment}</xmp:CreateDate>
<xmp:ModifyDate>{moment}</xmp:ModifyDate>
<pdf:Producer>{producer}</pdf:Producer>
<pdfaid:part>1</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
