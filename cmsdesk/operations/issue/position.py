"""After an interruption: the true position, read from the log and the card (issue 4, PRO-7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.production import RESET, ProductionState, Step
from cmsdesk.operations.issue.work import Work, certificate_fact, key_fact
from cmsdesk.operations.ports import CardContents

_FOREIGN_KEYS = N_("the device holds keys of another origin")
_FOREIGN_CERTIFICATES = N_("the device holds a certificate of another origin")

_LOCKED = N_("the device does not accept the codes that it should have")


class Choice(Enum):
    """What the operator may choose for an interrupted production."""

    RESUME = "resume"
    RESET = "reset"


@dataclass(frozen=True)
class Position:
    """Where an interrupted production stands."""

    production: str
    device: str
    step: str
    """The step to do next, a–j, or «reset» when a reset was interrupted."""
    choices: tuple[Choice, ...]
    """Besides these the device can always be given up (`Issuing.set_aside`); none when only that is left."""
    reason: str = ""
    """Why a choice is missing, a message id."""


def find_position(work: Work) -> Position:
    """Read log and card and tell where the production stands and what may be chosen.

    May spend one try of a PUK when step j was cut inside its change of the PUK.
    """
    production = work.production
    if work.codes.refused("puk"):
        at = RESET if work.notes.has_begun(RESET) else work.notes.step
        return Position(production.id, production.device, at, (), _LOCKED)
    if production.state is ProductionState.RESETTING or work.notes.has_begun(RESET):
        return Position(production.id, production.device, RESET, (Choice.RESET,))
    step = work.notes.next_step() or Step.HAND_OVER_CODES
    if step is Step.HAND_OVER_CODES and _holder_has_codes(work):
        reason = N_("the device already has the holder's codes")
        return Position(production.id, production.device, step.value, (Choice.RESUME,), reason)
    flaw = find_flaw(work, work.session.contents(), step)
    if flaw:
        return Position(production.id, production.device, step.value, (Choice.RESET,), flaw)
    return Position(production.id, production.device, step.value, (Choice.RESUME, Choice.RESET))


def find_flaw(work: Work, contents: CardContents, step: Step) -> str:
    """Return why the card's contents do not allow going on from ``step``; empty when they do."""
    if not contents.readable:
        return N_("the device's memory was left half-written")
    if work.notes.is_done(Step.PERSONAL_DATA) and contents.personal_data != work.noted_bytes("personal_data"):
        return N_("the device does not hold this holder's personal data")
    if work.notes.fact("refused"):
        return N_("the authority refused a certificate")
    return _flaw_of_keys(work, contents) or _flaw_of_certificates(work, contents)


def _flaw_of_keys(work: Work, contents: CardContents) -> str:
    begun = work.notes.has_begun(Step.GENERATE_KEYS.value)
    for slot in Slot:
        noted, held = work.noted_bytes(key_fact(slot)), contents.key(slot)
        if noted is not None and (held is None or held.public_key != noted):
            return N_("a key that was generated is not on the device")
        if held is not None and not begun:
            return _FOREIGN_KEYS
    known = sum(contents.key(slot) is not None for slot in Slot)
    return "" if known == len(contents.keys) else _FOREIGN_KEYS


def _flaw_of_certificates(work: Work, contents: CardContents) -> str:
    written = work.notes.is_done(Step.WRITE)
    for slot in Slot:
        noted, held = work.noted_bytes(certificate_fact(slot)), contents.certificate(slot)
        if held is not None and held.der != noted:
            return _FOREIGN_CERTIFICATES
        if held is None and written:
            return N_("a certificate that was written is not on the device")
    known = sum(contents.certificate(slot) is not None for slot in Slot)
    return "" if known == len(contents.certificates) else _FOREIGN_CERTIFICATES


def _holder_has_codes(work: Work) -> bool:
    """Tell whether the PUK is already the scratch card's; the PIN then is too, being changed first."""
    if work.parts.vault.confirmed(work.production.id):
        return True
    if not work.parts.vault.scratch_released(work.production.id):
        return False
    if not work.codes.is_certain("puk"):
        work.codes.load(Step.HAND_OVER_CODES, "random", "scratch")
    return work.codes.current("puk") == "scratch"
