"""``cmsdesk import``: the archive of earlier issues, and ANPR's table of municipalities."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.organisation import administration, command
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.archive import EarlierIssue, LineWrong, read_archive
from cmsdesk.domain.decisions.archive import MOST_AT_ONCE
from cmsdesk.domain.shapes import plain
from cmsdesk.lookups.places import TableWrong, read_anpr, save

_LINES_SHOWN = 20


class FileUnreadable(Mendable):
    """A file to import cannot be read as text."""

    code = "IMPORT-FILE"
    cause = N_("The file {file} cannot be read as UTF-8 text.")
    next_step = N_("Check the file's name, and save it as UTF-8.")


class ArchiveWrong(Mendable):
    """Lines of the archive are wrong; nothing was imported."""

    code = "IMPORT-ARCHIVE"
    cause = N_("{count} lines of the archive are wrong; nothing was imported.")
    next_step = N_("Correct the lines named above, or import the others with --skip-wrong.")


def add_commands(commands: Any, say: Texts) -> None:
    """Add the subcommands; ``commands``: argparse's subparsers, ``say``: for the help."""
    text = say(N_("import tables"))
    group = commands.add_parser("import", help=text, description=text)
    group = group.add_subparsers(title="commands", required=True)
    text = say(N_("import earlier issues, other suppliers’ included"))
    archive = command(group, "archive", text, _archive, say)
    archive.add_argument("file", type=Path, help=say(N_("table of earlier issues (CSV)")))
    text = say(N_("import the good lines all the same"))
    archive.add_argument("--skip-wrong", action="store_true", help=text)
    text = say(N_("import ANPR’s table of municipalities"))
    places = group.add_parser("municipalities", help=text, description=text)
    places.add_argument("file", type=Path, help=say(N_("ANPR’s table (CSV)")))
    places.add_argument("target", type=Path, help=say(N_("file that services and desks read it from")))
    places.set_defaults(run=_municipalities)


def _archive(options: argparse.Namespace) -> int:
    terminal = Terminal(texts(options.language))
    good: list[EarlierIssue] = []
    wrong: list[LineWrong] = []
    for found in read_archive(_lines(options.file)):
        if isinstance(found, LineWrong):
            wrong.append(found)
        else:
            good.append(found[1])
    for line in wrong[:_LINES_SHOWN]:
        problem = terminal.texts(line.problem, column=line.column, value=line.value)
        terminal.say(N_("Line {line}: {problem}."), line=line.line, problem=problem)
    if len(wrong) > _LINES_SHOWN:
        terminal.say(N_("… and {count} more lines."), count=len(wrong) - _LINES_SHOWN)
    if wrong and not options.skip_wrong:
        raise ArchiveWrong(count=len(wrong))
    body = administration(options)
    for issues in _batches(good):
        body.execute("archive.record", issues=[plain(issue) for issue in issues])
    told = N_("Earlier issues read: {count}. Those that were there already stayed as they are.")
    terminal.say(told, count=len(good))
    return 0


def _batches(issues: list[EarlierIssue]) -> Iterator[list[EarlierIssue]]:
    for start in range(0, len(issues), MOST_AT_ONCE):
        yield issues[start : start + MOST_AT_ONCE]


def _municipalities(options: argparse.Namespace) -> int:
    """Read the whole table before anything is written. Raises `TableWrong`, `FileUnreadable`."""
    places = list(read_anpr(_lines(options.file)))
    if not places:
        raise TableWrong(line=1, problem=N_("it has no lines"))
    save(places, options.target)
    told = N_("Municipalities with their history: {count}.")
    Terminal(texts(options.language)).say(told, count=len(places))
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError):
        raise FileUnreadable(file=path.name) from None
