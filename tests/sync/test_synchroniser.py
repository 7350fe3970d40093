"""A desk and the service kept together, while what lies between them loses, repeats and lies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from cmsdesk.backend.journal.heads import Keys
from cmsdesk.base.errors import Bug
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.journal import Entry, SignedHead
from cmsdesk.domain.merkle import leaf_hash
from cmsdesk.domain.organisation import GRANTED, Permission, Role
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.desk_store import OutboxState, shown
from cmsdesk.sync.push import BATCH
from cmsdesk.sync.synchroniser import FeedBroken, Round, Synchroniser
from tests.sync.bench import (
    ADMINISTRATOR,
    BODY,
    OFFICE,
    OTHER_BODY,
    OTHER_OFFICE,
    SECOND_OFFICE,
    CentralService,
    Crash,
    CrashingStore,
    NearLine,
    Signer,
    digest_of,
    held,
    registration,
)

AT = "2026-06-01T08:00:00+00:00"
Page = dict[str, Any]
PERMISSIONS = [one for one in Permission if one is not Permission.BODIES]
"""Those that any administrator gives."""


class Desk:
    """A store, a line and a mandate."""

    def __init__(self, central: CentralService, store: CrashingStore, mandate: str = "") -> None:
        self.central, self.store = central, store
        self.mandate = mandate or central.grant(Role.RAO)
        self.body = central.actor(self.mandate).mandate.body
        self.line = NearLine(central, self.mandate)
        self.synchroniser = Synchroniser(store, self.line, self.mandate, self.body, central.keys)

    def queue(self, kind: str, /, **facts: Any) -> str:
        """Queue a command; return its id."""
        command = Command(new_id(), kind, self.body, facts)
        self.store.queue(command, self.mandate, AT)
        return command.id

    def register(self, office: str = OFFICE) -> str:
        """Queue a registration; return the request."""
        request = new_id()
        self.queue("request.register", **registration(request, office, self.body))
        return request

    def approve(self, request: str) -> str:
        """Queue an approval; return the command."""
        return self.queue("request.approve", request=request, digest=digest_of(request, body=self.body))

    def run(self) -> Round:
        """Synchronise."""
        return self.synchroniser.run()

    def lose(self, *faults: str) -> None:
        """Take faults one a call."""
        self.line.faults.extend(faults)

    def check(self) -> None:
        """The desk holds what its mandate may see, as it is; each command is in the journal once."""
        assert held(self.store) == self.central.seen_by(self.mandate)
        commands = self.central.commands(self.body)
        assert len(commands) == len(set(commands))


@pytest.fixture
def desk(central: CentralService, store: CrashingStore) -> Desk:
    return Desk(central, store)


def test_what_is_queued_comes_back_by_the_feed(desk: Desk) -> None:
    request = desk.register()
    desk.approve(request)
    assert desk.store.get("request", request) is None
    did = desk.run()
    assert (did.pushed, did.refused) == (2, 0)
    assert (desk.store.get("request", request) or {})["state"] == "approved"
    assert desk.store.queued() == []
    desk.check()
    assert desk.run() == Round()


class HoldingLine(NearLine):
    """A line whose service holds calls; the test says when."""

    def next_page(self, cursor: tuple[int, int], limit: int, wait_s: float) -> Page | None:
        page: Page = super().pull(cursor, limit)
        return page


def holding(central: CentralService, store: CrashingStore) -> Desk:
    """Return a desk that can listen, in step with the service."""
    desk = Desk(central, store)
    desk.line = HoldingLine(central, desk.mandate)
    desk.synchroniser = Synchroniser(store, desk.line, desk.mandate, BODY, central.keys)
    assert not desk.synchroniser.listen(), "nothing to go on from"
    desk.run()
    return desk


def test_what_came_while_listening_is_taken_without_asking_again(
    central: CentralService, store: CrashingStore
) -> None:
    desk = holding(central, store)
    request = new_id()
    central.do(desk.mandate, "request.register", **registration(request))
    assert desk.synchroniser.listen()
    desk.line.pull = unasked  # type: ignore[method-assign]
    assert desk.run() == Round(received=1)
    assert desk.store.get("request", request) is not None


def unasked(cursor: object, limit: int) -> Page:
    """Nobody may pull."""
    raise AssertionError("asked")


def test_the_end_of_a_page_from_before_a_push_finishes_nothing(
    central: CentralService, store: CrashingStore
) -> None:
    desk = holding(central, store)
    assert desk.synchroniser.listen()
    command = desk.approve(desk.register())
    assert desk.run() == Round(pushed=2, received=2)
    [found] = [one for one in desk.store.queued(OutboxState.DONE) if one.command.id == command]
    row = desk.store._db.execute("SELECT leaf FROM outbox WHERE command = ?", (found.command.id,)).fetchone()
    assert row[0] is not None, "finished by its event, not by the page's end"
    desk.check()


def test_a_page_that_was_heard_is_not_taken_for_another_place(
    central: CentralService, store: CrashingStore
) -> None:
    desk = holding(central, store)
    central.do(desk.mandate, "request.register", **registration(new_id()))
    assert desk.synchroniser.listen()
    heard = desk.synchroniser._ahead
    desk.run()
    desk.synchroniser._ahead = heard
    assert desk.run() == Round()
    desk.check()


def test_the_head_that_ended_the_feed_is_kept(desk: Desk) -> None:
    desk.run()
    followed = desk.store.followed()
    assert followed is not None
    head = SignedHead.from_document(json.loads(followed.head or ""))
    assert desk.central.keys.verify(head)
    assert (head.head.state.size, head.head.state.body) == (followed.size, BODY)
    assert followed.size == len(desk.central.entries(BODY))


# --- loss, repetition, crashes -----------------------------------------------------------------


@pytest.mark.parametrize("fault", ["request", "answer"])
@pytest.mark.parametrize("call", [0, 1, 2])
def test_a_lost_call_loses_and_doubles_nothing(desk: Desk, fault: str, call: int) -> None:
    desk.line.page_limit = 2
    request = desk.register()
    desk.lose(*[""] * call, fault)
    with pytest.raises(ServiceUnreachable):
        desk.run()
    assert (desk.store.queued() != []) or desk.store.get("request", request) is not None
    desk.run()
    assert desk.store.queued() == []
    assert desk.store.get("request", request) is not None
    desk.check()


def test_a_push_that_arrives_twice_has_effect_once(desk: Desk) -> None:
    request = desk.register()
    desk.approve(request)
    desk.lose("twice")
    assert desk.run() == Round(2, 0, len(desk.central.seen_by(desk.mandate)) + 1)
    desk.check()


def test_an_old_page_is_refused_and_harms_nothing(desk: Desk) -> None:
    desk.run()
    desk.register()
    desk.run()
    before = held(desk.store), desk.store.followed()
    desk.register()
    desk.line.faults.extend(["", "old"])
    with pytest.raises(FeedBroken, match="missing or repeated"):
        desk.run()
    assert (held(desk.store), desk.store.followed()) == before
    desk.run()
    desk.check()


def test_the_service_ends_in_the_middle_of_a_batch(desk: Desk) -> None:
    requests = [desk.register() for _ in range(5)]
    desk.central.die_at_commit(1)
    with pytest.raises(ServiceUnreachable):
        desk.run()
    assert len(desk.store.queued(OutboxState.PENDING)) == 5
    assert not any(("request", request) in desk.central.things(BODY) for request in requests)
    assert desk.run().pushed == 5
    desk.check()


def writes_of_a_round(central: CentralService, store: CrashingStore) -> tuple[Desk, str, str]:
    """Return a desk with an accepted, a refused and an eventless command waiting."""
    desk = Desk(central, store, central.administrators[BODY].id)
    mandate = central.grant(Role.IR)
    office = new_id()
    desk.queue("office.open", office=office, name="Sportello 3")
    desk.queue("office.open", office=OFFICE, name="Sportello 1")
    desk.queue("mandate.resume", mandate=mandate)
    return desk, office, mandate


def steps_of_a_round(central: CentralService, store: CrashingStore) -> list[str]:
    desk, _, _ = writes_of_a_round(central, store)
    steps: list[str] = []
    store.step = steps.append
    desk.line.page_limit = 3
    desk.run()
    store.step = lambda where: None
    [problem] = store.queued()
    store.dismiss(problem.command.id)
    return steps


def test_a_crash_between_any_two_writes_loses_and_doubles_nothing(
    central: CentralService, store: CrashingStore
) -> None:
    steps = steps_of_a_round(central, store)
    assert {step.split()[0] for step in steps} == {"accepted", "refused", "apply", "follow", "finish"}
    for number in range(len(steps)):
        store.begin_anew()
        desk, office, _ = writes_of_a_round(central, store)
        left = [number]

        def crash(where: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Crash(where)

        desk.line.page_limit = 3
        store.step = crash
        with pytest.raises(Crash):
            desk.run()
        store.step = lambda where: None
        desk.run()
        assert store.get("office", office) is not None
        [problem] = store.queued()
        assert (problem.state, problem.code) == (OutboxState.REFUSED, "RULE-EXISTS")
        store.dismiss(problem.command.id)
        desk.check()


# --- tampering ---------------------------------------------------------------------------------


def of_request(page: Page) -> Page:
    """Return the item of a request that the desk may see."""
    item: Page = next(item for item in page["items"] if item["personal"] and "holder" in item["personal"])
    return item


def another_entry(page: Page, **values: Any) -> None:
    """Put another entry in a request's place, hash and all."""
    item = of_request(page)
    public = json.loads(item["public"]) | values
    item["public"] = json.dumps(public, sort_keys=True, separators=(",", ":"))
    item["leaf_hash"] = leaf_hash(item["public"].encode()).hex()


def own_head(page: Page) -> None:
    signer = Signer()
    head = SignedHead.from_document(page["head"])
    other = SignedHead(head.signed, signer.sign(head.signed), head.key_id)
    page["head"] = other.document()


SPOILT: dict[str, tuple[Callable[[Page], Any], str]] = {
    "public part": (
        lambda p: of_request(p).update(public=of_request(p)["public"].replace("rsa2048", "rsa4096")),
        "differs from its hash",
    ),
    "leaf hash": (lambda p: of_request(p).update(leaf_hash="00" * 32), "differs from its hash"),
    "leaf hash of what is hidden": (
        lambda p: of_request(p).update(leaf_hash="00" * 32, public=None),
        "head does not fit",
    ),
    "short leaf hash": (lambda p: of_request(p).update(leaf_hash="00", public=None), "head does not fit"),
    "no leaf hash": (lambda p: of_request(p).update(leaf_hash="zz", public=None), "cannot be read"),
    "both": (lambda p: another_entry(p, kind="request.approved"), "head does not fit"),
    "another body's": (lambda p: another_entry(p, body=OTHER_BODY), "not in its place"),
    "another place": (lambda p: another_entry(p, index=1), "not in its place"),
    "no entry": (lambda p: another_entry(p, v=99), "cannot be read"),
    "personal data": (
        lambda p: of_request(p)["personal"]["holder"].update(surname="Altri"),
        "differ from their commitment",
    ),
    "salt": (
        lambda p: of_request(p).update(salt=base64.b64encode(bytes(32)).decode()),
        "differ from their commitment",
    ),
    "no salt": (lambda p: of_request(p).update(salt=None), "cannot be read"),
    "swapped": (lambda p: p["items"].reverse(), "missing or repeated"),
    "repeated": (lambda p: p["items"].append(p["items"][-1]), "missing or repeated"),
    "left out": (lambda p: p["items"].pop(2), "missing or repeated"),
    "cut": (lambda p: p["items"].pop(), "missing or repeated"),
    "cut, and said to be so long": (
        lambda p: (
            p["items"].pop(),
            p.update(size=p["size"] - 1),
            p["cursor"].update(index=p["size"]),
        ),
        "head does not fit",
    ),
    "smaller size": (lambda p: p.update(size=p["size"] - 1), "missing or repeated"),
    "cursor ahead": (lambda p: p["cursor"].update(index=p["size"] + 1), "missing or repeated"),
    "cursor behind": (lambda p: p["cursor"].update(index=0), "missing or repeated"),
    "epoch": (lambda p: p["cursor"].update(epoch=7), "head does not fit"),
    "no head": (lambda p: p.update(head=None), "head is missing"),
    "head of another key": (own_head, "not the service's"),
    "head's words": (
        lambda p: p["head"].update(signed=p["head"]["signed"].replace('"epoch":1', '"epoch":2')),
        "not the service's",
    ),
    "head's form": (lambda p: p.update(head={"signed": 1}), "cannot be read"),
    "items' form": (lambda p: p.update(items=[None]), "cannot be read"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_tampered_page_is_refused_whole(desk: Desk, what: str) -> None:
    spoil, match = SPOILT[what]
    desk.run()
    desk.register()
    desk.central.do(desk.mandate, "request.register", **registration(new_id()))
    desk.central.do(desk.mandate, "request.register", **registration(new_id()))
    before = held(desk.store), desk.store.followed()
    desk.line.spoil = spoil
    with pytest.raises(FeedBroken, match=match):
        desk.run()
    assert (held(desk.store), desk.store.followed()) == before
    desk.line.spoil = lambda page: None
    desk.run()
    desk.check()


def test_a_page_that_leads_nowhere_does_not_turn_for_ever(desk: Desk) -> None:
    desk.run()
    desk.line.spoil = lambda page: page.update(size=page["size"] + 1)
    with pytest.raises(FeedBroken, match="missing or repeated"):
        desk.run()


def test_a_head_of_an_unknown_key_is_refused(central: CentralService, store: CrashingStore) -> None:
    desk = Desk(central, store)
    desk.synchroniser = Synchroniser(store, desk.line, desk.mandate, BODY, Keys(Signer().public_key))
    with pytest.raises(FeedBroken, match="not the service's"):
        desk.run()
    assert held(store) == {}


def test_another_scope_does_not_make_a_desk_forget_what_the_journal_was(desk: Desk) -> None:
    desk.register()
    desk.run()
    known = desk.store.followed()
    assert known is not None
    desk.line.spoil = lambda page: page.update(scope="wider")
    desk.line.spoil_snapshot = lambda page: page.update(scope="wider")
    desk.run()
    wider = desk.store.followed()
    assert wider is not None
    assert (wider.scope, wider.size, wider.peaks) == ("wider", known.size, known.peaks)
    desk.register()
    desk.line.spoil = lambda page: page.update(scope="wider", items=[spoilt(item) for item in page["items"]])
    with pytest.raises(FeedBroken):
        desk.run()


def spoilt(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "public": None, "leaf_hash": leaf_hash(b'{"another": "journal"}').hex()}


def test_another_scope_does_not_hide_a_cut_tail(desk: Desk) -> None:
    desk.run()
    old = NearLine(desk.central, desk.mandate).pull(None, 500)
    desk.register()
    desk.run()
    desk.line.spoil = lambda page: page.update(old, scope="wider")
    desk.line.spoil_snapshot = lambda page: page.update(scope="wider")
    with pytest.raises(FeedBroken, match="missing or repeated"):
        desk.run()


def test_a_scope_that_never_holds_is_not_followed_for_ever(desk: Desk) -> None:
    desk.run()
    desk.line.spoil = lambda page: page.update(scope=new_id())
    with pytest.raises(FeedBroken, match="another scope each time"):
        desk.run()


@pytest.mark.parametrize("answers", [[], [{"command": "x", "accepted": True}]])
def test_answers_to_other_commands_are_a_bug_and_finish_none(
    desk: Desk, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.register()
    monkeypatch.setattr(desk.line, "push", lambda commands: answers)
    with pytest.raises(Bug):
        desk.run()
    assert len(desk.store.queued(OutboxState.PENDING)) == 1


# --- scopes and mandates -----------------------------------------------------------------------


def test_a_narrower_mandate_makes_the_desk_forget(central: CentralService, store: CrashingStore) -> None:
    wide = Desk(central, store)
    here, there = wide.register(), wide.register(SECOND_OFFICE)
    wide.run()
    narrow = Desk(central, store, central.grant(Role.IR))
    narrow.run()
    assert store.get("request", here) is not None
    assert store.get("request", there) is None
    narrow.check()
    assert there.encode() not in b"".join(
        row[0].encode() for row in store._db.execute("SELECT document FROM things")
    )


def test_a_wider_mandate_brings_all_it_may_see(central: CentralService, store: CrashingStore) -> None:
    other = central.grant(Role.RAO)
    request = new_id()
    central.do(other, "request.register", **registration(request, SECOND_OFFICE))
    narrow = Desk(central, store, central.grant(Role.IR))
    narrow.run()
    assert store.get("request", request) is None
    wide = Desk(
        central, store, central.grant(Role.IR, OFFICE, BODY, Permission.WHOLE_BODY, Permission.DATA_ENTRY)
    )
    waiting = wide.register()
    wide.run()
    assert store.get("request", request) is not None
    assert store.get("request", waiting) is not None
    wide.check()


@pytest.mark.parametrize("role", GRANTED)
@pytest.mark.parametrize("permission", [None, *PERMISSIONS])
def test_the_feed_gives_what_the_service_shows(
    central: CentralService, store: CrashingStore, role: Role, permission: Permission | None
) -> None:
    for office in (OFFICE, SECOND_OFFICE):
        rao = central.grant(Role.RAO, office)
        central.do(rao, "request.register", **registration(new_id(), office))
    central.administer(
        "device.receive",
        card_id="7430010024925855",
        kind="smart_card",
        ca="CA",
        lot="L",
        certified_until="2031-01-01",
    )
    permissions = () if permission is None else (permission,)
    desk = Desk(central, store, central.grant(role, OFFICE, BODY, *permissions))
    desk.run()
    desk.check()


def test_two_mandates_share_an_outbox_and_each_pushes_its_own(
    central: CentralService, store: CrashingStore
) -> None:
    one = Desk(central, store)
    two = Desk(central, store, central.grant(Role.RAO, OTHER_OFFICE, OTHER_BODY))
    first, second = one.register(), two.register(OTHER_OFFICE)
    one.run()
    assert store.get("request", first) is not None
    assert [queued.mandate for queued in store.queued()] == [two.mandate]
    one.check()
    two.run()
    assert store.get("request", first) is None
    assert store.get("request", second) is not None
    two.check()
    one.run()
    one.check()


def test_a_long_queue_of_another_mandate_does_not_stand_in_the_way(
    central: CentralService, store: CrashingStore
) -> None:
    one, two = Desk(central, store), Desk(central, store, central.grant(Role.RAO))
    for _ in range(10 * BATCH + 1):
        one.queue("request.cancel", request="none", reason="prova")
    request = two.register()
    two.run()
    assert store.get("request", request) is not None


# --- refusals ----------------------------------------------------------------------------------


def test_a_refused_command_is_a_problem_and_blocks_no_other(desk: Desk) -> None:
    request = desk.register()
    wrong = desk.queue("request.approve", request=request, digest="0")
    after = desk.register()
    did = desk.run()
    assert (did.pushed, did.refused) == (3, 1)
    [problem] = desk.store.queued()
    assert problem.state is OutboxState.REFUSED
    assert problem.command.id == wrong
    assert problem.code == "RULE-STATE"
    assert problem.facts == {"thing": "request", "id": request, "state": "amended", "wanted": "approved"}
    assert desk.store.get("request", after) is not None
    desk.run()
    assert len(desk.store.queued(OutboxState.REFUSED)) == 1
    desk.store.dismiss(wrong)
    assert desk.store.queued() == []


def test_an_accepted_command_without_events_is_finished(
    central: CentralService, store: CrashingStore
) -> None:
    desk = Desk(central, store, central.administrators[BODY].id)
    mandate = central.grant(Role.IR)
    before = len(central.entries(BODY))
    desk.queue("mandate.resume", mandate=mandate)
    assert desk.run().pushed == 1
    assert store.queued() == []
    assert len(central.entries(BODY)) == before


def test_a_command_id_with_other_contents_is_refused(central: CentralService, store: CrashingStore) -> None:
    desk = Desk(central, store)
    request = desk.register()
    [queued] = store.queued()
    desk.run()
    again = Command(queued.command.id, "request.cancel", BODY, {"request": request, "reason": "prova"})
    store._db.execute("DELETE FROM outbox")
    store.queue(again, desk.mandate, AT)
    desk.run()
    [problem] = store.queued()
    assert problem.code == "RULE-ID"
    assert (store.get("request", request) or {})["state"] == "registered"


def test_free_text_that_names_a_person_does_not_stop_the_outbox(desk: Desk) -> None:
    request = desk.register()
    desk.queue("request.cancel", request=request, reason=f"Doppia: vedi {ADMINISTRATOR}, x@example.com")
    desk.run()
    assert desk.store.queued() == []
    assert ADMINISTRATOR in (desk.store.get("request", request) or {})["reason"]
    entry, personal = desk.central.entries(BODY)[-1]
    assert isinstance(entry, Entry)
    assert set(personal) == {"reason"}
    desk.check()


# --- what a screen shows -----------------------------------------------------------------------


def test_pending_commands_are_shown_on_top_of_the_base(desk: Desk) -> None:
    request = desk.register()
    desk.run()
    desk.approve(request)
    actor, now = desk.central.actor(desk.mandate), desk.central.clock.now()
    overlay, doubts = shown(desk.store, actor, now)
    assert (overlay.get("request", request) or {})["state"] == "approved"
    assert (desk.store.get("request", request) or {})["state"] == "registered"
    assert doubts == []
    desk.run()
    overlay, doubts = shown(desk.store, actor, now)
    assert overlay.changed() == {}
    assert doubts == []


def test_a_pending_command_overtaken_by_another_desk_is_a_doubt(desk: Desk) -> None:
    request = desk.register()
    desk.run()
    approval = desk.approve(request)
    rest = desk.register()
    other = desk.central.grant(Role.RAO)
    desk.central.do(other, "request.cancel", request=request, reason="prova")
    desk.lose("request")
    with pytest.raises(ServiceUnreachable):
        desk.run()
    desk.synchroniser._pull_all()
    overlay, doubts = shown(desk.store, desk.central.actor(desk.mandate), desk.central.clock.now())
    assert [(doubt.command.id, doubt.refusal.code) for doubt in doubts] == [(approval, "RULE-STATE")]
    assert (overlay.get("request", request) or {})["state"] == "cancelled"
    assert overlay.get("request", rest) is not None
    desk.run()
    assert [problem.command.id for problem in desk.store.queued()] == [approval]


def test_another_mandates_pending_commands_are_not_decided_under_this_one(
    central: CentralService, store: CrashingStore
) -> None:
    rao, ir = Desk(central, store), Desk(central, store, central.grant(Role.IR))
    request = rao.register()
    rao.approve(request)
    overlay, doubts = shown(store, central.actor(ir.mandate), central.clock.now())
    assert (overlay.changed(), doubts) == ({}, [])
    overlay, doubts = shown(store, central.actor(rao.mandate), central.clock.now())
    assert (overlay.get("request", request) or {})["state"] == "approved"
