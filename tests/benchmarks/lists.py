"""Work lists of a long life: ``python -m tests.benchmarks.lists [--sizes 200000 1000000] [--queries 200]``.

The desk's encrypted file is filled to each size in turn. Measured is what a screen does at a key press:
the first keys of a query and the first page of rows. Queries are combinations of operator, office,
period and state, and typed pieces of names, codici fiscali, serials and codes. QSqlTableModel gets the
same file without its encryption (Qt's driver reads none) and the same conditions, as it is used: a
filter, an order, `select`, and the first page read.

Goals: p99 under 50 ms by operator, office, period and state, growing less than 1.5 times from 1 M to
5 M (here: from the first to the last size); first rows within 100 ms (p99). By the clock and by the
thread's own processor time: on a shared machine the second says what the program needs.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtSql import QSqlDatabase, QSqlTableModel

from cmsdesk.sync.list_rows import WorkList, table_of
from cmsdesk.sync.work_lists import FIRST, PAGE, ListQuery, WorkLists
from tests.benchmarks.list_file import (
    DAYS,
    FIRST_DAY,
    NAMES,
    OFFICES,
    OPERATORS,
    STATES,
    SURNAMES,
    fill,
    open_file,
)
from tests.benchmarks.machine import describe

GOAL_MS, GROWTH, FIRST_ROWS_MS = 50.0, 1.5, 100.0
Took = tuple[float, float]
"""By the clock and of the processor, seconds."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--filters-only", action="store_true", help="no typed texts, no QSqlTableModel")
    parser.add_argument("--folder", type=Path, help="where filled files are kept, and those there are used")
    options = parser.parse_args()
    print("\n".join(describe(["sqlcipher3", "PySide6-Essentials"])), flush=True)
    application = QCoreApplication([])
    found = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = (options.folder or Path(folder)) / f"{size}{'-filters' * options.filters_only}.db"
            if not path.exists():
                filled(path, size, texts=not options.filters_only)
            found.append(filters_at(path, size, options.queries))
            if not options.filters_only:
                texts_at(path, Path(folder) / "plain.db", size, found[-1])
    for name, place in (("clock", 0), ("processor", 1)):
        growth = p99(found[-1], place) / p99(found[0], place)
        sizes = f"{options.sizes[0]:,} to {options.sizes[-1]:,}"
        print(f"growth of the filters' p99 from {sizes}, {name}: {growth:.2f} (goal {GROWTH})")
    application.quit()


def filled(path: Path, size: int, *, texts: bool) -> None:
    """Make a desk's file of so many rows; it has its name when it is whole."""
    began, unfinished = time.process_time(), path.with_suffix(".unfinished")
    writing = open_file(unfinished)
    fill(writing, size, texts=texts)
    writing.close()
    unfinished.rename(path)
    print(f"{size:,} rows: filled in {time.process_time() - began:.0f} s of the processor", flush=True)


def filters_at(path: Path, size: int, number: int) -> list[Took]:
    """Print one size's figures; return how long each filtered query took."""
    database = open_file(path)
    lists = WorkLists(database)
    found = [first_rows(lists, query) for query in filters(number)]
    say(f"{size:,} rows, operator, office, period, state", found, GOAL_MS)
    database.close()
    return found


def texts_at(path: Path, plain: Path, size: int, ours: Sequence[Took]) -> None:
    """Print one size's figures of typed texts, and those of QSqlTableModel with the filters."""
    database = open_file(path)
    lists = WorkLists(database)
    typed = [first_rows(lists, query) for query in searches(len(ours))]
    say(f"{size:,} rows, typed texts", typed, FIRST_ROWS_MS)
    mixed = [first_rows(lists, query) for query in combinations(len(ours))]
    say(f"{size:,} rows, typed texts with filters", mixed, FIRST_ROWS_MS)
    database.execute("ATTACH DATABASE ? AS plain KEY ''", (str(plain),))
    database.execute("SELECT sqlcipher_export('plain')")
    database.close()
    with_qt(plain, size, {"filters": ours, "typed texts": typed, "both": mixed}, len(ours))


def with_qt(plain: Path, size: int, ours: Mapping[str, Sequence[Took]], number: int) -> None:
    connection = QSqlDatabase.addDatabase("QSQLITE", "peer")
    connection.setDatabaseName(str(plain))
    assert connection.open()
    model = QSqlTableModel(None, connection)
    model.setTable(table_of(WorkList.REQUESTS))
    model.setSort(0, Qt.SortOrder.DescendingOrder)
    questions = {"filters": filters(number), "typed texts": searches(number), "both": combinations(number)}
    for kind, queries in questions.items():
        theirs = [measured(partial(show_in_qt, model, query)) for query in queries[: number // 4]]
        say(f"{size:,} rows, QSqlTableModel on the same file without encryption, {kind}", theirs, 0)
        for name, place in (("clock", 0), ("processor", 1)):
            ratio = p99(theirs, place) / p99(ours[kind], place)
            print(f"{size:,} rows, p99 of QSqlTableModel over ours, {kind}, {name}: {ratio:.1f}")
    model.clear()
    del model
    connection.close()
    del connection
    QSqlDatabase.removeDatabase("peer")


def first_rows(lists: WorkLists, query: ListQuery) -> Took:
    """Return how long a key press takes to the first page of rows."""
    return measured(lambda: lists.rows(query.list, lists.keys(query, FIRST)[:PAGE]))


def show_in_qt(model: QSqlTableModel, query: ListQuery) -> None:
    parts = [
        f"{name} = '{value}'"
        for name, values in (
            ("operator", query.operators),
            ("office", query.offices),
            ("state", query.states),
        )
        for value in values
    ]
    if query.created_from is not None and query.created_before is not None:
        start, end = query.created_from.isoformat(), query.created_before.isoformat()
        parts.append(f"created_at >= '{start}' AND created_at < '{end}'")
    parts += [
        "("
        + " OR ".join(f"{name} LIKE '%{word}%'" for name in ("name", "fiscal_code", "serial", "code"))
        + ")"
        for word in query.contains.split()
    ]
    model.setFilter(" AND ".join(parts))
    assert model.select()
    for row in range(min(PAGE, model.rowCount())):
        for column in range(model.columnCount()):
            model.data(model.index(row, column))


def filters(number: int) -> list[ListQuery]:
    """Return combinations of operator, office, period and state; each has at least one of them."""
    chance, made = random.Random(11), []
    while len(made) < number:
        start = FIRST_DAY + timedelta(days=chance.randrange(DAYS - 60))
        period = chance.random() < 0.5
        query = ListQuery(
            WorkList.REQUESTS,
            operators=frozenset({chance.choice(OPERATORS)} if chance.random() < 0.5 else ()),
            offices=frozenset({chance.choice(OFFICES)} if chance.random() < 0.5 else ()),
            states=frozenset({chance.choice(STATES)} if chance.random() < 0.5 else ()),
            created_from=start if period else None,
            created_before=start + timedelta(days=chance.choice((1, 7, 31))) if period else None,
        )
        if query != ListQuery(WorkList.REQUESTS):
            made.append(query)
    return made


def searches(number: int) -> list[ListQuery]:
    """Return what a person types, letter by letter: a name, a codice fiscale, a serial, a code."""
    chance, made = random.Random(13), []
    while len(made) < number:
        surname, name = chance.choice(SURNAMES), chance.choice(NAMES)
        whole = chance.choice(
            (
                f"{surname} {name}",
                f"{surname[:3]}{name[:3]}{chance.randrange(200_000):06}",
                f"7430{chance.randrange(200_000):012}",
                f"R-2023-{chance.randrange(20_000):07}",
                f"{name} {surname}",
            )
        )
        typed = whole[: chance.randint(1, len(whole))]
        if chance.random() < 0.1:
            typed = f"{chance.randrange(200_000):06}"[-chance.randint(3, 6) :]  # a number's last digits
        made.append(ListQuery(WorkList.REQUESTS, contains=typed))
    return made


def combinations(number: int) -> list[ListQuery]:
    """Return what a person types while filters are set."""
    pairs = zip(filters(number), searches(number), strict=True)
    return [replace(filtered, contains=typed.contains) for filtered, typed in pairs]


def measured(work: Callable[[], object]) -> Took:
    began, worked = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - began, time.thread_time() - worked


def p99(took: Sequence[Took], place: int) -> float:
    return statistics.quantiles([one[place] for one in took], n=100, method="inclusive")[-1]


def say(what: str, took: Sequence[Took], goal: float) -> None:
    """Print median and p99."""
    parts = []
    for name, place in (("clock", 0), ("processor", 1)):
        middle = statistics.median(one[place] for one in took) * 1e3
        parts.append(f"{name} median {middle:.1f} ms, p99 {p99(took, place) * 1e3:.1f} ms")
    print(f"{what}: {'; '.join(parts)}" + (f" (goal p99 {goal:.0f})" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
