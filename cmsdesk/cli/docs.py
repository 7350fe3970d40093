"""``cmsdesk docs``: the program's tables as documentation."""

from __future__ import annotations

import argparse
from typing import Any

from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.domain.documentation import permissions_markdown, transitions_markdown

_PAGES = {"permissions": permissions_markdown, "states": transitions_markdown}


def add_commands(commands: Any, say: Texts) -> None:
    """Add the subcommand; ``commands``: argparse's subparsers, ``say``: for the help."""
    text = say(N_("print the tables of permissions and states as Markdown"))
    docs = commands.add_parser("docs", help=text, description=text)
    docs.add_argument("page", choices=[*_PAGES, "all"], nargs="?", default="all")
    docs.set_defaults(run=_docs)


def _docs(options: argparse.Namespace) -> int:
    pages = _PAGES.values() if options.page == "all" else [_PAGES[options.page]]
    print("\n".join(page(texts(options.language)) for page in pages), end="")
    return 0
