"""Calls made up from the OpenAPI document: never an internal error, never an answer it does not tell.

Both databases, in this process; what a signed-in operator of every right may send, and what anybody may.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cmsdesk.base.ids import new_id
from tests.backend.api.conftest import (
    BODY,
    CA,
    CARD,
    DEVICE,
    OFFICE,
    PRODUCTION,
    REQUEST,
    Interface,
)

pytestmark = pytest.mark.own_process
EXAMPLES = {True: 12, False: 3}
"""Of each operation, signed in or not."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
KNOWN: Mapping[str, tuple[str, ...]] = {
    "production": (PRODUCTION,),
    "thing": ("request", "device", "scratch_card", "production", "office"),
    "identifier": (REQUEST, DEVICE, CARD, PRODUCTION, OFFICE),
    "name": (CA,),
}
"""Values of paths that are there, so that calls come further than «not found»."""


@st.composite
def cases(draw: st.DrawFn, operation: Any, mode: GenerationMode) -> Case:
    """Return a call, half of the time to a thing that is there."""
    case: Case = draw(operation.as_strategy(generation_mode=mode))
    if draw(st.booleans()):
        for name in set(case.path_parameters or {}) & set(KNOWN):
            case.path_parameters[name] = draw(st.sampled_from(KNOWN[name]))
    return case


def _takes_anything(operation: Any) -> bool:
    """Tell whether there is anything in a call that can be wrong."""
    return any(len(part) for part in (operation.path_parameters, operation.query, operation.body))


@pytest.mark.parametrize("signed_in", [True, False], ids=["signed-in", "anybody"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_call_breaks_the_service(interface: Interface, mode: GenerationMode, signed_in: bool) -> None:
    app = interface.over_tls() if signed_in else interface.app
    sent = [interface.headers(mandate) for mandate in interface.mandates] if signed_in else [{}]
    found = [
        result.ok() for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations()
    ]
    assert len(found) > 20
    for operation in found:
        if mode is GenerationMode.NEGATIVE and not _takes_anything(operation):
            continue

        @settings(
            max_examples=EXAMPLES[signed_in],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases(operation, mode), headers=st.sampled_from(sent))
        def call(case: Case, headers: dict[str, str]) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        call()


HOSTILE = (
    "\x00",
    "a\x00b",
    "\ud800",
    "\U0010ffff",
    "' OR 1=1 --",
    "%s%n",
    "../../etc",
    "ﬁ\u202e",
    "x" * 5000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_texts_are_answered(interface: Interface, text: str) -> None:
    headers = interface.headers(interface.mandates[0])
    quoted = quote(text, safe="", errors="surrogatepass")
    for path in (
        f"/v1/things/{quoted}/{quoted}",
        f"/v1/things/request/{quoted}",
        f"/v1/things/request?state={quoted}",
        f"/v1/productions/{quoted}/codes",
        f"/v1/authorities/{quoted}",
    ):
        assert interface.call("GET", path, headers)[0] < 500, path
    commands = [
        {"id": new_id(), "kind": kind, "body": BODY, "facts": facts}
        for kind, facts in (
            ("scratch_card.receive", {"number": text, "lot": text}),
            ("office.open", {"office": text, "name": text}),
            (text[:64], {text: [text, {text: text}]}),
            ("request.register", {"request": {"id": text, "holder": {text: text}}}),
        )
    ]
    as_json = {**headers, "Content-Type": "application/json"}
    status, answer = interface.call("POST", "/v1/commands", as_json, json.dumps(commands).encode())
    assert status < 500
    if status == 200:
        assert "BUG" not in {found["code"] for found in json.loads(answer)}
    guessed = {**headers, "Authorization": f"Bearer {quoted}", "Cmsdesk-Mandate": quoted[:64]}
    assert interface.call("GET", "/v1/feed", guessed)[0] in (401, 403)
