"""Checkers that nobody here wrote: OpenSSL, poppler, qpdf, Bouncy Castle, PDFBox, pyHanko."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from asn1crypto import cms, crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

_PDFBOX = ("pdfbox2", "fontbox2", "preflight", "xmpbox", "jaxb-api", "commons-logging", "commons-io")
_BOUNCY_CASTLE = ("bcprov", "bcpkix", "bcutil", "bcmail")
JAVA_CLASSES = ":".join(f"/usr/share/java/{jar}.jar" for jar in (*_PDFBOX, *_BOUNCY_CASTLE))
_TIMEOUT_S = 120


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        errors="replace",
    )


def openssl_cades(message: Path, root: Path, content: Path | None = None) -> bytes:
    """Verify a CAdES message; return its content."""
    out = message.with_suffix(".out")
    more = ("-content", content) if content is not None else ()
    done = run(
        *("openssl", "cms", "-verify", "-inform", "DER", "-in", message, "-CAfile", root),
        *("-purpose", "any", "-cades", "-binary", "-out", out, *more),
    )
    assert done.returncode == 0, done.stderr
    assert "CAdES Verification successful" in done.stderr, done.stderr
    data = out.read_bytes()
    out.unlink()
    return data


@dataclass(frozen=True)
class Pdfsig:
    """What poppler says of the signatures of a PDF."""

    valid: int
    invalid: int
    whole: bool


def pdfsig(path: Path, password: str | None = None) -> Pdfsig:
    more = ("-upw", password) if password else ()
    told = run("pdfsig", "-nocert", *more, path).stdout
    verdicts = re.findall(r"Signature Validation: (.+)", told)
    valid = verdicts.count("Signature is Valid.")
    # poppler does not validate document time stamps, and says so
    unknown = verdicts.count("Signature has not yet been verified.")
    last = told.rsplit("Signature #", 1)[-1]
    return Pdfsig(valid, len(verdicts) - valid - unknown, "Total document signed" in last)


def qpdf_check(path: Path, password: str | None = None) -> None:
    more = (f"--password={password}",) if password else ()
    done = run("qpdf", "--check", *more, path)
    assert done.returncode == 0, done.stdout + done.stderr


class Java:
    """Bouncy Castle and PDFBox in one Java process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, *words: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(str(word) for word in words) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def cms(self, message: Path, content: Path | None = None) -> int:
        """Verify all signers and countersigners; return their number."""
        answer = self.ask("cms", message, *((content,) if content is not None else ()))
        assert answer.startswith("signers "), answer
        return int(answer.split()[1])

    def pdf(self, path: Path, password: str = "") -> tuple[int, bool]:
        """Verify all signatures; return their number and whether one covers the whole file."""
        answer = self.ask("pdf", path, password)
        assert answer.startswith("signatures "), answer
        return int(answer.split()[1]), answer.endswith("whole")

    def preflight(self, path: Path) -> str:
        """Validate PDF/A-1b; `valid`, or what is wrong."""
        return self.ask("preflight", path)


@contextmanager
def java_checker(folder: Path) -> Iterator[Java]:
    source = Path(__file__).parent / "java" / "Checker.java"
    done = run("javac", "-nowarn", "-cp", JAVA_CLASSES, "-d", folder, source)
    assert done.returncode == 0, done.stderr
    process = subprocess.Popen(
        ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{JAVA_CLASSES}", "Checker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Java(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


# --- pyHanko, as its command `adesverify` calls it ---


def _validation_spec(root: bytes, crls: tuple[bytes, ...], *, revocation: bool) -> SignatureValidationSpec:
    policy = CertValidationPolicySpec(
        SimpleTrustManager.build([x509.Certificate.load(root)]),
        # the lists of the test PKI are older than the signatures: nobody waits for the next one here
        CertRevTrustPolicy(REQUIRE_REVINFO if revocation else NO_REVOCATION, retroactive_revinfo=True),
    )
    return SignatureValidationSpec(
        policy,
        RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(
            known_crls=[CRLContainer(crl.CertificateList.load(one)) for one in crls]
        ),
    )


def _embedded(stream: IO[bytes], password: str | None, strict: bool) -> list[EmbeddedPdfSignature]:
    reader = PdfFileReader(stream, strict=strict)
    if password is not None:
        reader.decrypt(password)
    return list(reader.embedded_regular_signatures)


def ades_pdf(
    path: Path,
    root: bytes,
    *,
    level: str = "B",
    crls: tuple[bytes, ...] = (),
    password: str | None = None,
    strict: bool = True,
    only: slice = slice(None),
) -> None:
    """Validate every signature of a PDF; each must cover its whole revision.

    From LT on, revocation information is required; at LTA it comes from the document alone.
    """
    spec = _validation_spec(root, crls, revocation=level in ("LT", "LTA"))
    with path.open("rb") as stream:
        embedded = _embedded(stream, password, strict)
        assert embedded
        for one in embedded[only]:
            _ades_embedded(one, spec, level)


def _ades_embedded(one: EmbeddedPdfSignature, spec: SignatureValidationSpec, level: str) -> None:
    digest = one.compute_digest()
    one.compute_integrity_info()
    assert one.coverage in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
    if level == "LTA":
        call = ades.ades_lta_validation(one, PdfSignatureValidationSpec(spec))
    elif level == "B":
        call = ades.ades_basic_validation(one.signed_data, spec, raw_digest=digest)
    else:
        call = ades.ades_with_time_validation(one.signed_data, spec, raw_digest=digest)
    result = asyncio.run(call)
    assert result.ades_subindic is AdESPassed.OK, (result.ades_subindic, result.failure_msg)


def ades_cms(message: bytes, root: bytes, digest: bytes | None = None, level: str = "B") -> None:
    """Validate a CAdES message of one signer."""
    signed = cms.ContentInfo.load(message)["content"]
    spec = _validation_spec(root, (), revocation=False)
    validate = ades.ades_basic_validation if level == "B" else ades.ades_with_time_validation
    result = asyncio.run(validate(signed, spec, raw_digest=digest))
    assert result.ades_subindic is AdESPassed.OK, (result.ades_subindic, result.failure_msg)
