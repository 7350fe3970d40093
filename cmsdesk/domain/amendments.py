"""What an amendment changed, value by value: so that it is shown (PRO-2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cmsdesk.domain.documents import request_document
from cmsdesk.domain.request import Request
from cmsdesk.domain.words import FIELDS

_NOT_SHOWN = frozenset({"state", "approved_digest", "created_at", "registered_by"})
"""What the life of a request changes, not a person who amends it."""


@dataclass(frozen=True)
class Change:
    """One value that differs; None where there is none."""

    path: str
    """Names from the outermost in, joined by points: ``holder.residence.street``."""
    before: str | int | bool | None
    after: str | int | bool | None

    @property
    def label(self) -> str:
        """The value's name for people, a message of the catalogue; the path where it has none."""
        name = self.path.removeprefix("holder.")
        return FIELDS.get(name) or FIELDS.get(name.rpartition(".")[2], name)


def changes_between(before: Request, after: Request) -> list[Change]:
    """Return what differs between two versions of a request, by path."""
    return document_changes(request_document(before), request_document(after))


def document_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two documents of a request, by path; nested values one by one."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [
        Change(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _leaves(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if not path and name in _NOT_SHOWN:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        elif isinstance(value, list | tuple):
            yield from _leaves({str(at): item for at, item in enumerate(value)}, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
