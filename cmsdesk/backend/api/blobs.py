"""Calls about the contents of attachments: chunk by chunk, so that a cut transfer goes on where it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, PartsOf
from cmsdesk.backend.api.problems import SIGNED_IN, answers
from cmsdesk.backend.services.blobs import ContentState

router = APIRouter(prefix="/v1/attachments", responses=answers(*SIGNED_IN))
_Number = Annotated[int, Path(ge=0, lt=1024)]


@router.get("/{attachment}/content", responses=answers(404))
def state(parts: PartsOf, actor: Caller, attachment: m.Identifier) -> m.ContentStateAnswer:
    """Tell which chunks of a content are there."""
    return _answer(parts.blobs.state(attachment, actor))


@router.put("/{attachment}/content/{number}", responses=answers(404, 409))
def put(
    parts: PartsOf, actor: Caller, attachment: m.Identifier, number: _Number, call: m.ChunkModel
) -> m.ContentStateAnswer:
    """Take a chunk; with the last one the whole is checked against the hash that was recorded."""
    return _answer(parts.blobs.put(attachment, actor, number, call.content))


@router.get("/{attachment}/content/{number}", responses=answers(404, 409))
def get(
    parts: PartsOf,
    actor: Caller,
    attachment: m.Identifier,
    number: _Number,
    view: Annotated[str, Query(max_length=64)],
) -> m.ChunkModel:
    """Return a chunk; ``view`` is the command «attachment.view» that recorded the viewing."""
    return m.ChunkModel(content=parts.blobs.get(attachment, actor, view, number))


def _answer(found: ContentState) -> m.ContentStateAnswer:
    return m.ContentStateAnswer(size=found.size, have=list(found.have), complete=found.complete)
