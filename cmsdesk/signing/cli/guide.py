"""The help of the command in the language that was asked for; argparse knows only one."""

import argparse
from collections.abc import Iterable, Sequence

from cmsdesk.signing.sentences import LANGUAGES, sentence


def asked_language(arguments: Sequence[str], default: str) -> str:
    """Return what ``--language`` says anywhere; a wrong value is told by the parser itself."""
    look = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    look.add_argument("--language", default=default)
    try:
        found = look.parse_known_args(list(arguments))[0].language
    except argparse.ArgumentError:
        return default
    return found if found in LANGUAGES else default


def translate(parser: argparse.ArgumentParser, language: str) -> None:
    """Put a parser's help, and that of its commands, into a language of the library."""
    parser.formatter_class = _formatter(language)
    parser.description = _said(parser.description, language)
    parser.epilog = _said(parser.epilog, language)
    for group in parser._action_groups:
        group.title = _said(group.title, language)
    for action in parser._actions:
        _translate_action(action, language)


def _translate_action(action: argparse.Action, language: str) -> None:
    if isinstance(action, argparse._HelpAction):
        action.help = sentence("show this help and end", language)
        return
    action.help = _said(action.help, language)
    if isinstance(action, argparse._SubParsersAction):
        for listed in action._get_subactions():
            listed.help = _said(listed.help, language)
        for command in action.choices.values():
            translate(command, language)


def _said(text: str | None, language: str) -> str | None:
    return None if text is None else sentence(text, language)


def _formatter(language: str) -> type[argparse.HelpFormatter]:
    class Formatter(argparse.HelpFormatter):
        def add_usage(
            self,
            usage: str | None,
            actions: Iterable[argparse.Action],
            groups: Iterable[argparse._MutuallyExclusiveGroup],
            prefix: str | None = None,
        ) -> None:
            said = sentence("usage: ", language) if prefix is None else prefix
            super().add_usage(usage, actions, groups, said)

    return Formatter
