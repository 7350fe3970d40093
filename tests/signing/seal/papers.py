"""Sealed certificates, and what printing, scanning and photographing do to them. Every person is invented."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from io import BytesIO

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.pdfgen.canvas import Canvas

from cmsdesk.signing.seal import Place, SealedSignature, SealIssuer, SealOrder, SealTrust, make_seal
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import pki

FIELDS = {
    "Cognome": "Prova",
    "Nome": "Anna Maria",
    "Nato a": "Bolzano",
    "Numero REA": "BZ-123456",
    "Importo": "€ 1.250,00",
}
SIGNATURE = SealedSignature(
    "Luca Esempio",
    "CA qualificata di prova",
    2**90 + 17,
    bytes(range(32)),
    datetime(2026, 3, 3, 10, tzinfo=UTC),
    True,
)


@cache
def issuer() -> pki.Identity:
    return pki.issue(
        pki.make_pki().issuing, pki.make_key("p256"), "Camera di prova – sigillo", pki.signer_extensions()
    )


def signer() -> SoftwareSigner:
    return SoftwareSigner(issuer().key, issuer().certificate)


def trust() -> SealTrust:
    return SealTrust([SealIssuer(issuer().certificate, name="Camera di commercio di prova")])


@dataclass
class Paper:
    """How a certificate is printed."""

    values: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    turned: int = 0
    cropped: bool = False
    place_field: str | None = None

    def pdf(self) -> bytes:
        out = BytesIO()
        wide, high = 595.27, 841.89
        size = (high, wide) if self.turned in (90, 270) else (wide, high)
        # reportlab swaps the sides of turned pages itself
        canvas = Canvas(out, pagesize=(wide, high), invariant=True)
        # text that stands upright once the page is turned
        if self.turned == 90:
            canvas.transform(0, 1, -1, 0, high, 0)
        elif self.turned == 180:
            canvas.transform(-1, 0, 0, -1, wide, high)
        elif self.turned == 270:
            canvas.transform(0, -1, 1, 0, 0, wide)
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(60, 790, "Certificato di iscrizione")
        canvas.setFont("Helvetica", 11)
        y = 760
        for name, value in self.values.items():
            canvas.drawString(60, y, f"{name}:")
            canvas.drawString(180, y, value)
            y -= 22
        canvas.drawString(
            60, min(600, y - 20), "Si certifica che quanto sopra corrisponde agli atti della Camera."
        )
        if self.place_field:
            canvas.acroForm.textfield(name=self.place_field, x=60, y=60, width=160, height=160)
        if self.turned:
            canvas.setPageRotation(self.turned)
        canvas.save()
        if not self.cropped:
            return out.getvalue()
        with pypdfium2.PdfDocument(out.getvalue()) as document:
            document[0].set_cropbox(12, 15, size[0] - 10, size[1] - 20)
            cropped = BytesIO()
            document.save(cropped)
        return cropped.getvalue()


def order(**changes: object) -> SealOrder:
    given: dict[str, object] = {
        "title": "Certificato di iscrizione",
        "number": "1234/2026",
        "date": date(2026, 3, 3),
        "issuer": "Camera di commercio di prova",
        "document_sha256": bytes(32),
        "fields": FIELDS,
        "place": Place(0, 20, 225, 60, 60),
        "signatures": [SIGNATURE],
    }
    return SealOrder(**given | changes)  # type: ignore[arg-type]  # a test's changes are of the right types


@cache
def sealed() -> bytes:
    return make_seal(Paper().pdf(), order(), signer())


def with_seal_of(genuine: bytes, altered: bytes) -> bytes:
    """Print other text under a genuine seal: what a forger does."""
    scan = picture(genuine, 300)
    seal = scan.crop(
        (round(15 / 25.4 * 300), round(220 / 25.4 * 300), round(85 / 25.4 * 300), round(290 / 25.4 * 300))
    )
    page = picture(altered, 300)
    page.paste(seal, (round(15 / 25.4 * 300), round(220 / 25.4 * 300)))
    return as_file(page)


def picture(pdf: bytes, dpi: int) -> Image.Image:
    with pypdfium2.PdfDocument(pdf) as document:
        page: Image.Image = document[0].render(scale=dpi / 72).to_pil().convert("L")
        return page


def as_file(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noisy(image: Image.Image, sigma: float = 18.0) -> Image.Image:
    rng = np.random.default_rng(7)
    values = np.asarray(image, dtype=np.float64)
    return Image.fromarray(np.clip(values + rng.normal(0, sigma, values.shape), 0, 255).astype(np.uint8))


def blurred(image: Image.Image, dpi: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(dpi / 200))


def turned(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)


def photographed(image: Image.Image) -> Image.Image:
    """Seen at an angle, unevenly lit, on a dark table."""
    width, height = image.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    seen = [(0.06, 0.04), (0.95, 0.08), (0.91, 0.97), (0.03, 0.93)]
    rows, values = [], []
    for (x, y), (fu, fv) in zip(corners, seen, strict=True):
        u, v = fu * width, fv * height
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        values += [x, y]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(values, float))
    warped = image.transform(
        image.size, Image.Transform.PERSPECTIVE, tuple(coefficients), Image.Resampling.BICUBIC, fillcolor=70
    )
    light = np.linspace(0.72, 1.0, width)[None, :]
    return Image.fromarray((np.asarray(warped, float) * light).astype(np.uint8))
