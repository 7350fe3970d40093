"""What the interface takes and gives. Bytes travel as base64 (RFC 4648 §4)."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Command
from cmsdesk.domain.organisation import BodyKind
from cmsdesk.operations.administration import NewBody
from cmsdesk.operations.blobs import CHUNK_BYTES
from cmsdesk.operations.errors import CallMalformed

_ID = r"^[A-Za-z0-9._-]{1,64}$"
WANTED = r"^[a-z_]{1,32}/[A-Za-z0-9._-]{1,64}( [a-z_]{1,32}/[A-Za-z0-9._-]{1,64}){0,9}$"
"""Up to ten things by kind and id, blanks between them."""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$"
"""Of a PC: what every tool that shows certificates can show."""


def _bytes(value: object) -> object:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("not base64") from error
    return value


Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "byte"}),
]
Identifier = Annotated[str, Field(pattern=_ID)]
Word = Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
"""A kind of thing, or a state."""
FiscalCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{16}$")]


class Model(BaseModel):
    """Unknown names are refused: a newer desk learns that it speaks to an older service."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ChallengeAnswer(Model):
    """What the operator's card signs: see `operations.sign_in.Challenge`."""

    service: str
    workstation: str
    nonce: str
    expires_at: str


class SignInCall(Model):
    """What the operator's card signed."""

    message: Base64
    signature: Base64
    certificate: Base64


class MandateAnswer(Model):
    """A mandate to choose."""

    id: str
    body: str
    office: str
    role: str
    valid_until: str


class SignInAnswer(Model):
    """A session; the token goes into every call's ``Authorization``."""

    token: str
    operator: str
    mandates: list[MandateAnswer]


class VoucherModel(Model):
    """A signed voucher (`domain.voucher.SignedVoucher`)."""

    signed: Annotated[str, Field(max_length=8000)]
    signature: Annotated[str, Field(max_length=512)]
    key_id: Annotated[str, Field(max_length=64)]


class LinkModel(Model):
    """A command's place in the chain of a voucher (`domain.voucher.Link`)."""

    voucher: VoucherModel
    number: Annotated[int, Field(ge=1, lt=2**31)]
    previous: Annotated[str, Field(max_length=64)]
    at: Annotated[str, Field(max_length=40)]


class CommandCall(Model):
    """One command (`domain.commands.Command`)."""

    id: Annotated[
        str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
    ]
    kind: Annotated[str, Field(max_length=64)]
    body: Identifier
    facts: dict[str, Any]
    again: bool = False
    """Handed back after a restore of the service: a refusal is not the last word."""
    link: LinkModel | None = None
    """Where it was given without the service."""

    def command(self) -> Command:
        """Return the command."""
        link = None if self.link is None else self.link.model_dump()
        return Command(self.id, self.kind, self.body, self.facts, self.again, link)


AnyCommand = Annotated[CommandCall | dict[str, Any], Field(union_mode="left_to_right")]
"""A command, or an object that is none: that one is refused, the others are executed."""


class CommandAnswer(Model):
    """What became of a command."""

    command: str
    accepted: bool
    code: str = ""
    facts: dict[str, Any] | None = None


def unreadable(call: dict[str, Any]) -> CommandAnswer:
    """Return the answer to an object that is no command: where it is wrong."""
    try:
        CommandCall.model_validate(call)
        where = ""
    except ValidationError as error:
        where = ", ".join(".".join(map(str, place["loc"])) for place in error.errors()[:3])
    return CommandAnswer(
        command=str(call.get("id", ""))[:64], accepted=False, code=CallMalformed.code, facts={"where": where}
    )


class ThingAnswer(Model):
    """A thing's document."""

    thing: str
    id: str
    document: dict[str, Any]


class CursorModel(Model):
    """How far a feed was followed."""

    epoch: int
    index: int


class ItemModel(Model):
    """One entry; of what the mandate may not see, only the leaf hash, hex."""

    index: int
    leaf_hash: str
    public: str | None = None
    salt: Base64 | None = None
    personal: dict[str, Any] | None = None


class FeedAnswer(Model):
    """A page of the feed, with a signed head and the proof that the page belongs to its tree, hex."""

    scope: str
    items: list[ItemModel]
    cursor: CursorModel
    size: int
    head: dict[str, Any]
    proof: list[str]


class NextAnswer(Model):
    """The next page of the feed, as soon as there was something in it or the time to wait was over."""

    waited: bool
    """False: the service holds no more callers; ask again after a while."""
    page: FeedAnswer


class SnapshotEntryModel(Model):
    """An entry about a thing: its public part, and the personal data where they are still there."""

    public: str
    salt: Base64 | None = None
    personal: dict[str, Any] | None = None
    proof: list[int]
    """The path to the head's root, as places in the page's ``hashes``."""


class SnapshotItemModel(Model):
    """A thing, by the entries that made it what it is, in order."""

    thing: str
    id: str
    entries: list[SnapshotEntryModel]


class SnapshotAnswer(Model):
    """A page of all that the mandate sees, in the order of kinds and ids; hashes and proofs are hex."""

    scope: str
    mandate: dict[str, Any]
    cursor: CursorModel
    head: dict[str, Any]
    proof: list[str]
    """That the head's tree continues the one of the ``size`` asked for."""
    hashes: list[str]
    items: list[SnapshotItemModel]
    after: tuple[str, str] | None
    """Where the next page begins; None: this is the last."""


class ContentStateAnswer(Model):
    """Which chunks of an attachment's content are there, from 0; ``complete``: all, and they were checked."""

    size: int
    have: list[int]
    complete: bool


class ChunkModel(Model):
    """A chunk of an attachment's content (`operations.blobs.CHUNK_BYTES`; the last one is shorter)."""

    content: Annotated[Base64, Field(min_length=1, max_length=CHUNK_BYTES)]


class EscrowCall(Model):
    """Steps b and reset: how long the random codes are, which are made and kept before any leaves."""

    pin_digits: Annotated[int, Field(ge=4, le=16)]
    puk_digits: Annotated[int, Field(ge=4, le=16)]


class ReleaseCall(Model):
    """Steps b–j and reset: which pairs, for which step, to which one-time key."""

    step: Annotated[str, Field(max_length=16)]
    labels: Annotated[list[str], Field(min_length=1, max_length=3)]
    sealing_key: Base64
    proof: Base64 | None = None
    escrow: EscrowCall | None = None


class ReleaseAnswer(Model):
    """HPKE ciphertext and its binding."""

    ciphertext: Base64
    binding: Base64


class VaultStateAnswer(Model):
    """What the vault has for a production."""

    escrowed: bool
    scratch_released: bool
    confirmed: bool


class KeyCall(Model):
    """The card's new CNS key, SubjectPublicKeyInfo."""

    public_key: Base64


class OrderModel(Model):
    """A certificate asked of the production's CA."""

    slot: Slot
    csr: Base64
    email: str | None = None


class EnrolCall(Model):
    """What is asked in one call: at most a certificate for each slot."""

    orders: Annotated[list[OrderModel], Field(min_length=1, max_length=len(Slot))]


class EnrolmentAnswerModel(Model):
    """issued | pending | refused | not_found."""

    outcome: str
    certificate: Base64 | None = None
    chain: list[Base64] = []
    retry_after_s: float | None = None
    reason: str | None = None


class EnrolAnswer(Model):
    """An answer for each order, in their order."""

    answers: list[EnrolmentAnswerModel]


class WithdrawCall(Model):
    """Why: a CRL reason code."""

    reason: Annotated[int, Field(ge=0, le=10)]


class CertificateCall(Model):
    """A certificate, DER."""

    certificate: Base64


class StatusAnswer(Model):
    """`domain.certificate.CertificateStatus`."""

    status: str


class OpeningAnswer(Model):
    """Whether a CA enrols now."""

    open: bool
    reason: str
    reopens_at: str | None
    anchors: list[Base64]


class FirstBodyCall(Model):
    """With the first code: the first body, its office, its administrator."""

    body: Identifier
    name: Annotated[str, Field(min_length=1, max_length=120)]
    office: Identifier
    office_name: Annotated[str, Field(min_length=1, max_length=120)]
    administrator: Annotated[str, Field(pattern=r"^[A-Z0-9]{16}$")]
    """Codice fiscale."""
    valid_until: date


class EnrolmentCall(Model):
    """A one-time code, and the request (PKCS #10, DER) for the key that was made on this PC."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    csr: Base64
    name: Annotated[str, Field(pattern=_NAME)]
    first: FirstBodyCall | None = None


class EnrolledAnswer(Model):
    """The PC's certificate, DER, and where it stands."""

    certificate: Base64
    thumbprint: str
    body: str
    office: str | None


class NewCodeCall(Model):
    """What the code is for."""

    office: Identifier
    kind: Literal["workstation", "service", "portal"] = "workstation"


class NewCodeAnswer(Model):
    """The code, shown once."""

    code: str


class HealthAnswer(Model):
    """The service works."""

    status: Literal["ok"]
    version: str


class Problem(BaseModel):
    """RFC 9457: ``code`` and ``facts`` rebuild the error at the desk, in the operator's language."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    facts: dict[str, Any]


class PersonCall(Model):
    """A person that registers outside are asked about."""

    person: FiscalCode


class CompanyCall(PersonCall):
    """A person and a company, by its CCIAA + REA number; ``year`` is the annual fee's."""

    rea: Annotated[str, Field(pattern=r"^[A-Z]{2}-[0-9]{1,20}$")]
    year: Annotated[int, Field(ge=1990, le=2200)]


class BodyCall(Model):
    """A body as it begins: see `operations.administration.NewBody`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,30}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    names: dict[Literal["de"], Annotated[str, Field(min_length=1, max_length=200)]] = {}
    kind: BodyKind
    sigle: Annotated[list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]], Field(max_length=20)] = []
    office_name: Annotated[str, Field(min_length=1, max_length=200)]
    administrator: FiscalCode
    surname: Annotated[str, Field(min_length=1, max_length=200)]
    given_name: Annotated[str, Field(min_length=1, max_length=200)]
    valid_until: date
    authority: Annotated[str, Field(min_length=1, max_length=200)]

    def new(self) -> NewBody:
        """Return it as the service takes it."""
        values = {**self.model_dump(), "sigle": tuple(self.sigle)}
        return NewBody(**values)


class FiguresAnswer(Model):
    """One line of figures: an office in one part of the period."""

    office: str
    begins: date
    registered: int
    approved: int
    produced: int
    delivered: int


class MunicipalitiesAnswer(Model):
    """The imported table of municipalities."""

    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    """Empty: none was imported."""
    content: Base64
    """Empty where there is none, and where the desk has it."""


class TicketAnswer(Model):
    """A key to seal codes of a supply to: see `operations.intake.Ticket`."""

    public_key: Base64
    until: str
    sealed_key: Base64


class CodesCall(Model):
    """Sealed codes of a part of a supply, with the ticket they were sealed for."""

    until: Annotated[str, Field(max_length=40)]
    sealed_key: Base64
    ciphertext: Base64


class TakenAnswer(Model):
    """Of how many things codes came into the vault."""

    taken: int
