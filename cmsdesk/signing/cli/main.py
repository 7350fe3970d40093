"""Entry point of `cmsdesk-sign`."""

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module

from cmsdesk.signing.cli import exits, guide
from cmsdesk.signing.cli.output import Output
from cmsdesk.signing.errors import SigningError
from cmsdesk.signing.pkcs11.process import FROZEN_WORKER_FLAG
from cmsdesk.signing.sentences import LANGUAGES

_COMMANDS = ("sign", "timestamp", "verify", "seal")  # `seal` adds check-seal too


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="cmsdesk-sign",
        description="Sign, time-stamp, verify and seal documents.",
        epilog="Exit codes: 0 done; 1 a document failed or is not valid; 2 wrong usage; 3 PIN refused or "
        "locked; 4 signer, service or network unavailable; 130 interrupted.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="it",
        help="of help, reports and errors for people; default: it",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in _COMMANDS:
        import_module(f"cmsdesk.signing.cli.{name}").add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [FROZEN_WORKER_FLAG]:
        import_module("cmsdesk.signing.pkcs11.worker").main()
    _write_utf8()
    parser = build_parser()
    guide.translate(parser, guide.asked_language(given, default=LANGUAGES[0]))
    parsed = parser.parse_args(given)
    output = Output(json_lines=parsed.json, quiet=parsed.quiet, language=parsed.language)
    try:
        code: int = parsed.run(parsed, output)
    except SigningError as error:
        output.error(error)
        return exits.code_of(error)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    return code


def _write_utf8() -> None:
    """Write what is piped or redirected as UTF-8, on Windows too, where it would be the old code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.exit(main())
