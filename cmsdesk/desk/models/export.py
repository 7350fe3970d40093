"""A work list as a CSV file for a spreadsheet."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

from cmsdesk.sync.list_rows import ListRow
from cmsdesk.sync.work_lists import ListQuery, WorkLists

_CHUNK = 500
_PAUSE_S = 0.002
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(
    path: Path, lists: WorkLists, query: ListQuery, titles: list[str], words: Callable[[ListRow], list[str]]
) -> int:
    """Write a list; return how many rows. Nothing in it can be taken for a formula by a spreadsheet.

    Meant for a thread: the window has the processor between two chunks.
    """
    keys = lists.keys(query)
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(titles)
        for start in range(0, len(keys), _CHUNK):
            for found in lists.rows(query.list, keys[start : start + _CHUNK]):
                if found is not None:
                    writer.writerow([_safe(cell) for cell in words(found)])
                    written += 1
            time.sleep(_PAUSE_S)
    return written


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
