"""A program that watches the readers and says what it sees, a JSON line for each look.

A process of its own: the PC/SC client library reads where the service is once per process.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from pathlib import Path

from cmsdesk.cards.client import PcscReaders
from cmsdesk.operations.errors import NoReader, SmartCardServiceDown


def main() -> None:
    """Look, wait for a change, look again; end with the input."""
    with tempfile.TemporaryDirectory() as runtime, PcscReaders(Path(runtime)) as readers:
        threading.Thread(target=_end_with_input, args=(readers,), daemon=True).start()
        while True:
            print(json.dumps({"seen": _look(readers)}), flush=True)
            if not readers.wait_change(3600.0):
                return


def _look(readers: PcscReaders) -> dict[str, str | None] | str:
    try:
        return {found.name: found.atr.hex() if found.atr else None for found in readers.readers()}
    except (NoReader, SmartCardServiceDown) as error:
        return error.code


def _end_with_input(readers: PcscReaders) -> None:
    sys.stdin.read()
    readers.close()


if __name__ == "__main__":
    main()
