"""The small PDF reader against qpdf (by pikepdf), on documents that are large in one way or another."""

import io
import time

import pikepdf
import pytest
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pdf import xref
from cmsdesk.signing.pdf.reader import PdfReader
from cmsdesk.signing.pdf.syntax import (
    HardPdf,
    array_of,
    dictionary_of,
    four_numbers,
    name_of,
    plain_dictionary,
    value_span,
    write_dictionary,
    write_name,
    write_text,
)
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.checkers import pdfsig, qpdf_check


def many_pages(count: int, **options: object) -> bytes:
    with pikepdf.new() as pdf:
        for number in range(count):
            pdf.add_blank_page(page_size=(100 + number % 7, 200))
        out = io.BytesIO()
        pdf.save(out, **options)
    return out.getvalue()


def nested_pages(depth: int, fan: int) -> bytes:
    """A page tree of several levels."""
    with pikepdf.new() as pdf:

        def node(level: int) -> pikepdf.Object:
            if level == 0:
                return pdf.make_indirect(
                    pikepdf.Dictionary(Type=pikepdf.Name.Page, Resources=pikepdf.Dictionary())
                )
            kids = [node(level - 1) for _ in range(fan)]
            made = pdf.make_indirect(
                pikepdf.Dictionary(Type=pikepdf.Name.Pages, Kids=pikepdf.Array(kids), Count=fan**level)
            )
            for kid in kids:
                kid.Parent = made
            return made

        tree = node(depth)
        tree.MediaBox = pikepdf.Array([0, 0, 300, 400])
        pdf.Root.Pages = tree
        out = io.BytesIO()
        pdf.save(out)
    return out.getvalue()


def agree(data: bytes) -> None:
    """Every page is the one that qpdf finds, of the same size."""
    reader = PdfReader(data)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert reader.page_count == len(pdf.pages)
        for index in {0, 1, len(pdf.pages) // 2, len(pdf.pages) - 1}:
            page = reader.page(index + 1)
            assert page.reference == pdf.pages[index].obj.objgen
            assert list(page.box) == [float(side) for side in pdf.pages[index].mediabox]
            assert reader.page(index - len(pdf.pages)).reference == page.reference
        assert reader.root_reference == pdf.Root.objgen
        for number in (0, len(pdf.pages) + 1, -len(pdf.pages) - 1):
            with pytest.raises(IndexError):
                reader.page(number)


@pytest.mark.parametrize("count", [3, 700, 3000])
@pytest.mark.parametrize("streams", [False, True], ids=["table", "streams"])
def test_many_pages(count, streams):
    """3,000 pages have a cross-reference stream of more rows than are decoded at once."""
    mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
    agree(many_pages(count, object_stream_mode=mode))


def test_nested_page_trees():
    agree(nested_pages(4, 3))


def test_many_revisions(pki, tmp_path):
    """Each revision changes the document; the newest counts."""
    data = samples.plain()
    for number in range(40):
        writer = IncrementalPdfFileWriter(io.BytesIO(data))
        writer.root["/Versione"] = NumberObject(number)
        writer.update_root()
        out = io.BytesIO()
        writer.write(out)
        data = out.getvalue()
    assert PdfReader(data).catalogue[b"Versione"] == b"39"
    identity = pki.signer("p256")
    target = tmp_path / "a.pdf"
    with SigningSession(SoftwareSigner(identity.key, identity.certificate)) as session:
        session.sign(Document(source=data, target=target), PadesProfile())
    assert pdfsig(target).whole
    qpdf_check(target)


def test_values():
    for raw in (
        b"12 0 R",
        b"-1.5",
        b"/Name#20x",
        b"(a(b)\\)c)",
        b"<0A>",
        b"[1 [2] <</A 3>>]",
        b"<</A[1]/B(x)>>",
        b"true",
    ):
        assert value_span(b"  % note\n" + raw + b" /next", 0) == (9, 9 + len(raw))
    for bad in (b"", b"(open", b"[1 2", b"<</A 1", b"endobj", b">>", b"]", b"{1}", b"1x"):
        with pytest.raises(HardPdf):
            value_span(bad, 0)
    with pytest.raises(HardPdf, match="nested"):
        value_span(b"[" * 80 + b"]" * 80, 0)


def test_dictionaries_keep_what_is_not_changed():
    raw = b"<< /Type /Page % (note)\n /Kids [ 1 0 R 2 0 R ] /T (a >> b) /D <</X<<>>/Y[()]>> /N null >>"
    read = dictionary_of(raw)
    assert read.raw == raw
    assert read.with_entry(b"New", b"5").startswith(raw[:-2])
    assert dictionary_of(read.with_entry(b"New", b"5"))[b"New"] == b"5"
    assert dictionary_of(read.with_entry(b"T", b"(x)"))[b"T"] == b"(x)"
    assert dictionary_of(write_dictionary(read)) == read
    assert read[b"T"] == b"(a >> b)"
    for bad in (b"<</A 1/A 2>>", b"<</A/A#41 2/AA 1/AA 2>>", b"<<1 2>>", b"<</A>>", b"<</A 1 2>>", b"[1]"):
        with pytest.raises(HardPdf):
            dictionary_of(bad)


def test_arrays_names_and_texts():
    assert array_of(b"[ 1 0 R/A <0A> -2.5 3 ]") == [b"1 0 R", b"/A", b"<0A>", b"-2.5", b"3"]
    assert array_of(b"[(a]b) [1] 2]") == [b"(a]b)", b"[1]", b"2"]
    assert four_numbers(b"[0 0 595.276 841.89]") == [0, 0, 595.276, 841.89]
    assert four_numbers(b"[0 0 1 0 R 841.89]") is None
    assert write_name(b"A B") == b"/A#20B"
    assert name_of(write_name(bytes(range(1, 256)))) == bytes(range(1, 256))
    assert write_text("Firma (1)\\") == rb"(Firma \(1\)\\)"
    assert bytes.fromhex(write_text("è").decode()[1:-1]).decode("utf-16") == "è"


def test_a_bomb_is_not_unpacked():
    import zlib

    packed = zlib.compress(bytes(80 * 1024 * 1024), 9)
    with pytest.raises(HardPdf, match="too large"):
        xref.decode({b"Filter": b"/FlateDecode"}, packed)


@pytest.mark.parametrize(
    "raw",
    [
        b"<</A 1/B[1 2]/C<</D/E>>/F 12 0 R>>",
        b"<</A(x)/B<41>/C true/D -1.5/E/F>>",
        b"<< % a comment >> of its own\n /A 1 /B [ <41> <42> ] >>",
        b"<<>>",
        b"<</A#20B 1>>",
    ],
)
def test_plain_dictionaries_are_read_as_the_others(raw):
    """In one step or entry by entry, the same comes out."""
    whole = plain_dictionary(raw)
    # a string with an escape keeps the rest from being read in one step
    slow = dictionary_of(raw[:-2] + b"/Zz(\\n)>>")
    assert slow.pop(b"Zz") == b"(\\n)"
    assert whole == slow
    assert dictionary_of(raw) == slow


@pytest.mark.parametrize(
    "raw",
    [
        b"<</A 1> >",
        b"<</A 1",
        b"<</A <41>>",
        b"<</A>>",
        b"<</A (x/B 1>>",
        b"<</A 1 2/B 3>>",
        b"<</A x>>",
        b"<</A 1%>>",
        b"[1]",
        b"<</A[1 <</B 1>>>>",
    ],
)
def test_what_is_no_dictionary_is_not_read_as_one(raw):
    assert plain_dictionary(raw) is None
    with pytest.raises(HardPdf):
        dictionary_of(raw)


def test_two_dictionaries_are_not_one():
    both = b"<</A 1>> <</B 2>>"
    assert plain_dictionary(both) is None
    assert dictionary_of(both) == {b"A": b"1"}


def test_hostile_text_takes_no_longer_than_other_text():
    """Comments and numbers that could be cut in many ways are not tried in all of them."""
    started = time.process_time()
    for hostile in (b"%" * 24 + b"\n", b"/A" + b"% %" * 16, b"/A[" + b"11 " * 24 + b"(x)"):
        with pytest.raises(HardPdf):
            dictionary_of(b"<<" + hostile)
    assert len(array_of(b"[" + b"11 " * 24 + b"(x)]")) == 25
    assert time.process_time() - started < 1
