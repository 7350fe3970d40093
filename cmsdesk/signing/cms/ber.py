"""Reads BER as other programs write it (X.690 clause 8): definite and indefinite lengths, nested strings.

Works on bytes and on large files; the contents of large values are never copied.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cmsdesk.signing.cms.der import DerError
from cmsdesk.signing.documents.sources import Octets

_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Node:
    """One value in a buffer. `end` includes the end-of-contents octets, `stop` is where the contents end."""

    tag: int
    start: int
    body: int
    stop: int
    end: int
    indefinite: bool

    def encoded(self, buffer: Octets) -> bytes:
        """Return the value as it stands."""
        return buffer[self.start : self.end]

    def contents(self, buffer: Octets) -> bytes:
        """Return the contents octets."""
        return buffer[self.body : self.stop]


def read(buffer: Octets, start: int, limit: int, depth: int = 0) -> Node:
    """Read the value at `start`, which must end by `limit`.

    Raises:
        DerError: truncated, nested too deeply, or a length that leaves the limit.
    """
    if start + 2 > limit:
        raise DerError(f"truncated at {start}")
    tag, size, body = buffer[start], buffer[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise DerError(f"long tag at {start}")
    if size == 0x80:
        stop = _end_of_contents(buffer, tag, body, limit, depth)
        return Node(tag, start, body, stop, stop + 2, True)
    if size > 0x80:
        count = size & 0x7F
        if count > 8 or body + count > limit:
            raise DerError(f"bad length at {start}")
        size = int.from_bytes(buffer[body : body + count], "big")
        body += count
    if body + size > limit:
        raise DerError(f"value at {start} leaves its container")
    return Node(tag, start, body, body + size, body + size, False)


def _end_of_contents(buffer: Octets, tag: int, body: int, limit: int, depth: int) -> int:
    if not tag & 0x20:
        raise DerError("a primitive value of indefinite length")
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    position = body
    while buffer[position : position + 2] != b"\0\0":
        position = read(buffer, position, limit, depth + 1).end
    return position


def children(buffer: Octets, node: Node) -> Iterator[Node]:
    """Read the values inside a constructed value."""
    position = node.body
    while position < node.stop:
        child = read(buffer, position, node.stop)
        yield child
        position = child.end


def octet_spans(buffer: Octets, node: Node, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Give the stretches of an OCTET STRING that may be constructed (X.690 clause 8.7.3).

    Raises:
        DerError: something other than octet strings inside.
    """
    if not node.tag & 0x20:
        yield node.body, node.stop
        return
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    for child in children(buffer, node):
        if child.tag & 0xDF != 0x04:
            raise DerError(f"not an octet string at {child.start}")
        yield from octet_spans(buffer, child, depth + 1)
