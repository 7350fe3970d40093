"""The time stamping unit over HTTP, against the raw rate of the same key and against `openssl ts -reply`.

    python -m tests.benchmarks.tsa            # prints a table; ends with 1 when a figure is missed

One SoftHSM token with one RSA-2048 key serves all measures of a run. The unit runs under uvicorn in a process
of its own, its key in another; the load comes from a third over connections that are kept alive.

What counts is per processor second of the unit's two processes, which holds on a shared machine too; unit and
raw key take turns, and the figure is the median over the pairs. Rates by the clock are printed beside it.
"""

import argparse
import hashlib
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps import requests
from tests.benchmarks import machine
from tests.signing import pki
from tests.signing.hsm import PIN, SoftHsm, make_soft_hsm

RAW_SHARE = 0.70
OPENSSL_TIMES = 8.0
_ROUNDS = 6
POLICY = "0.4.0.2023.1.1"
LABEL = "tsa"

_RAW = """
import sys, time, pkcs11
from pkcs11 import Mechanism, ObjectClass
token = pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2])
with token.open(user_pin=sys.argv[3]) as session:
    key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=sys.argv[4])
    info = bytes.fromhex("3031300d060960864801650304020105000420") + bytes(32)
    for _ in range(50):
        key.sign(info, mechanism=Mechanism.RSA_PKCS)
    used, started, count, seconds = time.process_time(), time.perf_counter(), 0, float(sys.argv[5])
    while time.perf_counter() - started < seconds:
        key.sign(info, mechanism=Mechanism.RSA_PKCS)
        count += 1
    print(count, time.perf_counter() - started, time.process_time() - used)
"""

_SERVER = """
import sys
from pathlib import Path
import uvicorn
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.pkcs11.settings import Pkcs11Settings
from cmsdesk.signing.pkcs11.signer import Pkcs11Signer
from cmsdesk.signing.timestamps.tsa import FileSerials, Guarded, StepGuard
from cmsdesk.signing.timestamps.tsa import TimestampAuthority, UnitSettings, make_app

module, label, pin, key, folder, port, policy = sys.argv[1:]
lock = Path(folder, "lock")
settings = Pkcs11Settings(module=Path(module), token_label=label, key_label=key, lock_path=lock)
signer = Pkcs11Signer(settings, Pin(pin))
serials = FileSerials(Path(folder, "serials.json"), create=True)
unit = TimestampAuthority(signer, serials, Guarded([StepGuard()]), UnitSettings(policy))
uvicorn.run(make_app(unit), host="127.0.0.1", port=int(port), log_level="error", access_log=False)
"""


@dataclass(frozen=True)
class Slice:
    """What one short turn did."""

    count: int
    wall_s: float
    cpu_s: float

    @property
    def per_second(self) -> float:
        """By the clock."""
        return self.count / self.wall_s

    @property
    def per_core(self) -> float:
        """Per processor second of all its processes."""
        return self.count / self.cpu_s


def raw_slice(hsm: SoftHsm, seconds: float) -> Slice:
    """Signatures of the key alone."""
    words = [sys.executable, "-c", _RAW, "/usr/lib/softhsm/libsofthsm2.so", "firma", PIN, LABEL, str(seconds)]
    done = subprocess.run(words, env=_environment(hsm), capture_output=True, text=True, check=True)
    count, wall, cpu = done.stdout.split()
    return Slice(int(count), float(wall), float(cpu))


@contextmanager
def served(hsm: SoftHsm, folder: Path) -> Iterator[tuple[int, int]]:
    """Run the unit; gives its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    module = "/usr/lib/softhsm/libsofthsm2.so"
    words = [sys.executable, "-c", _SERVER, module, "firma", PIN, LABEL, str(folder), str(port), POLICY]
    with subprocess.Popen(words, env=_environment(hsm)) as process:
        try:
            _wait(port)
            yield port, process.pid
        finally:
            process.terminate()


def _environment(hsm: SoftHsm) -> dict[str, str]:
    return {**os.environ, **dict(hsm.environment)}


def _wait(port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the unit did not start")


def _query(number: int) -> bytes:
    body = requests.encode(
        hashlib.sha256(str(number).encode()).digest(), Digest.SHA256, nonce=(1 << 62) + number
    )
    head = f"POST / HTTP/1.1\r\nHost: tsa\r\nContent-Type: {requests.QUERY_TYPE}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection:
    """One kept-alive connection with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def take(self) -> bytes | None:
        """Read what is there; return the body once it is whole."""
        self._buffer += self.socket.recv(65_536)
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self._buffer = b""
        return body


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children so far."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text("ascii").split()[0]) / 1e9
        total += sum(_cpu_s(int(child)) for child in (task / "children").read_text("ascii").split())
    return total


def http_slice(port: int, pid: int, connections: int, seconds: float) -> Slice:
    """Time stamps over HTTP; every answer's status is looked at."""
    selector = selectors.DefaultSelector()
    sent = 0
    for _ in range(connections):
        connection = _Connection(port)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.socket.sendall(_query(sent))
        sent += 1
    used, started, granted = _cpu_s(pid), time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for ready, _ in selector.select(1):
            body = ready.data.take()
            if body is None:
                continue
            if body[:9].find(b"\x30\x03\x02\x01\x00") < 0:
                raise AssertionError("refused")
            granted += 1
            ready.data.socket.sendall(_query(sent))
            sent += 1
    done = Slice(granted, time.perf_counter() - started, _cpu_s(pid) - used)
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    return done


def openssl_rate(identity: pki.Identity, folder: Path, count: int) -> float:
    """Replies a second of `openssl ts -reply`, a process for each, with a key of the same size in a file."""
    private = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(identity.pem)
    (folder / "serial").write_text("01")
    (folder / "query.tsq").write_bytes(requests.encode(bytes(32), Digest.SHA256, nonce=1))
    (folder / "ts.cnf").write_text(
        "[tsa]\ndefault_tsa=unit\n[unit]\nserial=serial\nsigner_cert=cert.pem\nsigner_key=key.pem\n"
        f"signer_digest=sha256\ndefault_policy={POLICY}\ndigests=sha256\naccuracy=secs:1\n"
    )
    words = ["openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"]
    started = time.perf_counter()
    for _ in range(count):
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return count / (time.perf_counter() - started)


def check_by_openssl(port: int, folder: Path) -> None:
    """One answer of the unit that was measured, verified by OpenSSL."""
    connection = _Connection(port)
    connection.socket.sendall(_query(7))
    reply = None
    while reply is None:
        reply = connection.take()
    connection.socket.close()
    world = pki.make_pki()
    (folder / "reply.tsr").write_bytes(reply)
    (folder / "root.pem").write_bytes(world.root.pem)
    (folder / "chain.pem").write_bytes(world.tsa().pem + world.issuing.pem)
    words = ["openssl", "ts", "-verify", "-in", "reply.tsr", "-digest", hashlib.sha256(b"7").hexdigest()]
    words += ["-CAfile", "root.pem", "-untrusted", "chain.pem"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0 when both figures are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    seconds = parser.parse_args(arguments).seconds
    lines = machine.describe(["uvicorn", "httptools", "uvloop", "python-pkcs11"], [["openssl", "version"]])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = pki.make_pki()
        hsm = make_soft_hsm(world, folder, ())
        hsm.add(LABEL, 77, world.tsa())
        raws: list[Slice] = []
        stamps: dict[int, list[Slice]] = {count: [] for count in (1, 4, 16, 64)}
        with served(hsm, folder) as (port, pid):
            check_by_openssl(port, folder)
            http_slice(port, pid, 4, 1)  # until the code is warm
            for _ in range(_ROUNDS):
                raws.append(raw_slice(hsm, seconds / _ROUNDS))
                for count, found in stamps.items():
                    found.append(http_slice(port, pid, count, seconds / _ROUNDS))
        openssl = openssl_rate(world.tsa(), folder, 60)
    print("\n".join(lines))
    print(f"\n{'':<44}{'per core':>10}{'wall clock':>14}")
    _show("raw RSA-2048 signatures of the token", raws)
    for count, found in stamps.items():
        _show(f"time stamps over HTTP, {count:2d} connections", found)
    print(f"{'openssl ts -reply':<44}{'':>12}{openssl:10.0f} /s")
    shares = {
        count: statistics.median(a.per_core / b.per_core for a, b in zip(found, raws, strict=True))
        for count, found in stamps.items()
    }
    share = max(shares.values())
    times = max(statistics.median(s.per_second for s in found) for found in stamps.values()) / openssl
    print(f"\nagainst raw, per core  {share:5.2f}   at least {RAW_SHARE:.2f}")
    print(f"against openssl        {times:5.1f}   at least {OPENSSL_TIMES:.0f}")
    return 0 if share >= RAW_SHARE and times >= OPENSSL_TIMES else 1


def _show(name: str, slices: list[Slice]) -> None:
    per_core = statistics.median(one.per_core for one in slices)
    per_second = statistics.median(one.per_second for one in slices)
    print(f"{name:<44}{per_core:7.0f} /s{per_second:11.0f} /s")


if __name__ == "__main__":
    sys.exit(main())
