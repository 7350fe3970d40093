"""Productions at the desk's readers: a lane for each, its worker beside it, and the queue they share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from cmsdesk.base.secret import Secret
from cmsdesk.desk.wizards.issue.bench import Bench, OpensCards, Surroundings
from cmsdesk.desk.wizards.issue.flow import AT_WORK, Event, Flow, Queue, Stage
from cmsdesk.operations.issue import Parts
from cmsdesk.operations.ports import ReaderInfo

MakeBench = Callable[[str, Callable[[Event, Mapping[str, Any]], None]], Bench]
_END_S = 60.0


class Lane(QObject):
    """One production at one reader: its flow, and the worker that has the card in hand.

    Signals:
        changed: `flow` is another.
    """

    changed = Signal()
    _heard = Signal(object, object)

    def __init__(self, flow: Flow, make_bench: MakeBench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.flow = flow
        self._make_bench = make_bench
        self._bench: Bench | None = None
        self._thread: threading.Thread | None = None
        self._heard.connect(self._on_heard, Qt.ConnectionType.QueuedConnection)

    def do(self, event: Event, /, **facts: Any) -> None:
        """Let something happen, and have the worker do what follows.

        Raises:
            NotNow: the flow's table has no place for it.
        """
        before = self.flow.stage
        self.flow = self.flow.on(event, **facts)
        if event is Event.STOP and self._bench is not None:
            self._bench.stop()
        elif self.flow.stage is not before:
            self._work(event)
        self.changed.emit()

    def hear(self, event: Event, /, **facts: Any) -> None:
        """As `do`, for what comes when it likes: ignored where the table has no place for it."""
        if self.flow.hears(event):
            self.do(event, **facts)

    def type_pin(self, pin: Secret) -> None:
        """Hand a typed PIN to the worker, which sends it to the card once."""
        if self._bench is None or not self.flow.hears(Event.TYPED):
            pin.wipe()
            return
        self.do(Event.TYPED)
        self._bench.give_pin(pin)

    @property
    def at_work(self) -> bool:
        """Whether the worker has the reader."""
        return self.flow.stage in AT_WORK

    def end(self) -> None:
        """Stop where the card allows it, and wait for that: at sign-out."""
        if self._bench is not None:
            self._bench.stop()
        if self._thread is not None:
            self._thread.join(_END_S)

    # --- inside --------------------------------------------------------------------------------

    def _work(self, event: Event) -> None:
        flow = self.flow
        bench = self._bench_here()
        job: Callable[[], None] | None = None
        if flow.stage is Stage.CHECKS:
            job = lambda: bench.check(flow.request)  # noqa: E731
        elif event is Event.NUMBER:
            job = lambda: bench.begin(flow.request, flow.scratch_card)  # noqa: E731
        elif event is Event.RESUME:
            job = bench.resume
        elif event is Event.RESET:
            job = bench.reset
        elif event is Event.SET_ASIDE:
            job = lambda: bench.set_aside(flow.device)  # noqa: E731
        if job is not None:
            self._thread = threading.Thread(target=job, daemon=True, name=f"issue {flow.reader}")
            self._thread.start()

    def _bench_here(self) -> Bench:
        if self._bench is None or self._bench.reader != self.flow.reader:
            self._bench = self._make_bench(self.flow.reader, self._heard.emit)
        return self._bench

    def _on_heard(self, event: Event, facts: Mapping[str, Any]) -> None:
        self.do(event, **facts)


class Production(QObject):
    """All lanes of the desk.

    Signals:
        lanes_changed: a lane came or went.
        lane_changed: the flow of one (a `Lane`) is another.
        finished: a request (its id) is produced.
    """

    lanes_changed = Signal()
    lane_changed = Signal(object)
    finished = Signal(str)

    def __init__(self, parts: Parts, cards: OpensCards, certificate: bytes, operator_reader: str) -> None:
        """``certificate`` and ``operator_reader``: the card that signed in, and where it was."""
        super().__init__()
        self._parts, self._cards, self._certificate = parts, cards, certificate
        self.around = Surroundings()
        self.around.operator_reader = operator_reader
        self.lanes: list[Lane] = []
        self.queue = Queue()
        self._seen: dict[str, bytes] = {}
        self._only_reader = ""
        """Of a desk with one reader."""

    # --- what the person wants -----------------------------------------------------------------

    def produce(self, requests: Sequence[str]) -> Lane:
        """Queue requests; return the lane where the next one waits for its reader."""
        self.queue = self.queue.add(requests)
        return self._next_lane()

    def look_at(self, reader: str) -> Lane:
        """Look at an interrupted device in ``reader``."""
        lane = self.lane_at(reader) or self._add(Flow(single_reader=bool(self._only_reader)))
        lane.hear(Event.PICK, reader=reader)
        if reader in self._seen:
            lane.hear(Event.CARD_IN)
        return lane

    def pick(self, lane: Lane, reader: str) -> None:
        """Choose the reader of a lane that waits for one."""
        lane.hear(Event.PICK, reader=reader)
        if reader in self._seen:
            lane.hear(Event.CARD_IN)

    def close(self, lane: Lane) -> Lane | None:
        """Take an ended lane away; return the one that goes on with the queue at its reader, if any."""
        reader, issued = lane.flow.reader, lane.flow.stage is Stage.ISSUED
        self.lanes.remove(lane)
        lane.deleteLater()
        self.queue = self.queue.finish(lane.flow.request, issued=issued)
        following = self._next_lane(reader) if self.queue.waiting and not self._choosing() else None
        self.lanes_changed.emit()
        return following

    def lane_at(self, reader: str) -> Lane | None:
        """Return the lane of a reader."""
        return next((lane for lane in self.lanes if lane.flow.reader == reader), None)

    def end(self) -> None:
        """Stop every lane where its card allows it."""
        for lane in self.lanes:
            lane.end()

    # --- what the readers say ------------------------------------------------------------------

    def see(self, readers: Sequence[ReaderInfo]) -> None:
        """Learn what is in the readers now, and tell the lanes what came and went."""
        now = {found.name: found.atr for found in readers if found.atr is not None}
        before, self._seen = self._seen, now
        self._only_reader = readers[0].name if len(readers) == 1 else ""
        self.around.see(readers)
        for reader in sorted(set(before) | set(now)):
            if before.get(reader) == now.get(reader):
                continue
            if reader in before:
                self._card_out(reader)
            if reader in now:
                self._card_in(reader)

    def _card_out(self, reader: str) -> None:
        lane = self.lane_at(reader)
        if lane is None:
            return
        if lane.flow.over:
            self.close(lane)
        else:
            lane.hear(Event.CARD_OUT)

    def _card_in(self, reader: str) -> None:
        lane = self.lane_at(reader)
        if lane is not None:
            lane.hear(Event.CARD_IN)
            return
        if reader == self.around.operator_reader or self._wants_own_card():
            return
        waiting = self._choosing()
        if waiting is None and self.queue.waiting:
            waiting = self._next_lane()
        if waiting is not None:
            self.pick(waiting, reader)

    # --- inside --------------------------------------------------------------------------------

    def _choosing(self) -> Lane | None:
        return next((lane for lane in self.lanes if not lane.flow.reader), None)

    def _wants_own_card(self) -> bool:
        return any(lane.flow.stage is Stage.OPERATOR for lane in self.lanes)

    def _next_lane(self, reader: str = "") -> Lane:
        found = self._choosing()
        if found is not None:
            return found
        self.queue, request = self.queue.take()
        lane = self._add(Flow(request=request, single_reader=bool(self._only_reader)))
        if reader:
            self.pick(lane, reader)
        elif self._only_reader and self.lane_at(self._only_reader) is None:
            # the card that is in it now is the operator's: the next one that comes is the device
            lane.hear(Event.PICK, reader=self._only_reader)
        return lane

    def _add(self, flow: Flow) -> Lane:
        lane = Lane(flow, self._bench, self)
        lane.changed.connect(lambda: self._on_changed(lane))
        self.lanes.append(lane)
        self.lanes_changed.emit()
        return lane

    def _bench(self, reader: str, tell: Callable[[Event, Mapping[str, Any]], None]) -> Bench:
        return Bench(self._parts, self._cards, self.around, self._certificate, reader, tell)

    def _on_changed(self, lane: Lane) -> None:
        if lane.flow.stage is Stage.ISSUED and lane.flow.request:
            self.finished.emit(lane.flow.request)
        self.lane_changed.emit(lane)
