"""The journal's storage: append, feed, heads, proofs, erasure, export, and the offline checker (OPS-6)."""

from cmsdesk.backend.journal.store import Cursor, Draft, Page, append, open_body, read_page

__all__ = ["Cursor", "Draft", "Page", "append", "open_body", "read_page"]
