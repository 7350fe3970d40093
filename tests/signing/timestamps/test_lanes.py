"""The unit under load, and when its key fails."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from cmsdesk.signing.errors import SignerLost, SigningError
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.tokens import check_token
from cmsdesk.signing.timestamps.tsa.lanes import Lanes, Overloaded
from tests.signing import pki
from tests.signing.timestamps.unit import make_unit

QUERY = requests.encode(bytes(32), Digest.SHA256, nonce=1)


class Watched(SoftwareSigner):
    """Notes how many digests come at once, and can be held up or spoiled."""

    def __init__(self) -> None:
        tsa = pki.make_pki().tsa()
        super().__init__(tsa.key, tsa.certificate)
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.spoil: SigningError | None = None
        self.short = False

    def sign(self, digests: Sequence[bytes]) -> list[bytes]:
        self.gate.wait(10)
        self.batches.append(len(digests))
        if self.spoil is not None:
            raise self.spoil
        return super().sign(digests[1:] if self.short else digests)


def test_what_waits_goes_to_the_key_together() -> None:
    signer = Watched()

    async def load() -> list[bytes]:
        lanes = Lanes(signer, batch=8, aim_s=60)
        signer.gate.clear()
        pending = [asyncio.create_task(lanes.sign(bytes(31) + bytes((n,)))) for n in range(20)]
        await asyncio.sleep(0.05)
        signer.gate.set()
        values = await asyncio.gather(*pending)
        await lanes.close()
        return values

    values = asyncio.run(load())
    assert values == SoftwareSigner.sign(signer, [bytes(31) + bytes((n,)) for n in range(20)])
    assert sum(signer.batches) == 20
    assert max(signer.batches) == 8


def test_a_slow_key_gets_no_more_than_it_does_in_time() -> None:
    signer = Watched()

    async def load() -> None:
        lanes = Lanes(signer, aim_s=0)
        await asyncio.gather(*(lanes.sign(bytes(31) + bytes((n,))) for n in range(5)))
        await lanes.close()

    asyncio.run(load())
    assert signer.batches == [1] * 5


def test_too_many_are_turned_away() -> None:
    signer = Watched()

    async def load() -> None:
        lanes = Lanes(signer, waiting_limit=4)
        signer.gate.clear()
        pending = [asyncio.create_task(lanes.sign(bytes(32))) for _ in range(5)]
        await asyncio.sleep(0.05)
        pending += [asyncio.create_task(lanes.sign(bytes(32))) for _ in range(6)]
        await asyncio.sleep(0.05)
        signer.gate.set()
        outcomes = await asyncio.gather(*pending, return_exceptions=True)
        assert sum(isinstance(one, Overloaded) for one in outcomes) > 0
        assert sum(isinstance(one, bytes) for one in outcomes) >= 5
        await lanes.close()

    asyncio.run(load())


@pytest.mark.parametrize("short", [False, True])
def test_a_key_that_fails_is_a_refusal_and_the_unit_goes_on(tmp_path: Path, short: bool) -> None:
    unit = make_unit(tmp_path)
    signer = Watched()
    unit.authority.signer = signer

    async def ask() -> requests.StampResponse:
        return requests.decode_response(await unit.authority.answer_async(QUERY))

    async def story() -> None:
        signer.short = short
        signer.spoil = None if short else SignerLost("The HSM is gone.", "Start it.")
        refused = await ask()
        assert (refused.status, refused.failures) == (2, (25,))
        assert "HSM" not in " ".join(refused.texts)
        signer.short, signer.spoil = False, None
        assert check_token((await ask()).token).nonce == 1
        await unit.authority.close()

    asyncio.run(story())


def test_a_client_that_leaves_does_not_hold_up_the_others() -> None:
    signer = Watched()

    async def load() -> None:
        lanes = Lanes(signer)
        signer.gate.clear()
        leaving = asyncio.create_task(lanes.sign(bytes(32)))
        staying = asyncio.create_task(lanes.sign(bytes(32)))
        await asyncio.sleep(0.02)
        leaving.cancel()
        signer.gate.set()
        assert await staying
        await lanes.close()

    asyncio.run(load())
