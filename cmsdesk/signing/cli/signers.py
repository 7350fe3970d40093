"""Options that choose the signer: a PKCS#11 token, a remote service, or a key file."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from cmsdesk.signing.cli.secrets import add_secret_arguments, read_secret
from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.remote import cli as remote
from cmsdesk.signing.signers.base import Digest, Signer


def add_signer_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of all kinds of signers."""
    token = parser.add_argument_group("card, token or HSM")
    token.add_argument("--module", type=Path, help="PKCS#11 library")
    token.add_argument("--token", metavar="LABEL", help="label of the token, when several are present")
    token.add_argument("--token-serial", metavar="NUMBER", help="serial number of the token")
    token.add_argument("--key", metavar="LABEL", help="label of the key, when several can sign")
    token.add_argument("--key-id", metavar="HEX", help="identifier of the key")
    token.add_argument("--workers", type=int, default=1, metavar="N", help="processes (for an HSM)")
    token.add_argument("--allow-final-try", action="store_true", help="use the PIN's last try")
    token.add_argument("--pin-pad", action="store_true", help="enter the PIN on the reader")
    add_secret_arguments(parser, "pin")
    common = parser.add_argument_group("certificate")
    common.add_argument("--certificate", type=Path, help="signing certificate, when the token holds none")
    common.add_argument(
        "--chain", type=Path, action="append", default=[], help="issuers to embed (repeatable)"
    )
    common.add_argument("--digest", choices=[digest.value for digest in Digest], help="digest algorithm")
    common.add_argument("--pss", action="store_true", help="sign with RSA-PSS")
    software = parser.add_argument_group("key file (for tests, not for qualified signatures)")
    software.add_argument("--key-file", type=Path, help="private key, PEM; its password is asked like a PIN")
    remote.add_arguments(parser)


def open_signer(args: argparse.Namespace) -> Signer:
    """Open the signer that the options choose.

    Raises:
        SettingsError: no signer, or several, were chosen.
        SignerError: it cannot be opened.
    """
    signer = remote.open_signer(args)
    if signer is not None:
        return signer
    if (args.module is None) == (args.key_file is None):
        raise SettingsError(
            "No signer was chosen, or several.", "Give --module, or --remote-url, or --key-file."
        )
    return _open_token(args) if args.module is not None else _open_key_file(args)


def _open_token(args: argparse.Namespace) -> Signer:
    from cmsdesk.signing.pkcs11.settings import Pkcs11Settings
    from cmsdesk.signing.pkcs11.signer import Pkcs11Signer

    certificate = read_certificates([args.certificate])[0] if args.certificate is not None else None
    settings = Pkcs11Settings(
        module=args.module,
        token_label=args.token,
        token_serial=args.token_serial,
        key_label=args.key,
        key_id=bytes.fromhex(args.key_id) if args.key_id else None,
        certificate=certificate,
        chain=tuple(read_certificates(args.chain)),
        digest=Digest(args.digest) if args.digest else None,
        pss=args.pss,
        workers=args.workers,
        allow_final_try=args.allow_final_try,
    )
    pin = None if args.pin_pad else read_secret(args.pin_env, args.pin_fd, "PIN: ")
    try:
        return Pkcs11Signer(settings, pin)
    finally:
        if pin is not None:
            pin.wipe()


def _open_key_file(args: argparse.Namespace) -> Signer:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from cmsdesk.signing.signers.software import SoftwareSigner

    if args.certificate is None:
        raise SettingsError("A key file needs its certificate.", "Give --certificate.")
    password = read_secret(args.pin_env, args.pin_fd, None)
    try:
        key = load_pem_private_key(args.key_file.read_bytes(), password.reveal() if password else None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError("The key file cannot be read.", "Check the file and its password.") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SettingsError("Keys of this kind are not supported.", "Use an RSA or an EC key.")
    certificate = read_certificates([args.certificate])[0]
    digest = Digest(args.digest) if args.digest else Digest.SHA256
    return SoftwareSigner(key, certificate, read_certificates(args.chain), digest=digest, pss=args.pss)


def read_certificates(paths: Iterable[Path]) -> list[bytes]:
    """Read certificates from PEM or DER files, as DER.

    Raises:
        SettingsError: a file is missing or holds no certificate.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    found: list[bytes] = []
    for path in paths:
        try:
            data = path.read_bytes()
            pem = b"-----BEGIN" in data
            parsed = x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
        except (OSError, ValueError) as error:
            raise SettingsError(
                "A certificate cannot be read.", "Give a PEM or DER file.", path=str(path)
            ) from error
        found += [certificate.public_bytes(Encoding.DER) for certificate in parsed]
    return found
