"""Which PIN and PUK the card has now, found without ever guessing (issue steps b and j, reset).

Every change and every try is written to the log before and after. After a cut inside a change two
values are possible: the later is tried once; a wrong one is not sent again, and a lost answer is
read from the card's counter instead. A try that was spent is won back by the right value before the
next change begins, so that no number of cuts uses the tries up. A value that the card refused
although it was certain ends the attempts: it is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cmsdesk.base.errors import Bug, Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.production import Production, Step
from cmsdesk.operations.errors import DeviceUnproven, LastTry, TransportCodesRefused, WrongPin
from cmsdesk.operations.issue.notes import Notes
from cmsdesk.operations.ports import CardSession, Vault

What = Literal["pin", "puk"]
_BOTH: tuple[What, What] = ("pin", "puk")
_ABOUT_CODES = ("change", "changed", "try", "tried", "restored", "rejected", "wiping", "wiped")
_Line = tuple[str, dict[str, Any]]
ProofSigner = Callable[[str, bytes], bytes]
"""Signs, by the card's new CNS key, the first request for the scratch card's codes: (step, sealing key)."""


@dataclass
class _Belief:
    """What the log leaves possible, earlier value first; none when the card refused the certain one."""

    possible: list[str]
    lost_try: tuple[str, int] | None = None
    """A try whose answer was lost, and the tries left before it."""
    spent: bool = False
    """Whether a wrong try was spent that the right value has not won back."""


class Codes:
    """The PIN and PUK of one card during one production."""

    def __init__(self, session: CardSession, vault: Vault, production: Production, notes: Notes) -> None:
        self._session = session
        self._vault = vault
        self._production = production
        self._notes = notes
        self._held: frozenset[str] = frozenset()

    def load(self, step: Step | str, *labels: str, sign_request: ProofSigner | None = None) -> None:
        """Have the vault seal the pairs ``labels`` to the card host, unless it holds them.

        ``sign_request`` is due with the first release of the scratch card's pair.
        """
        if set(labels) <= self._held:
            return
        name = step.value if isinstance(step, Step) else step
        key = self._session.sealing_key()
        proof = None if sign_request is None else sign_request(name, key)
        sealed = self._vault.release(
            self._production.id, self._production.device, name, labels, sealing_key=key, proof=proof
        )
        self._held = frozenset(self._session.load_codes(sealed))

    def current(self, what: What) -> str:
        """Return the label of the value the card has now; the pairs in question must be loaded.

        Raises:
            LastTry: two values are possible and the card has one try left.
            TransportCodesRefused, DeviceUnproven: the card refused the certain value before.
        """
        belief = self._belief(what)
        if not belief.possible:
            raise self._refused(what)
        if len(belief.possible) == 1:
            return belief.possible[0]
        earlier, later = belief.possible
        tries = self._tries(what)
        if belief.lost_try is not None and tries is not None and tries < belief.lost_try[1]:
            accepted = False
        elif tries is not None and tries <= 1:
            raise LastTry(reader=self._session.identify().reader)
        else:
            self._notes.add("try", what=what, label=later, tries=tries)
            accepted = self._attempt(what, later)
        self._notes.add("tried", what=what, label=later, accepted=accepted)
        return later if accepted else earlier

    def settle(self, what: What) -> str:
        """As `current`, and win back a try that was spent on the way to knowing it."""
        now = self.current(what)
        if self._belief(what).spent:
            if not self._attempt(what, now):
                raise self.rejected(what)
            self._notes.add("restored", what=what, label=now)
        return now

    def rejected(self, what: What) -> Mendable:
        """Note that the card refused the certain value, never to be sent again; return what to raise."""
        self._notes.add("rejected", what=what)
        return self._refused(what)

    def refused(self, what: What) -> bool:
        """Tell whether the card refused the certain value: nobody here can use the card any more."""
        return not self._belief(what).possible

    def is_certain(self, what: What) -> bool:
        """Tell whether the log alone says which value the card has."""
        return len(self._belief(what).possible) == 1

    def known(self, what: What) -> str:
        """Return the certain value's label."""
        (label,) = self._belief(what).possible
        return label

    def move(self, to: str) -> None:
        """Bring the PIN, then the PUK, to the value ``to``, from wherever they are now.

        Raises:
            LastTry, TransportCodesRefused, DeviceUnproven: see `current`.
        """
        now = {what: self.settle(what) for what in _BOTH}
        done: list[_Line] = []
        for what in _BOTH:
            if now[what] == to:
                continue
            self._notes.add_all(*done, ("change", {"what": what, "current": now[what], "new": to}))
            self._change(what, now[what], to)
            done = [("changed", {"what": what, "label": to})]
        if done:
            self._notes.add_all(*done)

    def _change(self, what: What, current: str, new: str) -> None:
        change = self._session.change_pin if what == "pin" else self._session.change_puk
        try:
            change(current, new)
        except WrongPin:
            raise self.rejected(what) from None

    def _attempt(self, what: What, label: str) -> bool:
        attempt = self._session.try_pin if what == "pin" else self._session.try_puk
        return attempt(label).accepted

    def _refused(self, what: What) -> Mendable:
        if any(entry.facts["what"] == what for entry in self._notes.of_kinds("changed")):
            return DeviceUnproven(reason=N_("it does not accept the codes that it was given"))
        return TransportCodesRefused(device=self._production.device)

    def _tries(self, what: What) -> int | None:
        counters = self._session.counters()
        return counters.pin_tries if what == "pin" else counters.puk_tries

    def _belief(self, what: What) -> _Belief:
        belief = _Belief(["transport"])
        for entry in self._notes.of_kinds(*_ABOUT_CODES):
            facts = entry.facts
            if entry.phase == "wiped":
                belief = _Belief(["transport"])
            elif entry.phase == "wiping":
                belief = _Belief(list(dict.fromkeys([*belief.possible[:1], "transport"])))
            elif facts["what"] == what:
                belief = _learn(belief, entry.phase, facts)
        return belief


def _learn(belief: _Belief, phase: str, facts: dict[str, Any]) -> _Belief:
    """Return the belief after one line of the log."""
    if phase == "change":
        return _Belief([str(facts["current"]), str(facts["new"])])
    if phase == "rejected":
        return _Belief([])
    label = str(facts["label"])
    if phase in ("changed", "restored"):
        return _Belief([label])
    if phase == "try":
        tries = facts["tries"]
        return _Belief(belief.possible, (label, tries) if isinstance(tries, int) else None)
    if phase == "tried":
        if facts["accepted"]:
            return _Belief([label])
        return _Belief([other for other in belief.possible if other != label], spent=True)
    raise Bug(f"unknown line {phase!r} about codes")
