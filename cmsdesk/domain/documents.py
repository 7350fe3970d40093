"""Requests as documents of plain JSON values, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from cmsdesk.domain.request import LATER_OF_HOLDER, Holder, Request
from cmsdesk.domain.shapes import plain, shaped

_OWN = tuple(field.name for field in fields(Request))


def request_document(request: Request) -> dict[str, Any]:
    """Return a request as JSON values; its id, and what it does not say, are not among them."""
    values: dict[str, Any] = plain(request, nones=True)
    del values["id"]
    for name in LATER_OF_HOLDER:
        if values["holder"][name] is None:
            del values["holder"][name]
    return {name: value for name, value in values.items() if value is not None and value != {}}


def request_of(identifier: str, document: Mapping[str, Any]) -> Request:
    """Return the request that a document describes; values that are not the request's own are left out.

    Raises:
        ShapeWrong: the document is not a request's; it names the value.
    """
    own = {name: document[name] for name in _OWN if name in document}
    return shaped(Request, {**own, "id": identifier})


def request_to_json(request: Request) -> str:
    """Return a request as JSON."""
    return json.dumps(plain(request, nones=True), ensure_ascii=False)


def request_from_json(text: str) -> Request:
    """Return the request that `request_to_json` wrote."""
    values = json.loads(text)
    return request_of(values["id"], values)


def holder_from_mapping(values: Mapping[str, Any]) -> Holder:
    """Build a holder from plain values; dates are dates or ISO 8601 text.

    Raises:
        ShapeWrong: they are not a holder's.
    """
    return shaped(Holder, values)
