"""Stories of offices, operators, mandates, configuration and stock: what is accepted, what is refused."""

from __future__ import annotations

from typing import Any

Facts = dict[str, Any]
Line = tuple[str, Facts]

OFFICE, OTHER = "sportello-1", "sportello-2"
PERSON: Facts = {
    "operator": "O-1",
    "fiscal_code": "TSSMRT87C54A952D",
    "surname": "Tessari",
    "given_name": "Marta",
    "email": "marta.tessari@example.com",
}
SITE: Facts = {"site": "sede-1", "name": "Sede di Bolzano", "address": "Via Alto Adige 60"}
SECOND: Facts = {"office": OTHER, "name": "Sportello 2"}
GRANT: Facts = {
    "mandate": "M-1",
    "operator": "TSSMRT87C54A952D",
    "office": OTHER,
    "role": "ir",
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "permissions": ["data_entry", "payments"],
    "data_entry": "telematic",
    "payments": "paper",
}
CONFIGURATION: Facts = {
    "authorities": ["Ente di Prova"],
    "devices": {"smart_card": {"ca": "Ente di Prova", "key_algorithm": "rsa2048"}},
    "tariffs": {
        "devices": {"smart_card": {"first_cents": 0, "further_cents": 2500}},
        "extras": [{"code": "certificate", "title": {"it": "Certificato"}, "fee_cents": 1510}],
    },
    "first_issue": {"annual_fee": "required", "imposed": {OFFICE: "not_first"}},
    "languages": ["it", "de"],
    "payments": {"methods": ["cash", "pos"], "series": {OFFICE: "A"}},
    "remote_issue": {"cns": ["home", "pick_up"], "webid": []},
    "stock": {"body": {"smart_card": 20}, "offices": {OFFICE: {"scratch_card": 5}}},
    "texts": {"declarations": {"it": "Dichiara."}},
    "contact": {"email": "camera@example.com"},
}
CHANGE: Facts = {"revision": 0, "configuration": CONFIGURATION}
DEVICE: Facts = {
    "card_id": "D-1",
    "kind": "smart_card",
    "ca": "Ente di Prova",
    "certified_until": "2031-12-31",
}
SUPPLY: Facts = {
    "lot": "L-7",
    "supplier": "Fornitore",
    "office": OFFICE,
    "devices": [DEVICE, {**DEVICE, "card_id": "D-2"}],
    "scratch_cards": ["S-1"],
}
CARRY: Facts = {"devices": ["D-1"], "scratch_cards": ["S-1"]}
LOST: Facts = {"card_id": "D-1", "reason": "chip rotto"}

PC, OWN_PC = "cd" * 32, "ab" * 32
BLOCKED: list[Line] = [("workstation.block", {"workstation": PC})]
REVOKED: list[Line] = [("workstation.revoke", {"workstation": PC})]


def enrolled(body: str) -> dict[tuple[str, str], Facts]:
    """Return the workstations that the service enrolled: the actor's own and another."""
    document = {"body": body, "office": OFFICE, "name": "pc", "kind": "workstation", "state": "enabled"}
    return {("workstation", thumbprint): dict(document) for thumbprint in (PC, OWN_PC)}


OPENED: list[Line] = [("office.open", SECOND)]
SITED: list[Line] = [("site.open", SITE)]
CLOSED: list[Line] = [*OPENED, ("office.close", {"office": OTHER})]
GRANTED: list[Line] = [*OPENED, ("mandate.grant", GRANT)]
ENDED: list[Line] = [*GRANTED, ("mandate.end", {"mandate": "M-1"})]
SUSPENDED: list[Line] = [*GRANTED, ("mandate.suspend", {"mandate": "M-1"})]
RECORDED: list[Line] = [("operator.record", PERSON)]
SUPPLIED: list[Line] = [("stock.receive", SUPPLY)]
ASIDE: list[Line] = [*SUPPLIED, ("device.set_aside", LOST)]
MOVE: Facts = {"office": OTHER, "to": OFFICE, "mandates": {"M-1": "M-2"}}


def changed(*path: str, to: object) -> Facts:
    """Return the change of configuration with one value otherwise."""
    configuration = _with(CONFIGURATION, path, to)
    return {"revision": 0, "configuration": configuration}


def _with(values: Facts, path: tuple[str, ...], to: object) -> Facts:
    name, *rest = path
    return {**values, name: _with(values.get(name, {}), tuple(rest), to) if rest else to}


# command, what happened before, its facts, the events that follow
ACCEPTED: list[tuple[str, list[Line], Facts, str]] = [
    ("workstation.block", [], {"workstation": PC}, "workstation.blocked"),
    ("workstation.block", BLOCKED, {"workstation": PC}, ""),
    ("workstation.unblock", BLOCKED, {"workstation": PC}, "workstation.enabled"),
    ("workstation.revoke", BLOCKED, {"workstation": PC}, "workstation.revoked"),
    ("body.amend", [], {"name": "Camera di Bolzano", "sigle": ["BZ", "TN"]}, "body.amended"),
    ("site.open", [], SITE, "site.opened"),
    ("site.amend", SITED, {**SITE, "name": "Sede"}, "site.amended"),
    ("site.open", [], {**SITE, "names": {"de": "Bozen"}}, "site.opened"),
    ("site.amend", SITED, {**SITE, "names": {"de": "Bozen"}}, "site.amended"),
    ("site.open", [*SITED, ("site.close", {"site": "sede-1"})], {"site": "sede-1"}, "site.reopened"),
    ("office.open", [], {**SECOND, "names": {"de": "Schalter 2"}}, "office.opened"),
    ("office.amend", OPENED, {**SECOND, "names": {"de": "Schalter 2"}}, "office.amended"),
    ("office.amend", OPENED, {**SECOND, "names": {}}, "office.amended"),
    ("site.close", SITED, {"site": "sede-1"}, "site.closed"),
    ("office.open", SITED, {**SECOND, "site": "sede-1"}, "office.opened"),
    ("office.open", CLOSED, SECOND, "office.reopened"),
    ("office.amend", OPENED, {"office": OTHER, "name": "Nuovo"}, "office.amended"),
    ("office.close", OPENED, {"office": OTHER}, "office.closed"),
    (
        "office.move_operators",
        GRANTED,
        MOVE,
        "office.operators_moved mandate.ended mandate.granted",
    ),
    ("operator.record", [], PERSON, "operator.recorded"),
    ("operator.amend", RECORDED, {**PERSON, "surname": "Rossi"}, "operator.amended"),
    (
        "operator.take_in",
        OPENED,
        {"operators": [PERSON], "mandates": [GRANT]},
        "operator.recorded mandate.granted",
    ),
    ("mandate.grant", OPENED, GRANT, "mandate.granted"),
    ("mandate.end", GRANTED, {"mandate": "M-1"}, "mandate.ended"),
    ("mandate.end", SUSPENDED, {"mandate": "M-1"}, "mandate.ended"),
    ("mandate.end", ENDED, {"mandate": "M-1"}, ""),
    (
        "mandate.extend",
        GRANTED,
        {"mandate": "M-1", "valid_until": "2027-12-31"},
        "mandate.extended",
    ),
    ("mandate.extend", GRANTED, {"mandate": "M-1", "valid_until": "2026-12-31"}, ""),
    (
        "mandate.change",
        SUSPENDED,
        {"mandate": "M-1", "permissions": ["whole_body"], "data_entry": "paper"},
        "mandate.changed",
    ),
    ("configuration.change", [], CHANGE, "configuration.changed"),
    (
        "configuration.change",
        [("configuration.change", CHANGE)],
        {**changed("languages", to=["it"]), "revision": 1},
        "configuration.changed",
    ),
    ("configuration.change", [("configuration.change", CHANGE)], {**CHANGE, "revision": 1}, ""),
    ("stock.receive", [], SUPPLY, "device.received device.received scratch_card.received"),
    ("stock.move", SUPPLIED, CARRY, "device.moved scratch_card.moved"),
    ("stock.move", SUPPLIED, {**CARRY, "to": OFFICE}, ""),
    ("device.set_aside", SUPPLIED, LOST, "device.set_aside"),
    ("device.put_back", ASIDE, LOST, "device.in_stock"),
    ("scratch_card.void", SUPPLIED, {"number": "S-1", "reason": "aperta"}, "scratch_card.void"),
]

# command, what happened before, its facts, the refusal's code
REFUSED: list[tuple[str, list[Line], Facts, str]] = [
    ("body.amend", [], {"name": "x", "sigle": ["bz"]}, "RULE-FACTS"),
    ("body.amend", [], {"name": "x", "sigle": ["BZ", "BZ"]}, "RULE-FACTS"),
    ("body.amend", [], {"sigle": []}, "RULE-FACTS"),
    ("workstation.block", [], {"workstation": OWN_PC}, "RULE-FACTS"),
    ("workstation.block", REVOKED, {"workstation": PC}, "RULE-STATE"),
    ("workstation.unblock", REVOKED, {"workstation": PC}, "RULE-STATE"),
    ("workstation.revoke", [], {"workstation": "x"}, "RULE-UNKNOWN"),
    ("site.open", SITED, SITE, "RULE-EXISTS"),
    ("site.open", [], {**SITE, "address": 1}, "RULE-FACTS"),
    ("site.amend", [], SITE, "RULE-UNKNOWN"),
    *[
        (kind, story, {**facts, "names": wrong}, "RULE-FACTS")
        for wrong in ({"fr": "x"}, {"de": " "}, {"de": 1}, ["de"])
        for kind, story, facts in (
            ("body.amend", [], {"name": "x", "sigle": []}),
            ("site.open", [], SITE),
            ("office.amend", OPENED, SECOND),
        )
    ],
    (
        "office.open",
        [
            *SITED,
            ("office.open", {**SECOND, "site": "sede-1"}),
            ("office.close", {"office": OTHER}),
            ("site.close", {"site": "sede-1"}),
        ],
        {"office": OTHER},
        "RULE-FACTS",
    ),
    ("site.close", [*SITED, ("site.close", {"site": "sede-1"})], {"site": "sede-1"}, "RULE-STATE"),
    ("office.open", [], {**SECOND, "site": "sede-1"}, "RULE-UNKNOWN"),
    (
        "office.open",
        [*SITED, ("site.close", {"site": "sede-1"})],
        {**SECOND, "site": "sede-1"},
        "RULE-FACTS",
    ),
    ("office.amend", [], SECOND, "RULE-UNKNOWN"),
    ("office.close", [], {"office": OFFICE}, "RULE-OWN"),
    ("office.close", CLOSED, {"office": OTHER}, "RULE-STATE"),
    ("mandate.grant", OPENED, {**GRANT, "permissions": ["bodies"]}, "RULE-NOT-ALLOWED"),
    ("mandate.change", GRANTED, {"mandate": "M-1", "permissions": ["bodies"]}, "RULE-NOT-ALLOWED"),
    (
        "operator.take_in",
        OPENED,
        {"operators": [PERSON], "mandates": [{**GRANT, "permissions": ["bodies"]}]},
        "RULE-NOT-ALLOWED",
    ),
    ("office.move_operators", GRANTED, {**MOVE, "to": OTHER}, "RULE-FACTS"),
    ("office.move_operators", GRANTED, {**MOVE, "to": "x"}, "RULE-UNKNOWN"),
    ("office.move_operators", GRANTED, {**MOVE, "office": OFFICE, "to": OTHER}, "RULE-FACTS"),
    ("office.move_operators", GRANTED, {**MOVE, "mandates": {}}, "RULE-FACTS"),
    ("office.move_operators", GRANTED, {**MOVE, "mandates": {"M-1": "M-1"}}, "RULE-EXISTS"),
    ("office.move_operators", GRANTED, {**MOVE, "mandates": {"M-1": ""}}, "RULE-FACTS"),
    ("office.move_operators", GRANTED, {**MOVE, "mandates": {"M-1": "x", "M-2": "x"}}, "RULE-FACTS"),
    ("operator.record", RECORDED, PERSON, "RULE-EXISTS"),
    ("operator.record", [], {**PERSON, "email": "nessuno"}, "RULE-FACTS"),
    ("operator.record", [], {**PERSON, "surname": ""}, "RULE-FACTS"),
    ("operator.take_in", OPENED, {}, "RULE-FACTS"),
    ("operator.take_in", OPENED, {"operators": [PERSON, PERSON], "mandates": [GRANT]}, "RULE-EXISTS"),
    ("operator.take_in", OPENED, {"mandates": [GRANT, GRANT]}, "RULE-EXISTS"),
    ("operator.take_in", [], {"operators": [PERSON], "mandates": [GRANT]}, "RULE-UNKNOWN"),
    ("operator.take_in", OPENED, {"mandates": "all"}, "RULE-FACTS"),
    ("operator.take_in", OPENED, {"mandates": [GRANT] * 501}, "RULE-FACTS"),
    ("operator.amend", [], PERSON, "RULE-UNKNOWN"),
    ("operator.amend", RECORDED, {**PERSON, "fiscal_code": "RSSMRA80A01H501U"}, "RULE-FACTS"),
    ("mandate.grant", CLOSED, GRANT, "RULE-FACTS"),
    ("mandate.grant", OPENED, {**GRANT, "data_entry": "by voice"}, "RULE-FACTS"),
    ("mandate.grant", OPENED, {**GRANT, "valid_from": "ieri"}, "RULE-FACTS"),
    ("mandate.suspend", ENDED, {"mandate": "M-1"}, "RULE-STATE"),
    ("mandate.resume", ENDED, {"mandate": "M-1"}, "RULE-STATE"),
    ("mandate.end", [], {"mandate": "M-1"}, "RULE-UNKNOWN"),
    ("mandate.extend", ENDED, {"mandate": "M-1", "valid_until": "2027-12-31"}, "RULE-STATE"),
    ("mandate.extend", GRANTED, {"mandate": "M-1", "valid_until": "2026-05-31"}, "RULE-FACTS"),
    ("mandate.extend", GRANTED, {"mandate": "M-1"}, "RULE-FACTS"),
    ("mandate.change", ENDED, {"mandate": "M-1", "permissions": []}, "RULE-STATE"),
    ("mandate.change", GRANTED, {"mandate": "M-1", "permissions": "all"}, "RULE-FACTS"),
    ("configuration.change", [("configuration.change", CHANGE)], CHANGE, "RULE-STATE"),
    ("configuration.change", [], {"revision": 0, "configuration": []}, "RULE-FACTS"),
    ("configuration.change", [], changed("languages", to=[]), "RULE-FACTS"),
    ("configuration.change", [], changed("logo", to="picture.png"), "RULE-FACTS"),
    ("configuration.change", [], changed("first_issue", "imposed", to={OTHER: "first"}), "RULE-UNKNOWN"),
    ("stock.receive", SUPPLIED, SUPPLY, "RULE-EXISTS"),
    ("stock.receive", [], {**SUPPLY, "devices": [DEVICE, DEVICE]}, "RULE-EXISTS"),
    ("stock.receive", [], {**SUPPLY, "devices": [], "scratch_cards": []}, "RULE-FACTS"),
    ("stock.receive", [], {**SUPPLY, "devices": ["D-1"]}, "RULE-FACTS"),
    ("stock.receive", [], {**SUPPLY, "scratch_cards": [7]}, "RULE-FACTS"),
    ("stock.receive", [], {**SUPPLY, "office": "x"}, "RULE-UNKNOWN"),
    ("stock.receive", CLOSED, {**SUPPLY, "office": OTHER}, "RULE-FACTS"),
    ("stock.move", [], CARRY, "RULE-UNKNOWN"),
    ("stock.move", SUPPLIED, {**CARRY, "devices": ["D-1", "D-1"]}, "RULE-FACTS"),
    ("stock.move", SUPPLIED, {}, "RULE-FACTS"),
    (
        "stock.move",
        [*SUPPLIED, ("scratch_card.void", {"number": "S-1", "reason": "aperta"})],
        CARRY,
        "RULE-STATE",
    ),
    ("device.set_aside", ASIDE, LOST, "RULE-STATE"),
    ("device.set_aside", SUPPLIED, {"card_id": "D-1"}, "RULE-FACTS"),
    ("device.put_back", SUPPLIED, LOST, "RULE-STATE"),
    ("scratch_card.void", [], {"number": "S-1", "reason": "aperta"}, "RULE-UNKNOWN"),
    ("scratch_card.void", SUPPLIED, {"number": "S-1"}, "RULE-FACTS"),
]
