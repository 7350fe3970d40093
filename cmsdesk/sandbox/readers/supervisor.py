"""The process that holds a private PC/SC stack together; run by `stack.ReaderStack`, never by hand.

It enters a network namespace of its own (vpcd listens on all addresses), starts pcscd on a socket of its
own and the card emulator, and serves requests (JSON lines: start, stop or kill one of the two) on standard
input. It ends, with all it started, when standard input closes or its parent dies; the two die with it.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x41
_STOP_S = 5.0
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
_HAND_OVER_SOCKET = 'exec 3<&"$0"; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'


def enter_network_namespace() -> None:
    """A network of its own with only loopback, also for an ordinary user (by a user namespace)."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        if libc.unshare(_CLONE_NEWNET | _CLONE_NEWUSER):
            raise OSError(ctypes.get_errno(), "no network namespace of its own to be had")
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", "ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


class Service:
    """A child process that can be stopped, killed and started again; `address` is its unix socket."""

    def __init__(self, spawn: Callable[[], subprocess.Popen[bytes]], address: Path) -> None:
        self._spawn = spawn
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start it unless it runs; its process id."""
        if self._process is None or self._process.poll() is not None:
            self._address.unlink(missing_ok=True)
            self._process = self._spawn()
        return self._process.pid

    def end(self, how: signal.Signals) -> None:
        """Signal it and wait for its end; killed when it does not obey."""
        process, self._process = self._process, None
        # first the door, so that no client queues before one who will not open
        self._address.unlink(missing_ok=True)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _spawn_pcscd(arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """Start pcscd on a listening socket handed over as descriptor 3 (its own path is fixed at build time)."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(arguments.pcsc))
        listening.listen(64)
        handover = ["/bin/sh", "-c", _HAND_OVER_SOCKET, str(listening.fileno())]
        server = [arguments.pcscd, "--foreground", "--critical", "--config", str(arguments.config)]
        process = _spawn(
            [*_DIE_WITH_PARENT, *handover, *server], arguments.logs / "pcscd.log", (listening.fileno(),)
        )
    arguments.pcscd_pid.write_text(str(process.pid), "ascii")
    return process


def _spawn_emulator(arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    command = [*_DIE_WITH_PARENT, sys.executable, "-m", "cmsdesk.sandbox.card.emulator"]
    command += ["--control", str(arguments.control), "--ports", arguments.ports]
    command += ["--pcscd-pid", str(arguments.pcscd_pid)]
    if arguments.no_fsync:
        command.append("--no-fsync")
    return _spawn(command, arguments.logs / "emulator.log", (), {"PCSCLITE_CSOCK_NAME": str(arguments.pcsc)})


def _spawn(
    command: list[str], log_path: Path, keep: tuple[int, ...], more: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, **(more or {})},
            pass_fds=keep,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _serve(services: dict[str, Service], parent: int) -> None:
    """Carry out requests until standard input closes or the process behind `parent` ends."""
    door = sys.stdin.fileno()
    pending = b""
    while True:
        ready, _, _ = select.select([door, parent], [], [])
        received = os.read(door, 4096) if door in ready else b""
        if not received:
            return
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            _tell(_carry_out(services, json.loads(line)))


def _carry_out(services: dict[str, Service], request: dict[str, Any]) -> dict[str, Any]:
    service = services[request["service"]]
    if request["do"] == "start":
        return {"pid": service.start()}
    service.end(signal.SIGKILL if request["do"] == "kill" else signal.SIGTERM)
    return {"pid": 0}


def _tell(what: dict[str, Any]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(what).encode() + b"\n")


def main() -> None:
    """Start both services, then serve until the owner is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pcscd", required=True, help="the pcscd program")
    parser.add_argument("--config", type=Path, required=True, help="folder of reader definitions")
    parser.add_argument("--pcsc", type=Path, required=True, help="unix socket of pcscd")
    parser.add_argument("--pcscd-pid", type=Path, required=True, help="file for pcscd's process id")
    parser.add_argument("--control", type=Path, required=True, help="unix socket of the emulator")
    parser.add_argument("--ports", required=True, help="JSON: reader name to port")
    parser.add_argument("--logs", type=Path, required=True, help="folder for the output of both")
    parser.add_argument("--no-fsync", action="store_true")
    arguments = parser.parse_args()
    parent = os.pidfd_open(os.getppid())
    enter_network_namespace()
    pcscd = Service(lambda: _spawn_pcscd(arguments), arguments.pcsc)
    emulator = Service(lambda: _spawn_emulator(arguments), arguments.control)
    # Ctrl-C is the owner's business, who then closes our standard input; a plain kill ends us tidily
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _tell({"pcscd": pcscd.start(), "emulator": emulator.start()})
        _serve({"pcscd": pcscd, "emulator": emulator}, parent)
    finally:
        emulator.end(signal.SIGKILL)
        pcscd.end(signal.SIGTERM)


if __name__ == "__main__":
    main()
