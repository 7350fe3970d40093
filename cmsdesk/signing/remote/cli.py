"""Options of the remote signer on the command line."""

import argparse

from cmsdesk.signing.cli.secrets import add_secret_arguments, read_secret
from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote.csc import CscService, Version
from cmsdesk.signing.remote.signer import RemoteSigner, SignerName
from cmsdesk.signing.remote.transport import Authentication, Basic, Bearer, JsonTransport
from cmsdesk.signing.signers.base import Digest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the `--remote-…` options."""
    group = parser.add_argument_group("remote signature service (Cloud Signature Consortium API)")
    group.add_argument("--remote-url", metavar="URL", help="address of the service, without /csc/v1")
    group.add_argument("--remote-version", type=int, choices=(1, 2), default=1, help="of the API (default 1)")
    group.add_argument("--remote-credential", metavar="ID", help="identifier of the credential")
    group.add_argument("--remote-alias", metavar="NAME", help="alias of the signer, with --remote-domain")
    group.add_argument("--remote-domain", metavar="NAME", help="domain of the signer")
    group.add_argument("--remote-user", metavar="NAME", help="user name of the calling application")
    group.add_argument("--remote-ca", metavar="FILE", help="PEM file of the server's authorities")
    group.add_argument("--remote-timeout", metavar="SECONDS", type=float, default=20.0, help="default 20")
    add_secret_arguments(parser, "remote-password")
    add_secret_arguments(parser, "remote-token")


def open_signer(args: argparse.Namespace) -> RemoteSigner | None:
    """Open the remote signer that the options choose; None when they choose none.

    Raises:
        SettingsError: options that do not fit together.
        SignerError: the service refuses or cannot be reached.
    """
    if not args.remote_url:
        return None
    transport = JsonTransport(
        args.remote_url, _authentication(args), timeout_s=args.remote_timeout, ca_file=args.remote_ca
    )
    service = CscService(transport, Version(args.remote_version))
    service.log_in()
    pin = read_secret(args.pin_env, args.pin_fd, None)
    return RemoteSigner(
        service,
        _who(args),
        secrets={"PIN": pin} if pin is not None else {},
        ask=_ask,
        digest=Digest(args.digest) if args.digest else None,
        pss=args.pss,
    )


def _who(args: argparse.Namespace) -> str | SignerName:
    if args.remote_credential:
        return str(args.remote_credential)
    if args.remote_alias and args.remote_domain:
        return SignerName(args.remote_alias, args.remote_domain)
    raise SettingsError(
        "The signer is not named.", "Give --remote-credential, or --remote-alias and --remote-domain."
    )


def _authentication(args: argparse.Namespace) -> Authentication | None:
    token = read_secret(args.remote_token_env, args.remote_token_fd, None)
    if token is not None:
        return Bearer(token)
    if not args.remote_user:
        return None
    prompt = f"Password of {args.remote_user}: "
    password = read_secret(args.remote_password_env, args.remote_password_fd, prompt)
    return Basic(args.remote_user, password or Pin(b""))


def _ask(name: str) -> Pin:
    secret = read_secret(None, None, f"{name}: ")
    return secret or Pin(b"")
