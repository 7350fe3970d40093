"""Where an interrupted production stands: what the card holds against what the log says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.production import RESET, STEPS, ProductionState, Step
from cmsdesk.operations.issue.position import Choice, Position, find_flaw, find_position
from cmsdesk.operations.issue.work import Work, as_text, certificate_fact, key_fact
from cmsdesk.operations.ports import CardContents, CertificateOnCard, KeyOnCard
from tests.operations.chip_model import CONTENTS, EMPTY, Durable, make_work

BOTH = (Choice.RESUME, Choice.RESET)
KEYS = {slot: key.public_key for slot, key in zip(Slot, CONTENTS.keys, strict=True)}
CERTIFICATES = {slot: found.der for slot, found in zip(Slot, CONTENTS.certificates, strict=True)}

# What the card holds once a step is done.
HELD = {
    Step.OPEN: EMPTY,
    Step.REPLACE_CODES: EMPTY,
    Step.PERSONAL_DATA: replace(EMPTY, personal_data=CONTENTS.personal_data),
    Step.GENERATE_KEYS: replace(EMPTY, personal_data=CONTENTS.personal_data, keys=CONTENTS.keys),
    Step.SIGN_REQUESTS: replace(EMPTY, personal_data=CONTENTS.personal_data, keys=CONTENTS.keys),
    Step.ENROL: replace(EMPTY, personal_data=CONTENTS.personal_data, keys=CONTENTS.keys),
    Step.COLLECT: replace(EMPTY, personal_data=CONTENTS.personal_data, keys=CONTENTS.keys),
    Step.WRITE: CONTENTS,
    Step.CONFIRM: CONTENTS,
}
FACTS: dict[Step, dict[str, str]] = {
    Step.PERSONAL_DATA: {"personal_data": as_text(CONTENTS.personal_data)},
    Step.GENERATE_KEYS: {key_fact(slot): as_text(KEYS[slot]) for slot in Slot},
    Step.COLLECT: {certificate_fact(slot): as_text(CERTIFICATES[slot]) for slot in Slot},
}
STRANGE_KEY = KeyOnCard(None, "x", b"x", b"strange")
STRANGE_CERTIFICATE = CertificateOnCard(None, "x", b"x", b"strange")


def after(step: Step, *, begun: Step | None = None) -> tuple[Work, Durable]:
    """Return a production whose steps up to ``step`` are done, and ``begun`` perhaps under way."""
    durable = Durable()
    work = make_work(durable)
    for done in STEPS[: STEPS.index(step) + 1]:
        work.notes.begin(done.value)
        work.notes.done(**FACTS.get(done, {}))
    if begun is not None:
        work.notes.begin(begun.value)
    return work, durable


def flaw(work: Work, contents: CardContents) -> str:
    return find_flaw(work, contents, work.notes.next_step() or Step.HAND_OVER_CODES)


@pytest.mark.parametrize("step", HELD)
def test_a_card_as_it_should_be_has_no_flaw(step: Step) -> None:
    work, _ = after(step)
    assert flaw(work, HELD[step]) == ""


@pytest.mark.parametrize("step", HELD)
def test_a_step_that_was_cut_after_its_effect_is_no_flaw(step: Step) -> None:
    """The next step's effect may be on the card already, in part or whole, without its «done»."""
    if step is Step.CONFIRM:
        return
    begun = STEPS[STEPS.index(step) + 1]
    work, _ = after(step, begun=begun)
    assert flaw(work, HELD[begun]) == ""
    if begun is Step.GENERATE_KEYS:
        assert flaw(work, replace(HELD[begun], keys=CONTENTS.keys[:1])) == ""
    if begun is Step.WRITE:
        assert flaw(work, replace(CONTENTS, certificates=CONTENTS.certificates[:1])) == ""
        assert flaw(work, replace(CONTENTS, certificates=CONTENTS.certificates[1:])) == ""


@pytest.mark.parametrize("step", HELD)
def test_what_cannot_be_read_can_only_be_reset(step: Step) -> None:
    work, _ = after(step)
    assert "half-written" in flaw(work, replace(HELD[step], readable=False))


@pytest.mark.parametrize("step", HELD)
@pytest.mark.parametrize(
    ("change", "since", "words"),
    [
        ({"personal_data": b""}, Step.PERSONAL_DATA, "personal data"),
        ({"personal_data": b"another's"}, Step.PERSONAL_DATA, "personal data"),
        ({"keys": ()}, Step.GENERATE_KEYS, "not on the device"),
        ({"keys": CONTENTS.keys[:1]}, Step.GENERATE_KEYS, "not on the device"),
        ({"keys": CONTENTS.keys[1:]}, Step.GENERATE_KEYS, "not on the device"),
        (
            {"keys": (CONTENTS.keys[0], replace(CONTENTS.keys[1], public_key=b"new"))},
            Step.GENERATE_KEYS,
            "not on the device",
        ),
        ({"keys": (*CONTENTS.keys, STRANGE_KEY)}, Step.GENERATE_KEYS, "another origin"),
        ({"certificates": ()}, Step.WRITE, "not on the device"),
        ({"certificates": CONTENTS.certificates[1:]}, Step.WRITE, "not on the device"),
        (
            {"certificates": (replace(CONTENTS.certificates[0], der=b"new"), CONTENTS.certificates[1])},
            Step.WRITE,
            "another origin",
        ),
        ({"certificates": (*CONTENTS.certificates, STRANGE_CERTIFICATE)}, Step.WRITE, "another origin"),
    ],
)
def test_what_is_missing_or_strange_is_a_flaw(
    step: Step, change: dict[str, object], since: Step, words: str
) -> None:
    if STEPS.index(step) < STEPS.index(since):
        return
    work, _ = after(step)
    assert words in flaw(work, replace(HELD[step], **change))  # type: ignore[arg-type]  # one of its fields


@pytest.mark.parametrize("slot", Slot)
def test_keys_before_their_step_are_of_another_origin(slot: Slot) -> None:
    work, _ = after(Step.PERSONAL_DATA)
    key = next(key for key in CONTENTS.keys if key.slot is slot)
    assert "another origin" in flaw(work, replace(HELD[Step.PERSONAL_DATA], keys=(key,)))


@pytest.mark.parametrize("step", [Step.REPLACE_CODES, Step.PERSONAL_DATA, Step.GENERATE_KEYS, Step.ENROL])
def test_certificates_that_nobody_issued_are_of_another_origin(step: Step) -> None:
    work, _ = after(step)
    assert "another origin" in flaw(work, replace(HELD[step], certificates=CONTENTS.certificates))


def test_after_a_refusal_only_a_reset_helps() -> None:
    work, _ = after(Step.SIGN_REQUESTS, begun=Step.ENROL)
    work.notes.add("refused", refused="qualified", reason="no")
    assert "refused" in flaw(work, HELD[Step.ENROL])


# --- choices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", HELD)
def test_a_sound_production_may_be_resumed_or_reset(step: Step) -> None:
    _, durable = after(step)
    durable.chip.filled = HELD[step] is CONTENTS
    if HELD[step] not in (CONTENTS, EMPTY):
        return
    position = find_position(make_work(durable))
    assert position == Position("P", "D", STEPS[STEPS.index(step) + 1].value, BOTH)


def test_a_flaw_leaves_only_the_reset_and_says_why() -> None:
    _, durable = after(Step.WRITE)
    durable.chip.filled = False
    position = find_position(make_work(durable))
    assert position.choices == (Choice.RESET,)
    assert position.step == "i"
    assert position.reason


@pytest.mark.parametrize("recorded", [True, False])
def test_a_reset_that_was_begun_is_finished(recorded: bool) -> None:
    work, durable = after(Step.CONFIRM)
    durable.chip.filled = True
    if recorded:
        durable.state = ProductionState.RESETTING
    else:
        work.notes.begin(RESET)
    assert find_position(make_work(durable)) == Position("P", "D", RESET, (Choice.RESET,))


def hand_over(pin: str, puk: str, *, released: bool = True) -> Durable:
    """Return a production cut in step j with these values on the chip."""
    work, durable = after(Step.CONFIRM, begun=Step.HAND_OVER_CODES)
    for what in ("pin", "puk"):
        work.notes.add("changed", what=what, label="random")
    durable.chip.values = {"pin": pin, "puk": puk}
    durable.chip.filled, durable.escrowed, durable.scratch_released = True, True, released
    return durable


def test_before_the_holders_codes_are_on_it_both_ways_are_open() -> None:
    durable = hand_over("random", "random", released=False)
    assert find_position(make_work(durable)).choices == BOTH
    durable = hand_over("scratch", "random")
    make_work(durable).notes.add("changed", what="pin", label="scratch")
    assert find_position(make_work(durable)).choices == BOTH


@pytest.mark.parametrize("took_effect", [False, True])
def test_a_cut_change_of_the_puk_is_looked_up_on_the_card(took_effect: bool) -> None:
    durable = hand_over("scratch", "scratch" if took_effect else "random")
    notes = make_work(durable).notes
    notes.add("changed", what="pin", label="scratch")
    notes.add("change", what="puk", current="random", new="scratch")
    position = find_position(make_work(durable))
    assert position.choices == ((Choice.RESUME,) if took_effect else BOTH)
    assert bool(position.reason) == took_effect
    # Asked again, the log knows: the card is not tried a second time.
    tries = dict(durable.chip.tries)
    assert find_position(make_work(durable)) == position
    assert durable.chip.tries == tries


def test_once_confirmed_only_the_rest_is_left_to_do() -> None:
    durable = hand_over("scratch", "scratch")
    durable.vault = "confirmed"
    position = find_position(make_work(durable))
    assert position.choices == (Choice.RESUME,)
    assert position.step == "j"
