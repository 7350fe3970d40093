"""Files of 500 MB: signed in pieces, in the same memory as small ones."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document, Level
from cmsdesk.signing.documents.product import Pieces
from cmsdesk.signing.documents.sources import FileSource, hash_source
from cmsdesk.signing.errors import DocumentChanged
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.trust import Trust
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing.checkers import pdfsig, run
from tests.signing.pki import Pki

REPOSITORY = Path(__file__).parents[3]
SIZE = 500 * 1024 * 1024

# Signs one file with one profile, and tells how its memory grew, in kB; the small file first loads all code.
PROGRAM = """
import json, resource, sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document, Level
from cmsdesk.signing.pades.box import Box, Rectangle
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.trust import Trust
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner

key, certificate, kind, small, large, target = sys.argv[1:]
box = Box(place=Rectangle(page=1, x=20, y=20, width=150, height=50))
profile = {
    "attached": CadesProfile(),
    "parallel": CadesProfile(mode=Mode.PARALLEL),
    "pdf": PadesProfile(box=box),
    "careful pdf": PadesProfile(box=box, existing_field=True),
}[kind]
signer = SoftwareSigner(load_pem_private_key(Path(key).read_bytes(), None), Path(certificate).read_bytes())
with SigningSession(signer) as session:
    session.sign(Document(source=Path(small), target=Path(target), overwrite=True), profile)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    session.sign(Document(source=Path(large), target=Path(target), overwrite=True), profile)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([before, after]))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose large files are removed at once."""
    yield tmp_path
    for path in tmp_path.iterdir():
        path.unlink()


def growth_mib(pki: Pki, folder: Path, kind: str, small: Path, large: Path, target: Path) -> float:
    identity = pki.signer("rsa2048")
    key, certificate = folder / "key.pem", folder / "certificate.der"
    key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(identity.certificate)
    words = [str(word) for word in (key, certificate, kind, small, large, target)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        check=False,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    return (after - before) / 1024


def content(path: Path, size: int) -> Path:
    """A file with something at both ends and a hole between (the hole costs no disk)."""
    with path.open("wb") as stream:
        stream.write(b"inizio")
        stream.seek(size - 4)
        stream.write(b"fine")
    return path


def pdf(path: Path, size: int, *, field: bool) -> Path:
    """A PDF with one enormous stream."""
    form = b"/AcroForm<</Fields[6 0 R]>>" if field else b""
    widget = b"/Annots[6 0 R]" if field else b""
    with path.open("wb") as stream:
        offsets = []

        def put(body: bytes) -> None:
            offsets.append(stream.tell())
            stream.write(b"%d 0 obj\n%b\nendobj\n" % (len(offsets), body))

        stream.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        put(b"<</Type/Catalog/Pages 2 0 R%b>>" % form)
        put(b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
        put(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/PieceInfo<</P 5 0 R>>%b>>"
            % widget
        )
        put(b"<<>>")
        offsets.append(stream.tell())
        stream.write(b"5 0 obj\n<</Length %d>>\nstream\n" % size)
        stream.seek(size, os.SEEK_CUR)
        stream.write(b"\nendstream\nendobj\n")
        put(b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Firma)/F 4/Rect[10 10 200 60]/P 3 0 R>>")
        start = stream.tell()
        stream.write(b"xref\n0 7\n0000000000 65535 f\r\n")
        for offset in offsets:
            stream.write(b"%010d 00000 n\r\n" % offset)
        stream.write(b"trailer\n<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
    return path


def test_attached_and_parallel_signatures_of_500_mb(pki, root_file, disk):
    source, message = content(disk / "a.bin", SIZE), disk / "a.bin.p7m"
    small = content(disk / "small.bin", 5 * 1024 * 1024)
    assert growth_mib(pki, disk, "attached", small, source, message) < 24
    identity = pki.signer("p256")
    with SigningSession(SoftwareSigner(identity.key, identity.certificate, pki.chain)) as session:
        little = disk / "small.bin.p7m"
        session.sign(Document(source=small, target=little), CadesProfile())
    source.unlink()
    both = disk / "both.p7m"
    assert growth_mib(pki, disk, "parallel", little, message, both) < 24
    message.unlink()
    out = disk / "out.bin"
    done = run(
        *("openssl", "cms", "-verify", "-noverify", "-inform", "DER", "-in", both, "-binary"),
        *("-out", out),
    )
    assert done.returncode == 0, done.stderr
    both.unlink()
    content(disk / "again.bin", SIZE)
    assert run("cmp", out, disk / "again.bin").returncode == 0


@pytest.mark.parametrize("kind", ["pdf", "careful pdf"])
def test_a_pdf_of_500_mb(kind, pki, disk):
    field = kind == "careful pdf"
    source, target = pdf(disk / "a.pdf", SIZE, field=field), disk / "signed.pdf"
    small = pdf(disk / "small.pdf", 5 * 1024 * 1024, field=field)
    assert growth_mib(pki, disk, kind, small, source, target) < 24
    source.unlink()
    found = pdfsig(target)
    assert (found.valid, found.whole) == (1, True)


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_a_long_term_pdf_of_500_mb(level, pki, disk, stamper):
    """pyHanko adds validation data and the document time stamp in the file, in pieces."""
    crls = (pki.crl(pki.root), pki.crl(pki.issuing))
    trust = Trust(anchors=(pki.root.certificate,), revocation_lists=crls, fetch=False)
    profile = PadesProfile(level=level, trust=trust)
    identity = pki.signer("rsa2048")
    source, target = pdf(disk / "a.pdf", SIZE, field=False), disk / "signed.pdf"
    small = pdf(disk / "small.pdf", 5 * 1024 * 1024, field=False)
    signer = SoftwareSigner(identity.key, identity.certificate, pki.chain)
    with SigningSession(signer, timestamper=stamper) as session:
        session.sign(Document(source=small, target=disk / "small-signed.pdf"), profile)
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
        before = resident_kib("VmRSS")
        session.sign(Document(source=source, target=target), profile)
        grown_mib = (resident_kib("VmHWM") - before) / 1024
    assert grown_mib < 24
    source.unlink()
    assert pdfsig(target).valid == 1


def resident_kib(which: str) -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))


def test_a_large_file_that_changes_while_it_is_signed_gives_nothing(pki, disk):
    source, target = content(disk / "a.bin", 6 * 1024 * 1024), disk / "a.p7m"

    class Meddler(SoftwareSigner):
        def sign(self, digests):
            with source.open("r+b") as stream:
                stream.seek(3_000_000)
                stream.write(b"!")
            return super().sign(digests)

    identity = pki.signer("p256")
    for profile in (CadesProfile(), PadesProfile()):
        if isinstance(profile, PadesProfile):
            pdf(source, 6 * 1024 * 1024, field=False)
        with (
            SigningSession(Meddler(identity.key, identity.certificate)) as session,
            pytest.raises(DocumentChanged),
        ):
            session.sign(Document(source=source, target=target), profile)
        assert sorted(path.name for path in disk.iterdir()) == ["a.bin"]


def test_a_detached_signature_does_not_read_the_file_twice_for_nothing(pki, disk):
    source = content(disk / "a.bin", 6 * 1024 * 1024)
    identity = pki.signer("p256")
    with SigningSession(SoftwareSigner(identity.key, identity.certificate)) as session:
        result = session.sign(Document(source=source), CadesProfile(mode=Mode.DETACHED))
    assert result.size_bytes < 4096


def test_pieces_tell_what_they_are(disk):
    source = FileSource(content(disk / "a.bin", 5 * 1024 * 1024))
    hashed = hash_source(source, Digest.SHA256).digest()
    pieces = Pieces(b"head", source, b"tail", Digest.SHA256, hashed)
    fingerprint = pieces.save(disk / "out")
    assert fingerprint.matches(disk / "out")
    with (disk / "out").open("r+b") as stream:
        stream.seek(1_000_000)
        stream.write(b"x")
    assert not fingerprint.matches(disk / "out")
