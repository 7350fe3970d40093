"""Virtual readers from the command line: `python -m cmsdesk.sandbox.readers COMMAND --runtime DIR`.

`run` starts a stack and holds it until interrupted; the other commands steer a running one from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cmsdesk.sandbox.card.atr import SHAPE_CARD, SHAPE_TOKEN
from cmsdesk.sandbox.card.chip import FACE_CNS, FACE_MYEID
from cmsdesk.sandbox.card.control import EmulatorError
from cmsdesk.sandbox.readers.bench import Bench, BenchError
from cmsdesk.sandbox.readers.opensc import DRIVER_CNS, DRIVER_MYEID
from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.sandbox.readers.transport import CardOrder, make_transport_card

_PIN, _PUK = "SANDBOX_TRANSPORT_PIN", "SANDBOX_TRANSPORT_PUK"


def _run(arguments: argparse.Namespace) -> None:
    with ReaderStack(arguments.runtime) as stack:
        _print_environment(stack, DRIVER_MYEID)
        print("# running until interrupted or until standard input closes", flush=True)
        while sys.stdin.read(1):
            pass


def _env(arguments: argparse.Namespace) -> None:
    _print_environment(Bench(arguments.runtime), arguments.driver)


def _print_environment(bench: Bench, driver: str) -> None:
    for name, value in bench.environment(driver).items():
        print(f"export {name}='{value}'")


def _list(arguments: argparse.Namespace) -> None:
    for it in Bench(arguments.runtime).emulator.list_readers():
        content = f"{it.card} as {it.face}" if it.card else "empty"
        print(f"{it.reader}: {content}; {it.pcsc_name or 'unplugged'}")


def _new_card(arguments: argparse.Namespace) -> None:
    missing = [name for name in (_PIN, _PUK) if not os.environ.get(name)]
    if missing:
        raise BenchError(f"set {' and '.join(missing)} (4 to 8 digits)")
    codes = os.environ[_PIN], os.environ[_PUK]
    order = CardOrder(bytes.fromhex(arguments.serial), arguments.card_id, *codes, arguments.shape)
    make_transport_card(Bench(arguments.runtime), arguments.card, order)


def _insert(arguments: argparse.Namespace) -> None:
    Bench(arguments.runtime).emulator.insert(arguments.reader, arguments.card.resolve(), arguments.face)


def _remove(arguments: argparse.Namespace) -> None:
    Bench(arguments.runtime).emulator.remove(arguments.reader)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cmsdesk.sandbox.readers", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, act: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.add_argument("--runtime", type=Path, required=True, help="directory of the stack")
        command.set_defaults(act=act)
        return command

    add("run", _run, "start a stack and hold it")
    add("list", _list, "show the readers and what is in them")
    env = add("env", _env, "print the environment for PC/SC and OpenSC clients")
    env.add_argument("--driver", choices=(DRIVER_MYEID, DRIVER_CNS), default=DRIVER_MYEID)
    card = add("new-card", _new_card, f"make a transport card; codes in {_PIN} and {_PUK}")
    card.add_argument("card", type=Path, help="card file to write")
    card.add_argument("--serial", required=True, help="chip serial, 20 hex digits")
    card.add_argument("--card-id", required=True, help="16 digits")
    card.add_argument("--shape", choices=(SHAPE_CARD, SHAPE_TOKEN), default=SHAPE_CARD)
    insert = add("insert", _insert, "put a card into a reader")
    insert.add_argument("reader")
    insert.add_argument("card", type=Path)
    insert.add_argument("--face", choices=(FACE_MYEID, FACE_CNS), default=FACE_MYEID)
    add("remove", _remove, "pull the card from a reader").add_argument("reader")
    return parser


def main() -> int:
    """Carry out one command; 1 and a line on standard error when it cannot be met."""
    arguments = _parser().parse_args()
    try:
        arguments.act(arguments)
    except (BenchError, EmulatorError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
