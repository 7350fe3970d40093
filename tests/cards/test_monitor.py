"""The reader monitor on a real PC/SC service of its own: cards, readers and the service come and go."""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmsdesk.sandbox.readers.stack import ReaderStack
from cmsdesk.sandbox.readers.transport import make_transport_card, random_order
from tests.cards.bench import OTHER_READER, READER

SERVICE_DOWN, NO_READER = "CARD-SERVICE", "CARD-NO-READER"


class Watcher:
    """The watching process; `until` waits for a look that satisfies."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cards.watch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )
        self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def until(self, wanted: Any, seconds: float = 60) -> None:
        """Wait until the latest look is ``wanted``, or ``wanted(look)`` holds."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if wanted(seen) if callable(wanted) else seen == wanted:
                return

    def close(self) -> int:
        """End it; return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(60)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self._lines.put(json.loads(line)["seen"])


@pytest.fixture
def own_stack() -> Iterator[ReaderStack]:
    """A stack that these tests may stop."""
    runtime = Path(tempfile.mkdtemp(prefix="monitor-"))
    with ReaderStack(runtime) as running:
        yield running
    shutil.rmtree(runtime)


@pytest.fixture
def watcher(own_stack: ReaderStack) -> Iterator[Watcher]:
    watching = Watcher(own_stack.environment())
    yield watching
    if watching.process.poll() is None:
        assert watching.close() == 0


def _card(stack: ReaderStack) -> Path:
    path = stack.runtime / "watched.card"
    make_transport_card(stack, path, random_order())
    return path


def test_sees_cards_readers_and_the_service_come_and_go(own_stack: ReaderStack, watcher: Watcher) -> None:
    card = _card(own_stack)
    first, second = own_stack.pcsc_name(READER), own_stack.pcsc_name(OTHER_READER)
    watcher.until(lambda seen: seen[first] is None and seen[second] is None)
    own_stack.emulator.insert(READER, card)
    watcher.until(lambda seen: seen[first] is not None and seen[second] is None)
    own_stack.emulator.remove(READER)
    watcher.until(lambda seen: seen[first] is None)
    own_stack.emulator.insert(OTHER_READER, card)
    watcher.until(lambda seen: seen[second] is not None)

    own_stack.stop_service()
    watcher.until(SERVICE_DOWN)
    own_stack.start_service()
    watcher.until(lambda seen: isinstance(seen, dict) and seen[second] is not None)
    own_stack.emulator.remove(OTHER_READER)
    watcher.until(lambda seen: seen[second] is None)


def test_quick_swap_is_not_missed(own_stack: ReaderStack, watcher: Watcher) -> None:
    card = _card(own_stack)
    name = own_stack.pcsc_name(READER)
    own_stack.emulator.insert(READER, card)
    watcher.until(lambda seen: seen[name] is not None)
    own_stack.emulator.remove(READER)
    own_stack.emulator.insert(READER, card)
    watcher.until(lambda seen: seen[name] is not None)


def test_no_service_is_said_and_its_coming_noticed(own_stack: ReaderStack) -> None:
    own_stack.stop_service()
    watching = Watcher(own_stack.environment())
    watching.until(SERVICE_DOWN)
    own_stack.start_service()
    watching.until(lambda seen: isinstance(seen, dict))
    assert watching.close() == 0


def test_waiting_ends_when_asked(watcher: Watcher) -> None:
    watcher.until(lambda seen: isinstance(seen, dict))
    started = time.monotonic()
    assert watcher.close() == 0
    assert time.monotonic() - started < 30


def test_no_reader_at_all_is_said(service_without_readers: dict[str, str]) -> None:
    watching = Watcher(service_without_readers)
    watching.until(NO_READER)
    assert watching.close() == 0


# pcscd takes its listening socket as descriptor 3 of a process that knows itself by LISTEN_PID.
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("pcscd", ["pcscd", "--foreground", "--error", "--config", sys.argv[2]])
"""


@pytest.fixture
def service_without_readers() -> Iterator[dict[str, str]]:
    """A PC/SC service with no reader configured and none to find; the environment to reach it."""
    runtime = Path(tempfile.mkdtemp(prefix="monitor-"))
    (runtime / "conf").mkdir()
    path = runtime / "pcscd.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        service = subprocess.Popen(
            [sys.executable, "-c", _START, str(listening.fileno()), str(runtime / "conf")],
            pass_fds=(listening.fileno(),),
            stdout=subprocess.DEVNULL,
            env={
                **os.environ,
                "PATH": f"{os.environ['PATH']}:/usr/sbin",
                "PCSCLITE_HP_DROPDIR": str(runtime / "conf"),
            },
        )
    yield {"PCSCLITE_CSOCK_NAME": str(path)}
    service.terminate()
    service.wait(60)
    shutil.rmtree(runtime)
