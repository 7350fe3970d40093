"""What the simulation's desks do without the service, and what the service must tell of it afterwards.

The rules are said here a second time, over all links that were given; the service sees one at a time, as
they arrive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from cmsdesk.domain import problem
from cmsdesk.domain.commands import Command
from cmsdesk.domain.voucher import COMMANDS, SKEW, Link, Voucher
from tests.sync.bench import Things

Places = dict[int, dict[str, datetime]]
"""The moments of the commands that stand at each place of a chain, by command."""


@dataclass
class _Chain:
    """All links that were given under one voucher, at whatever desk."""

    voucher: Voucher
    places: Places = field(default_factory=lambda: defaultdict(dict))
    given: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """All commands that ever stood at each place, those that were lost before they were sent too."""
    uncovered: set[str] = field(default_factory=set)
    """Commands among them that need the service."""
    ahead: bool = False
    """One was given at a desk whose clock was ahead: it tells, unless it arrives late enough."""

    def must_be_told(self) -> set[str]:
        """Return the reasons that show, in whatever order the links arrive."""
        moments = [at for place in self.places.values() for at in place.values()]
        found = {
            problem.VOUCHER_NOT_COVERED: bool(self.uncovered),
            problem.VOUCHER_EXPIRED: any(at > self.voucher.valid_until for at in moments),
            problem.VOUCHER_OVERRUN: any(number > self.voucher.most for number in self.places),
            problem.VOUCHER_COPIED: any(len(place) > 1 for place in self.places.values()),
            problem.VOUCHER_CLOCK: any(at + SKEW < self.voucher.valid_from for at in moments),
            problem.VOUCHER_GAP: len(self.places) < max(self.places, default=0),
        }
        return {reason for reason, told in found.items() if told}

    def may_be_told(self) -> set[str]:
        """Return the reasons that may show besides."""
        back = any(
            later + SKEW < earlier
            for number, place in self.places.items()
            for later, earlier in product(place.values(), self.places.get(number - 1, {}).values())
        )
        # of a fork whose one side was lost, what follows on that side shows it, if anything does
        forked = any(len(place) > 1 for place in self.given.values())
        found = {problem.VOUCHER_CLOCK: back or self.ahead, problem.VOUCHER_COPIED: forked}
        return {reason for reason, told in found.items() if told}


class Ledger:
    """Every link that any desk gave."""

    def __init__(self) -> None:
        self._chains: dict[str, _Chain] = {}

    def note(self, command: Command, now: datetime) -> None:
        """Remember a command as it was queued; ``now`` is the true time."""
        if command.link is None:
            return
        link = Link.of(command.link)
        voucher = link.voucher.voucher
        chain = self._chains.setdefault(voucher.id, _Chain(voucher))
        chain.places[link.number][command.id] = link.at
        chain.given[link.number].add(command.id)
        if COMMANDS.get(command.kind) not in voucher.rights:
            chain.uncovered.add(command.id)
        chain.ahead |= link.at > now + SKEW

    def lose(self, command: Command) -> None:
        """Forget a command that will never arrive."""
        if command.link is None:
            return
        link = Link.of(command.link)
        chain = self._chains[link.voucher.voucher.id]
        places = chain.places
        chain.uncovered.discard(command.id)
        del places[link.number][command.id]
        if not places[link.number]:
            del places[link.number]

    def check(self, things: Things, *, restored: bool) -> None:
        """Check the problems that the service keeps about desks' vouchers.

        Args:
            restored: it lost what a backup did not have; refused commands are not handed back, so that
                neither what they showed nor what they filled comes back.
        """
        told = {
            name: set(document["reasons"])
            for (thing, name), document in things.items()
            if thing == "problem" and document.get("about_thing") == "workstation"
        }
        assert told.keys() <= self._chains.keys(), "a voucher that nobody holds"
        for name, chain in self._chains.items():
            self._check(chain, told.get(name, set()), restored=restored)

    @staticmethod
    def _check(chain: _Chain, told: set[str], *, restored: bool) -> None:
        must, may = chain.must_be_told(), chain.may_be_told()
        if restored:
            may |= {problem.VOUCHER_GAP}
        else:
            assert must <= told, f"not told: {must - told}"
        assert told <= must | may, f"told of what nobody did: {told - must - may}"

    def counts(self) -> Mapping[str, int]:
        """Return how many chains must show each reason."""
        found: dict[str, int] = defaultdict(int)
        for chain in self._chains.values():
            for reason in chain.must_be_told():
                found[reason] += 1
        return found
