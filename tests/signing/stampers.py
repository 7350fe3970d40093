"""A time stamp source for tests: pyHanko makes the tokens, so that ours are judged by another hand."""

import asyncio
import threading

from asn1crypto import x509
from pyhanko.keys.internal import translate_pyca_cryptography_key_to_asn1
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from cmsdesk.signing.errors import TimestampError
from cmsdesk.signing.signers.base import Digest
from tests.signing.pki import Pki


class LocalStamper:
    """Stamps with the test TSA's key.

    Attributes:
        asked: how many tokens were asked for.
        fail_from: from which token on the service is out of order.
    """

    def __init__(self, pki: Pki) -> None:
        tsa = pki.tsa()
        store = SimpleCertificateStore()
        store.register(x509.Certificate.load(pki.issuing.certificate))
        self._inner = DummyTimeStamper(
            x509.Certificate.load(tsa.certificate),
            translate_pyca_cryptography_key_to_asn1(tsa.key),
            certs_to_embed=store,
        )
        self._lock = threading.Lock()
        self.asked = 0
        self.fail_from: int | None = None

    def token(self, digest: bytes, algorithm: Digest) -> bytes:
        with self._lock:
            self.asked += 1
            if self.fail_from is not None and self.asked >= self.fail_from:
                raise TimestampError("The time stamp service is out of order.", "Try later.")
        token: bytes = asyncio.run(self._inner.async_timestamp(digest, algorithm.value)).dump()
        return token
