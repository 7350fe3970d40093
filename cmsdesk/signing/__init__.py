"""Stand-alone signing library: CAdES, PAdES, time stamps, validation, paper seal.

Imports nothing of cmsdesk outside this package. Names are loaded on first use, so that importing it costs
nothing and a worker process loads only what it needs.

Sign a folder with one PIN entry; interrupted at any point, the same lines resume it:

    from cmsdesk.signing import Box, Document, PadesProfile, Pin, Pkcs11Settings, Pkcs11Signer, SigningSession

    settings = Pkcs11Settings(module=module, token_label="firma", key_label="rsa2048")
    profile = PadesProfile(box=Box(), reason="Approvazione")
    sources = sorted(Path("atti").iterdir())
    documents = [Document(source=source, target=Path("firmati") / source.name) for source in sources]
    with SigningSession(Pkcs11Signer(settings, Pin(pin))) as session:
        for result in session.sign_many(documents, profile, log=Path("atti.log")):
            print(result.identity, result.state, result.error or result.target)

The packages: `signers`, `pkcs11` and `remote` hold keys; `cades` and `pades` make signatures; `session`
signs; `timestamps`, `validation` and `seal` speak for themselves; `cli` is the command `cmsdesk-sign`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmsdesk.signing.cades.profile import CadesProfile as CadesProfile
    from cmsdesk.signing.cades.profile import Mode as Mode
    from cmsdesk.signing.documents.model import Document as Document
    from cmsdesk.signing.documents.model import Level as Level
    from cmsdesk.signing.documents.model import Result as Result
    from cmsdesk.signing.documents.model import State as State
    from cmsdesk.signing.errors import SigningError as SigningError
    from cmsdesk.signing.pades.box import Box as Box
    from cmsdesk.signing.pades.box import ByShape as ByShape
    from cmsdesk.signing.pades.box import FreeArea as FreeArea
    from cmsdesk.signing.pades.box import Rectangle as Rectangle
    from cmsdesk.signing.pades.profile import PadesProfile as PadesProfile
    from cmsdesk.signing.pades.trust import Trust as Trust
    from cmsdesk.signing.pin import Pin as Pin
    from cmsdesk.signing.pkcs11.settings import Pkcs11Settings as Pkcs11Settings
    from cmsdesk.signing.pkcs11.signer import Pkcs11Signer as Pkcs11Signer
    from cmsdesk.signing.remote import RemoteSigner as RemoteSigner
    from cmsdesk.signing.seal import check_seal as check_seal
    from cmsdesk.signing.seal import make_seal as make_seal
    from cmsdesk.signing.session.session import SigningSession as SigningSession
    from cmsdesk.signing.signers.base import Digest as Digest
    from cmsdesk.signing.signers.base import Scheme as Scheme
    from cmsdesk.signing.signers.base import SignatureAlgorithm as SignatureAlgorithm
    from cmsdesk.signing.signers.base import Signer as Signer
    from cmsdesk.signing.signers.software import SoftwareSigner as SoftwareSigner
    from cmsdesk.signing.timestamps.base import TimeStamper as TimeStamper
    from cmsdesk.signing.timestamps.client import HttpTimeStamper as HttpTimeStamper
    from cmsdesk.signing.validation import Report as Report
    from cmsdesk.signing.validation import TrustStore as TrustStore
    from cmsdesk.signing.validation import validate as validate

# Where each public name lives; must say the same as the imports above, which only type checkers read.
_HOMES = {
    "Box": "pades.box",
    "ByShape": "pades.box",
    "CadesProfile": "cades.profile",
    "Digest": "signers.base",
    "Document": "documents.model",
    "FreeArea": "pades.box",
    "HttpTimeStamper": "timestamps.client",
    "Level": "documents.model",
    "Mode": "cades.profile",
    "PadesProfile": "pades.profile",
    "Pin": "pin",
    "Pkcs11Settings": "pkcs11.settings",
    "Pkcs11Signer": "pkcs11.signer",
    "Rectangle": "pades.box",
    "RemoteSigner": "remote",
    "Report": "validation",
    "Result": "documents.model",
    "Scheme": "signers.base",
    "SignatureAlgorithm": "signers.base",
    "Signer": "signers.base",
    "SigningError": "errors",
    "SigningSession": "session.session",
    "SoftwareSigner": "signers.software",
    "State": "documents.model",
    "TimeStamper": "timestamps.base",
    "Trust": "pades.trust",
    "TrustStore": "validation",
    "check_seal": "seal",
    "make_seal": "seal",
    "validate": "validation",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - a list of names computed from the one table above


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
