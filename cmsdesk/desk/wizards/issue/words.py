"""What the production says at every stage: a heading for the hands, a sentence for the head. Free of Qt."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.desk.wizards.issue.flow import Event, Flow, Hands, Stage
from cmsdesk.domain.production import RESET
from cmsdesk.operations.issue.titles import STEP_TITLES

# pcsc-lite ends a reader's name with its number and slot: «ACS ACR38U 00 00»

HEADINGS: Mapping[Stage, str] = {
    Stage.READER: N_("Put the device into reader {reader}"),
    Stage.CHECKS: N_("Leave the device in reader {reader}"),
    Stage.REFUSED: N_("The production cannot begin"),
    Stage.UNFINISHED: N_("This device has an unfinished production"),
    Stage.SCRATCH: N_("Read the number of the scratch card"),
    Stage.STARTING: N_("Leave the device in reader {reader}"),
    Stage.OPERATOR: N_("Put the operator's card into a reader"),
    Stage.PIN: N_("Type the PIN of the operator's card"),
    Stage.SIGNING: N_("The operator's card is signing"),
    Stage.DEVICE_BACK: N_("Take out the operator's card and put the device back into reader {reader}"),
    Stage.RUNNING: N_("Leave the device in reader {reader}"),
    Stage.INTERRUPTED: N_("The production stopped"),
    Stage.RESETTING: N_("Leave the device in reader {reader}"),
    Stage.SETTING_ASIDE: N_("The device is being set aside"),
    Stage.ISSUED: N_("The device is ready: take it out of reader {reader}"),
    Stage.WAS_RESET: N_("The device is as it came"),
    Stage.ASIDE: N_("The device was set aside"),
    Stage.CANCELLED: N_("The production was left"),
}
WAITS = ("hand", "accent")
"""Icon and colour of a lane that waits for the person."""
SIGNS: Mapping[Stage, tuple[str, str]] = {
    **dict.fromkeys((Stage.CHECKS, Stage.STARTING, Stage.SIGNING, Stage.RUNNING), ("loader", "muted")),
    **dict.fromkeys((Stage.RESETTING, Stage.SETTING_ASIDE), ("loader", "muted")),
    **dict.fromkeys((Stage.REFUSED, Stage.INTERRUPTED, Stage.UNFINISHED), ("triangle-alert", "bad")),
    **dict.fromkeys((Stage.ISSUED, Stage.WAS_RESET, Stage.ASIDE), ("circle-check", "good")),
}
"""Of the lanes that do not."""
_CHOOSE = N_("Choose the reader")
_SWAP_IN = N_("Take out the operator's card and put the device into reader {reader}")
_SWAP = N_("Take the device out of reader {reader} and put in the operator's card")
_PUT_BACK = N_("Put the same device back into reader {reader}")

SENTENCES: Mapping[Stage, str] = {
    Stage.READER: N_("The production begins as soon as the device is in the reader."),
    Stage.CHECKS: N_("The device is being read and checked. Nothing is changed on it yet."),
    Stage.REFUSED: N_("Nothing was changed on the device."),
    Stage.UNFINISHED: N_("It stopped at: {step}. Choose how to go on."),
    Stage.SCRATCH: N_(
        "Pass the barcode of a new envelope under the reader, or type its number and press Enter."
    ),
    Stage.STARTING: N_("Request, device, envelope and authority are checked once more."),
    Stage.OPERATOR: N_("The opening of the production is signed by the card that signed in."),
    Stage.PIN: N_("The operator's card signs the opening of the production. The PIN goes to the card alone."),
    Stage.SIGNING: N_("This takes a second or two."),
    Stage.DEVICE_BACK: N_("The opening is signed. The production goes on by itself when the device is back."),
    Stage.RUNNING: N_("The whole takes less than a minute; generating the keys is the longest part."),
    Stage.INTERRUPTED: N_("Nothing is lost: the program reads from the device where it stopped."),
    Stage.RESETTING: N_("The device is emptied, and what was issued is revoked."),
    Stage.SETTING_ASIDE: N_("What was issued is revoked; the request can be produced on another device."),
    Stage.ISSUED: N_("Only the holder of the envelope can use it now."),
    Stage.WAS_RESET: N_("The production can be repeated on it, or on another device."),
    Stage.ASIDE: N_("The request can be produced on another device."),
    Stage.CANCELLED: N_("The request is still to be produced."),
}
_INSERT_HERE = N_(
    "Put the device into a reader: it is found by itself. Or choose the reader and press Enter."
)
_OWN_CARD = N_("The PIN is asked for as soon as it is there.")

MAIN: Mapping[Stage, str] = {
    Stage.REFUSED: N_("Check again"),
    Stage.SCRATCH: N_("Continue"),
    Stage.PIN: N_("Sign and produce"),
    Stage.INTERRUPTED: N_("Look at the device"),
    Stage.WAS_RESET: N_("Repeat the production"),
    Stage.ISSUED: N_("Done"),
    Stage.ASIDE: N_("Done"),
    Stage.CANCELLED: N_("Done"),
}
CHOICES: Mapping[Event, str] = {
    Event.RESUME: N_("Resume the production"),
    Event.RESET: N_("Reset the device"),
    Event.SET_ASIDE: N_("Set the device aside"),
    Event.AGAIN: N_("Look at the device"),
}
CHOICES_EXPLAINED: Mapping[Event, str] = {
    Event.RESUME: N_("Goes on from the step where it stopped."),
    Event.RESET: N_(
        "Empties the device and revokes what was issued; then the production can be repeated on it."
    ),
    Event.SET_ASIDE: N_("For a device that is lost, broken or locked: it is given up for good."),
    Event.AGAIN: N_("Reads the device and offers how to go on."),
}
BEFORE: tuple[tuple[str, str], ...] = (
    ("device", N_("Check the device")),
    ("scratch", N_("Read the scratch card")),
)


def heading(flow: Flow, *, card_in: bool) -> str:
    """Return what the hands do now, a message with {reader}; ``card_in``: a card is in the flow's reader."""
    if flow.stage is Stage.READER and not flow.reader:
        return _CHOOSE
    if waits_for_own_card_out(flow, card_in=card_in):
        return _SWAP_IN
    if flow.hands is Hands.SWAP_FOR_OWN_CARD:
        return _SWAP
    if flow.stage is Stage.INTERRUPTED and not card_in:
        return _PUT_BACK
    return HEADINGS[flow.stage]


def waits_for_own_card_out(flow: Flow, *, card_in: bool) -> bool:
    """Tell whether the device is wanted in the desk's only reader, where the operator's card still is."""
    return flow.single_reader and flow.stage is Stage.READER and card_in


def sentence(flow: Flow) -> str:
    """Return why, or how long: a message with {step} at an interrupted production."""
    if flow.stage is Stage.READER and not flow.reader:
        return _INSERT_HERE
    if flow.hands is Hands.SWAP_FOR_OWN_CARD:
        return _OWN_CARD
    return SENTENCES[flow.stage]


def stopped_at(flow: Flow) -> str:
    """Return the title of the step where an interrupted production stopped, a message."""
    return STEP_TITLES[flow.position.step if flow.position else RESET]
