"""Pushing the outbox: in batches, and one by one where a batch does not go through.

A command that cannot be taken stops no other: it is tried a few times, then set aside where a
person sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from cmsdesk.base.errors import Bug
from cmsdesk.domain.commands import Command, MandateNotInForce, NotTaken
from cmsdesk.operations.errors import CallMalformed
from cmsdesk.sync.desk_store import DeskStore, OutboxState

BATCH = 50
_POISON = (Bug, CallMalformed)
"""What a call raises when its contents are the trouble."""
_HOPELESS = 3
"""So many failures and no success: the trouble is the service's own, not the commands'."""
_FAILED = frozenset({NotTaken.code, CallMalformed.code})


class PushLine(Protocol):
    """The call that pushing needs."""

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Send commands; return the answers in order (``command, accepted, code, facts``)."""
        ...


@dataclass
class Pushed:
    """What was pushed, and how much of it was refused."""

    pushed: int = 0
    refused: int = 0


class Pusher:
    """One push of all that one mandate has pending."""

    def __init__(self, store: DeskStore, line: PushLine, mandate: str) -> None:
        self._store = store
        self._line = line
        self._mandate = mandate
        self._done = Pushed()
        self._taken = 0
        self._lone_failures: list[Command] = []

    def run(self) -> Pushed:
        """Send everything once, in its order.

        Raises:
            ServiceUnreachable: try again later; nothing is lost.
        """
        after = 0
        while True:
            pending = self._store.queued(OutboxState.PENDING, mandate=self._mandate, limit=BATCH, after=after)
            if not pending or not self._send([queued.command for queued in pending]):
                break
            after = pending[-1].seq
        self._note_failures()
        return self._done

    def _send(self, batch: list[Command]) -> bool:
        """Send commands, in halves where the whole does not go through; False: nothing goes through."""
        try:
            answers = self._line.push(batch)
        except _POISON:
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._send(batch[:middle]) and self._send(batch[middle:])
            self._lone_failures.append(batch[0])
            return self._taken > 0 or len(self._lone_failures) < _HOPELESS
        if [answer["command"] for answer in answers] != [command.id for command in batch]:
            raise Bug("the service answered other commands than were sent")
        for command, answer in zip(batch, answers, strict=True):
            self._note(command, answer)
        return True

    def _note(self, command: Command, answer: dict[str, Any]) -> None:
        code, facts = answer["code"], answer["facts"] or {}
        if code in _FAILED and not answer["accepted"]:
            self._store.failed(command.id, code, facts)
            return
        self._taken += 1
        self._done.pushed += 1
        if answer["accepted"]:
            self._store.accepted(command.id)
        elif command.again or code == MandateNotInForce.code:
            # not the last word: what it needs may be handed back by another desk, the mandate resumed
            self._store.held(command.id, code, facts)
        else:
            self._done.refused += 1
            self._store.refused(command.id, code, facts)

    def _note_failures(self) -> None:
        """Count the failures of commands that went alone, unless nothing at all went through."""
        if self._taken == 0 and len(self._lone_failures) >= _HOPELESS:
            return
        for command in self._lone_failures:
            self._store.failed(command.id, NotTaken.code, {"kind": command.kind})
