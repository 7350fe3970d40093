"""One contender of the signing benchmark, in a process of its own: signs when told, and tells what it took.

Started with a JSON description; prints `ready`, then for each count read from standard input one JSON
line with wall-clock and processor seconds of itself and its workers, and its memory.
"""

import asyncio
import io
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BOX = (300, 40, 500, 100)
PAGE = 1


class Contender:
    """What is common: documents, processor time, memory."""

    def __init__(self, order: dict[str, object]) -> None:
        self.order = order
        self.folder = Path(str(order["folder"]))
        self.contents = itertools.cycle([path.read_bytes() for path in sorted(self.folder.glob("*.bin"))])
        self.documents = itertools.cycle([path.read_bytes() for path in sorted(self.folder.glob("*.pdf"))])
        self.workers: tuple[int, ...] = ()
        self.sign: Callable[[int], None] = self.choose(str(order["kind"]))

    def choose(self, kind: str) -> Callable[[int], None]:
        makers = {
            "raw": self._raw,
            "ours": self._ours,
            "pyhanko": self._pyhanko,
        }
        return makers[kind]()

    # --- the key alone ---

    def _raw(self) -> Callable[[int], None]:
        import pkcs11
        from pkcs11 import Mechanism, ObjectClass

        token = pkcs11.lib(str(self.order["module"])).get_token(token_label=self.order["token"])
        session = token.open(user_pin=self.order["pin"])
        key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.order["key"])
        info = bytes.fromhex("3031300d060960864801650304020105000420") + bytes(range(32))

        def sign(count: int) -> None:
            for _ in range(count):
                key.sign(info, mechanism=Mechanism.RSA_PKCS)

        return sign

    # --- ours ---

    def _ours(self) -> Callable[[int], None]:
        from cmsdesk.signing import (
            Box,
            CadesProfile,
            Document,
            PadesProfile,
            Pin,
            Pkcs11Settings,
            Pkcs11Signer,
            Rectangle,
            SigningSession,
            SoftwareSigner,
        )

        if self.order.get("software"):
            from cryptography.hazmat.primitives.serialization import load_der_private_key

            key = load_der_private_key((self.folder / "key.der").read_bytes(), None)
            signer = SoftwareSigner(key, (self.folder / "certificate.der").read_bytes())
        else:
            settings = Pkcs11Settings(
                module=Path(str(self.order["module"])),
                token_label=str(self.order["token"]),
                key_label=str(self.order["key"]),
                workers=int(str(self.order["workers"])),
            )
            signer = Pkcs11Signer(settings, Pin(str(self.order["pin"])))
            self.workers = signer.worker_pids
        session = SigningSession(signer, durable=bool(self.order.get("durable")))
        left, bottom, right, top = BOX
        place = Rectangle(page=PAGE, x=left, y=bottom, width=right - left, height=top - bottom)
        box = Box(place=place) if self.order["form"] == "pades" else None
        profile = CadesProfile() if self.order["form"] == "cades" else PadesProfile(box=box)
        sources = self.contents if self.order["form"] == "cades" else self.documents
        numbers = itertools.count()

        def documents(count: int) -> Iterator[Document]:
            for source in itertools.islice(sources, count):
                number = str(next(numbers))
                target = self.folder / "out" / number if self.order.get("files") else None
                yield Document(source=source, target=target, name=number)

        def sign(count: int) -> None:
            log = self.folder / f"log-{next(numbers)}" if self.order.get("log") else None
            for result in session.sign_many(documents(count), profile, log=log):
                if result.error is not None:
                    raise result.error
                if result.target is not None:
                    result.target.unlink()

        return sign

    # --- pyHanko's PKCS11Signer on the same key ---

    def _pyhanko(self) -> Callable[[int], None]:
        from pyhanko.config.pkcs11 import TokenCriteria
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
        from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session
        from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
        from pyhanko.stamp import TextStampStyle

        opened = open_pkcs11_session(
            str(self.order["module"]),
            token_criteria=TokenCriteria(label=str(self.order["token"])),
            user_pin=str(self.order["pin"]),
        )
        signer = PKCS11Signer(opened, cert_label=str(self.order["key"]), key_label=str(self.order["key"]))
        meta = PdfSignatureMetadata(field_name="Sig", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
        field = SigFieldSpec("Sig", on_page=PAGE - 1, box=BOX)
        style = TextStampStyle(stamp_text="Firmato digitalmente da\n%(signer)s\n%(ts)s")
        pdf_signer = PdfSigner(meta, signer, stamp_style=style, new_field_spec=field)

        async def cades(count: int) -> None:
            for content in itertools.islice(self.contents, count):
                made = await signer.async_sign_general_data(content, "sha256", detached=False, use_cades=True)
                made.dump()

        async def pades(count: int) -> None:
            for document in itertools.islice(self.documents, count):
                writer = IncrementalPdfFileWriter(io.BytesIO(document))
                await pdf_signer.async_sign_pdf(writer, output=io.BytesIO())

        chosen = cades if self.order["form"] == "cades" else pades
        return lambda count: asyncio.run(chosen(count))

    # --- measuring ---

    def each_cpu_s(self) -> list[float]:
        """Processor seconds of each process so far, this one first."""
        return [time.process_time(), *(_cpu_of(pid) for pid in self.workers)]

    def memory_kib(self) -> int:
        """Memory of this process and its workers that is their own."""
        return sum(_anonymous_of(pid) for pid in (os.getpid(), *self.workers))


def _cpu_of(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _anonymous_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def main() -> None:
    """Serve one benchmark."""
    order = json.loads(sys.argv[1])
    os.sched_setaffinity(0, order["cores"])
    contender = Contender(order)
    print("ready", flush=True)
    for line in sys.stdin:
        wall, before = time.perf_counter(), contender.each_cpu_s()
        contender.sign(int(line))
        used = [after - start for after, start in zip(contender.each_cpu_s(), before, strict=True)]
        told = {
            "wall_s": time.perf_counter() - wall,
            "cpu_s": sum(used),
            "longest_s": max(used),
            "memory_kib": contender.memory_kib(),
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
