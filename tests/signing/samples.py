"""PDF files of every shape that a signer meets, made by reportlab, pikepdf (qpdf) and pyHanko, or by hand."""

import io
from functools import cache
from pathlib import Path

import pikepdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

FONT = Path(__file__).parents[2] / "cmsdesk" / "signing" / "resources" / "DejaVuSans.ttf"
ICC = Path(pikepdf.__file__).parent / "pdfa" / "data" / "sRGB.icc"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="1" pdfaid:conformance="B"/></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


@cache
def plain(pages: int = 3, size: tuple[float, float] = A4) -> bytes:
    """A file with a cross-reference table, as reportlab writes it."""
    out = io.BytesIO()
    drawing = canvas.Canvas(out, pagesize=size, invariant=True)
    for number in range(1, pages + 1):
        drawing.drawString(72, size[1] - 80, f"Documento di prova, pagina {number}")
        drawing.line(72, size[1] - 90, size[0] - 72, size[1] - 90)
        drawing.showPage()
    drawing.save()
    return out.getvalue()


def rewritten(data: bytes, **options: object) -> bytes:
    """The same document as qpdf writes it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(out, **options)
    return out.getvalue()


@cache
def xref_stream() -> bytes:
    """A cross-reference stream without object streams, as pyHanko writes it."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(plain())), {"stream_xrefs": True})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@cache
def object_streams() -> bytes:
    """Catalogue, pages and fonts in object streams."""
    return rewritten(plain(), object_stream_mode=pikepdf.ObjectStreamMode.generate)


@cache
def linearised() -> bytes:
    """For the web: the first page's cross-reference stands first."""
    return rewritten(plain(), linearize=True)


@cache
def linearised_object_streams() -> bytes:
    """Both at once."""
    return rewritten(plain(), linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def rotated(degrees: int) -> bytes:
    """Pages turned clockwise."""
    with pikepdf.open(io.BytesIO(plain())) as pdf:
        for page in pdf.pages:
            page.Rotate = degrees
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def cropped() -> bytes:
    """A media box away from the origin, a crop box inside it, a user unit, all inherited or indirect."""
    with pikepdf.open(io.BytesIO(plain(2))) as pdf:
        tree = pdf.Root.Pages
        for page in pdf.pages:
            del page.obj["/MediaBox"]
            del page.obj["/Rotate"]
            page.obj["/UserUnit"] = 2
        tree.MediaBox = pikepdf.Array([-100, -50, 500, 800])
        tree.CropBox = pdf.make_indirect(pikepdf.Array([0, 0, 400, 600]))
        tree.Rotate = 90
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def encrypted(owner: str = "proprietario", user: str = "", **options: object) -> bytes:
    """Encrypted, by default with AES-256 and an empty user password."""
    return rewritten(plain(), encryption=pikepdf.Encryption(owner=owner, user=user, **options))


def form(name: str = "Firma Presidente", **options: object) -> bytes:
    """An empty visible signature field, and a text field, by pyHanko and pikepdf."""
    with pikepdf.open(io.BytesIO(plain())) as pdf:
        text = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Tx,
                T="cognome",
                V="Rossi",
                Rect=[72, 600, 200, 620],
            )
        )
        pdf.pages[0].Annots = pdf.make_indirect(pikepdf.Array([text]))
        pdf.Root.AcroForm = pdf.make_indirect(pikepdf.Dictionary(Fields=pikepdf.Array([text])))
        out = io.BytesIO()
        pdf.save(out)
    writer = IncrementalPdfFileWriter(out)
    append_signature_field(writer, SigFieldSpec(name, on_page=1, box=(100, 100, 300, 160), **options))
    done = io.BytesIO()
    writer.write(done)
    return done.getvalue()


@cache
def pdf_a() -> bytes:
    """PDF/A-1b, valid before it is signed."""
    pdfmetrics.registerFont(TTFont("DejaVuSans", str(FONT)))
    out = io.BytesIO()
    drawing = canvas.Canvas(out, pagesize=A4, pdfVersion=(1, 4), initialFontName="DejaVuSans", invariant=True)
    drawing.setFont("DejaVuSans", 12)
    drawing.drawString(72, 700, "Delibera di prova")
    drawing.showPage()
    drawing.save()
    with pikepdf.open(io.BytesIO(out.getvalue())) as pdf:
        del pdf.trailer["/Info"]
        profile = pdf.make_stream(ICC.read_bytes(), N=3)
        pdf.Root.OutputIntents = pikepdf.Array(
            [
                pikepdf.Dictionary(
                    Type=pikepdf.Name.OutputIntent,
                    S=pikepdf.Name("/GTS_PDFA1"),
                    OutputConditionIdentifier="sRGB",
                    DestOutputProfile=profile,
                )
            ]
        )
        metadata = pdf.make_stream(_XMP.encode(), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        pdf.Root.Metadata = metadata
        done = io.BytesIO()
        pdf.save(done, force_version="1.4", object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return done.getvalue()


def shared_array() -> bytes:
    """One array object is both the page's annotations and the form's fields."""
    with pikepdf.open(io.BytesIO(plain(1))) as pdf:
        shared = pdf.make_indirect(pikepdf.Array([]))
        pdf.pages[0].Annots = shared
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=shared)
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def hybrid() -> bytes:
    """A hybrid-reference file (ISO 32000-1 clause 7.5.8.4): the pages' resources are in an object stream."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Resources<<>>/Contents 4 0 R/PieceInfo 5 0 R>>",
        4: b"<</Length 0>>\nstream\n\nendstream",
    }
    out = io.BytesIO()
    out.write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    offsets = {}
    for number, body in objects.items():
        offsets[number] = out.tell()
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    stream = b"%d 0 obj\n<<%b/Length %d>>\nstream\n%b\nendstream\nendobj\n"
    inside = b"5 0 <</Prova<</LastModified(D:20260101000000Z)>>>>"
    offsets[6] = out.tell()
    out.write(
        b"6 0 obj\n<</Type/ObjStm/N 1/First 4/Length %d>>\nstream\n%b\nendstream\nendobj\n"
        % (len(inside), inside)
    )
    offsets[7] = out.tell()
    rows = b"\x02" + (6).to_bytes(4, "big") + b"\x00"
    out.write(stream % (7, b"/Type/XRef/Size 8/W[1 4 1]/Index[5 1]/Root 1 0 R", len(rows), rows))
    table = out.tell()
    out.write(b"xref\n0 8\n0000000005 65535 f\r\n")
    for number in range(1, 8):
        if number == 5:
            out.write(b"0000000000 00000 f\r\n")
        else:
            out.write(b"%010d 00000 n\r\n" % offsets[number])
    out.write(b"trailer\n<</Size 8/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (offsets[7], table))
    return out.getvalue()


def broken() -> dict[str, bytes]:
    """Damaged files, by the damage."""
    sound = plain()
    mark = sound.rindex(b"startxref")
    return {
        "cut off": sound[:-200],
        "no startxref": sound[:mark],
        "startxref points elsewhere": sound[:mark] + b"startxref\n17\n%%EOF\n",
        "offsets moved": b"%PDF-1.4\n% comment\n" + sound[9:],
        "zeros inside": sound[: sound.index(b"/Pages") - 60]
        + bytes(400)
        + sound[sound.index(b"/Pages") + 340 :],
        "junk before the header": b"\r\n" * 20 + sound,
        "no catalogue": sound.replace(b"/Root", b"/Boot"),
    }
