"""Figures of the signing library, all in one run, against the key alone and against its peers.

    python -m tests.benchmarks.signing            # prints the table; ends with 1 when a figure is missed
    python -m tests.benchmarks.signing --quick    # fewer rounds: to see that everything runs

One SoftHSM token with one RSA-2048 key and one set of documents of about 100 kB serve all
contenders. Each runs in a process of its own, held to one core (two for the last but one figure);
they take turns, round by round, so that whatever else the machine does meets all of them. Documents
come from memory and go to memory, as for the peers.

"Per core" is documents per processor second, counting every process of the contender: it holds on a shared
machine too, where the clock tells mostly how busy the others are. Wall-clock rates of the same runs are
printed beside it. Turns are short, half a second, and many, and each is compared with the one of its round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.benchmarks import machine, tsa
from tests.benchmarks.signing_documents import write_documents
from tests.signing.checkers import JAVA_CLASSES, Java, java_checker, openssl_cades, pdfsig, qpdf_check
from tests.signing.hsm import LABEL, MODULE, PIN, SoftHsm, make_soft_hsm
from tests.signing.pki import Identity, Pki, make_pki

PACKAGES = ["cryptography", "asn1crypto", "pyhanko", "python-pkcs11"]
PROGRAMS = [["openssl", "version"], ["softhsm2-util", "--version"], ["java", "--version"]]
_MEASURED_S = 0.5


@dataclass(frozen=True)
class Turn:
    """What one turn took."""

    count: int
    wall_s: float
    cpu_s: float
    memory_kib: int = 0
    longest_s: float = 0.0

    @property
    def free_s(self) -> float:
        """Seconds that the turn takes on two cores with nothing else to do.

        No less than half the processor time, and no less than that of the busiest process.
        """
        return max(self.cpu_s / 2, self.longest_s)

    @property
    def per_core(self) -> float:
        """Documents per processor second."""
        return self.count / self.cpu_s

    @property
    def per_second(self) -> float:
        """Documents per second of the clock."""
        return self.count / self.wall_s


class Contender:
    """A process that signs when told."""

    def __init__(self, process: "subprocess.Popen[str]", word: str = "") -> None:
        self._process = process
        self._word = word
        self._count = 1
        self.turns: list[Turn] = []

    def sign(self, count: int, *more: str) -> Turn:
        """Sign `count` documents."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join((*self._word.split(), str(count), *more)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("a contender died")
        if answer.startswith("{"):
            told = json.loads(answer)
            return Turn(count, told["wall_s"], told["cpu_s"], told["memory_kib"], told["longest_s"])
        wall, cpu = answer.split()
        return Turn(count, float(wall), float(cpu))

    def warm_up(self, rounds: int = 3) -> None:
        """Sign until the code is warm, and find out how many documents a turn is."""
        count = 8
        for _ in range(rounds):
            taken = self.sign(count).cpu_s
            count = max(8, min(2000, int(_MEASURED_S * count / max(taken, 1e-4))))
        self._count = count

    def turn(self) -> None:
        """Take a turn."""
        self.turns.append(self.sign(self._count))


@contextmanager
def contender(environment: dict[str, str], **order: object) -> Iterator[Contender]:
    """Start a contender of `signing_contender`."""
    words = [sys.executable, "-m", "tests.benchmarks.signing_contender", json.dumps(order)]
    with _started(words, environment) as process:
        yield Contender(process)


@contextmanager
def java_peer(folder: Path, cores: list[int]) -> Iterator["subprocess.Popen[str]"]:
    """Compile and start PDFBox with Bouncy Castle."""
    source = Path(__file__).parent / "java" / "SigningPeer.java"
    subprocess.run(["javac", "-nowarn", "-cp", JAVA_CLASSES, "-d", folder, source], check=True)
    held = ["taskset", "-c", ",".join(map(str, cores))]
    words = [
        *held,
        "java",
        "-XX:+UseSerialGC",
        "-Xmx1g",
        "-cp",
        f"{folder}:{JAVA_CLASSES}",
        "SigningPeer",
        folder,
    ]
    with _started([str(word) for word in words], dict(os.environ)) as process:
        yield process


@contextmanager
def _started(words: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("a contender did not start")
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


class Bench:
    """Token, documents, and the figures found."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.pki: Pki = make_pki()
        self.identity: Identity = self.pki.signer("rsa2048")
        (folder / "hsm").mkdir()
        self.hsm: SoftHsm = make_soft_hsm(self.pki, folder / "hsm", ("rsa2048",))
        self.documents = folder / "documents"
        self.sizes = write_documents(self.documents)
        self._write_key()
        self.environment = {**os.environ, **dict(self.hsm.environment)}
        self.missed = 0
        cores = sorted(os.sched_getaffinity(0))
        self.one, self.two = cores[-1:], cores[-2:]

    def _write_key(self) -> None:
        key = self.identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (self.documents / "key.der").write_bytes(key)
        (self.documents / "certificate.der").write_bytes(self.identity.certificate)
        (self.documents / "out").mkdir()

    def order(self, kind: str, **more: object) -> dict[str, object]:
        """Describe a contender."""
        common: dict[str, object] = {
            "kind": kind,
            "folder": str(self.documents),
            "module": str(MODULE),
            "token": LABEL,
            "key": "rsa2048",
            "pin": PIN,
            "cores": self.one,
            "workers": 1,
        }
        return common | more

    def race(self, contenders: dict[str, Contender]) -> None:
        """Let contenders take turns."""
        for one in contenders.values():
            one.warm_up()
        for _ in range(self.rounds):
            for one in contenders.values():
                one.turn()

    def figure(self, name: str, value: float, least: float, unit: str = "") -> None:
        """Print a figure beside what it must reach."""
        good = value >= least
        self.missed += not good
        mark = "" if good else "   MISSED"
        print(f"  {name:<56}{value:7.2f}{unit}   at least {least:.2f}{unit}{mark}", flush=True)


def ratio(ours: Contender, theirs: Contender, what: str = "per_core") -> float:
    """Return the median over the rounds of ours against theirs."""
    pairs = zip(ours.turns, theirs.turns, strict=True)
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs)


def show(contenders: dict[str, Contender]) -> None:
    """Print the rates."""
    print(f"  {'':<36}{'per core':>12}{'wall clock':>14}")
    for name, one in contenders.items():
        per_core = statistics.median(turn.per_core for turn in one.turns)
        per_second = statistics.median(turn.per_second for turn in one.turns)
        print(f"  {name:<36}{per_core:10.0f}/s{per_second:12.0f}/s", flush=True)


def token_figures(bench: Bench) -> None:
    """CAdES and PAdES with the key on the token."""
    print("\nOne core, RSA-2048 on SoftHSM")
    with ExitStack() as stack:
        orders = {
            "raw PKCS#11 signatures": bench.order("raw"),
            "CAdES-B attached": bench.order("ours", form="cades"),
            "PAdES-B with visible box": bench.order("ours", form="pades"),
            "pyHanko PKCS11Signer, CAdES": bench.order("pyhanko", form="cades"),
            "pyHanko PKCS11Signer, PAdES with box": bench.order("pyhanko", form="pades"),
        }
        race = {n: stack.enter_context(contender(bench.environment, **o)) for n, o in orders.items()}
        bench.race(race)
        show(race)
        raw, cades, pades, their_cades, their_pades = race.values()
    bench.figure("CAdES-B against raw", ratio(cades, raw), 0.85)
    bench.figure("PAdES-B with visible box against raw", ratio(pades, raw), 0.70)
    bench.figure("CAdES-B against pyHanko", ratio(cades, their_cades), 10, " x")
    bench.figure("PAdES-B with visible box against pyHanko", ratio(pades, their_pades), 9, " x")


def two_process_figure(bench: Bench) -> None:
    """Two worker processes on two cores against one on one.

    By the clock the figure needs two cores that nobody else uses; from the processor time of each process
    follows what the same work takes when it has them.
    """
    print("\nTwo processes on two cores against one on one")
    with ExitStack() as stack:
        orders = {
            "CAdES-B, one process": bench.order("ours", form="cades"),
            "CAdES-B, two processes": bench.order("ours", form="cades", workers=2, cores=bench.two),
        }
        race = {n: stack.enter_context(contender(bench.environment, **o)) for n, o in orders.items()}
        bench.race(race)
        show(race)
        one, two = race.values()
    print(f"  by the clock of this run: {ratio(two, one, 'per_second'):.2f} x")
    pairs = zip(two.turns, one.turns, strict=True)
    gain = statistics.median((a.count / a.free_s) / b.per_core for a, b in pairs)
    bench.figure("two processes against one, on two free cores", gain, 1.8, " x")


def java_figures(bench: Bench) -> None:
    """A key in memory, against PDFBox and Bouncy Castle."""
    print("\nOne core, RSA-2048 key in memory")
    with ExitStack() as stack:
        peer = stack.enter_context(java_peer(bench.documents, bench.one))
        orders = {
            "CAdES-B attached": bench.order("ours", form="cades", software=True),
            "PAdES-B, no box": bench.order("ours", form="pades without box", software=True),
        }
        race = {n: stack.enter_context(contender(bench.environment, **o)) for n, o in orders.items()}
        race["Bouncy Castle, CAdES"] = Contender(peer, "cades")
        race["PDFBox + Bouncy Castle, PAdES, no box"] = Contender(peer, "pades")
        for name in list(race)[2:]:
            race[name].warm_up(rounds=8)  # the compiler of the virtual machine needs its time
        check_peer(bench, *list(race.values())[2:])
        bench.race(race)
        show(race)
        cades, pades, their_cades, their_pades = race.values()
    bench.figure("CAdES-B against Bouncy Castle", ratio(cades, their_cades), 1.7, " x")
    bench.figure("PAdES-B against PDFBox + Bouncy Castle", ratio(pades, their_pades), 2, " x")


def check_peer(bench: Bench, cades: Contender, pades: Contender) -> None:
    """Make sure that the peer does the same work: its products verify too."""
    message, document = bench.folder / "peer.p7m", bench.folder / "peer-signed.pdf"
    cades.sign(1, str(message))
    pades.sign(1, str(document))
    chain = bench.folder / "chain.pem"
    chain.write_bytes(bench.pki.root.pem + bench.pki.issuing.pem)
    openssl_cades(message, chain)
    if pdfsig(document).valid != 1:
        raise RuntimeError("the peer's signature is not valid")


def file_figures(bench: Bench) -> None:
    """For information: with files, and with files forced to the disk."""
    print("\nThe same into files (for information)")
    with ExitStack() as stack:
        orders = {
            "PAdES-B with box, in memory": bench.order("ours", form="pades"),
            "PAdES-B with box, files": bench.order("ours", form="pades", files=True),
            "PAdES-B with box, files, durable, log": bench.order(
                "ours", form="pades", files=True, durable=True, log=True
            ),
        }
        race = {n: stack.enter_context(contender(bench.environment, **o)) for n, o in orders.items()}
        bench.race(race)
        show(race)


def memory_figure(bench: Bench, count: int) -> None:
    """Many documents in one session, with log and files: memory of all processes."""
    print(f"\n{count} documents in one session, one PIN entry (PAdES with box, result log, files)")
    order = bench.order("ours", form="pades", files=True, log=True, cores=bench.two)
    with contender(bench.environment, **order) as one:
        step = count // 10
        seen = [one.sign(step).memory_kib / 1024 for _ in range(10)]
    print("  memory after each tenth, MiB: " + " ".join(f"{value:.1f}" for value in seen))
    grown = seen[-1] - seen[1]
    good = grown < 4
    bench.missed += not good
    print(
        f"  growth from the second tenth to the last: {grown:.1f} MiB   "
        f"less than 4{'' if good else '   MISSED'}"
    )


def check_products(bench: Bench, java: Java) -> None:
    """What was measured is what the checkers accept."""
    from cmsdesk.signing import (
        Box,
        CadesProfile,
        Document,
        PadesProfile,
        Pin,
        Pkcs11Signer,
        Rectangle,
        SigningSession,
    )

    root = bench.folder / "root.pem"
    root.write_bytes(bench.pki.root.pem)
    box = Box(place=Rectangle(page=1, x=300, y=40, width=200, height=60))
    signer = Pkcs11Signer(bench.hsm.settings(chain=bench.pki.chain), Pin(PIN))
    with SigningSession(signer) as session:
        for source in sorted(bench.documents.iterdir()):
            if source.suffix not in (".bin", ".pdf"):
                continue
            target = bench.folder / f"{source.name}.signed"
            profile = CadesProfile() if source.suffix == ".bin" else PadesProfile(box=box)
            session.sign(Document(source=source, target=target), profile)
            if source.suffix == ".bin":
                assert openssl_cades(target, root) == source.read_bytes()
                assert java.cms(target) == 1
            else:
                assert pdfsig(target).whole
                qpdf_check(target)
                assert java.pdf(target) == (1, True)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return 0 when every figure is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 1,000 documents")
    quick = parser.parse_args(arguments).quick
    print("\n".join(machine.describe(PACKAGES, PROGRAMS)))
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), 5 if quick else 20)
        print(f"documents   {bench.sizes}")
        (bench.folder / "java").mkdir()
        with java_checker(bench.folder / "java") as java:
            check_products(bench, java)
        print(
            "checked     every measured kind of product by OpenSSL, poppler, qpdf, Bouncy Castle and PDFBox"
        )
        token_figures(bench)
        two_process_figure(bench)
        java_figures(bench)
        file_figures(bench)
        memory_figure(bench, 1_000 if quick else 10_000)
    print("\nTime stamping unit (tests.benchmarks.tsa)")
    bench.missed += tsa.main(["--seconds", "2" if quick else "6"])
    print(f"\n{'every figure is reached' if not bench.missed else f'{bench.missed} missed'}")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
