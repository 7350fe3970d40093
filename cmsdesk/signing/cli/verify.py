"""`cmsdesk-sign verify`: validates signatures and time stamps."""

import argparse
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.signing.cli import exits
from cmsdesk.signing.cli.inputs import expand
from cmsdesk.signing.cli.output import Output
from cmsdesk.signing.cli.secrets import add_secret_arguments, read_secret
from cmsdesk.signing.errors import SettingsError, SigningError
from cmsdesk.signing.sentences import LANGUAGES

if TYPE_CHECKING:
    from cmsdesk.signing.validation import TrustStore

SUFFIXES = (".pdf", ".p7m", ".p7s", ".tst", ".tsr", ".tsd")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "verify",
        help="validate signatures and time stamps",
        description="Validate every signature and time stamp of each file. Only what is named is trusted.",
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="files, folders, patterns")
    _add_trust(parser)
    data = parser.add_argument_group("revocation")
    data.add_argument("--crl", type=Path, action="append", default=[], metavar="FILE", help="CRL, DER or PEM")
    data.add_argument(
        "--ocsp", type=Path, action="append", default=[], metavar="FILE", help="OCSP response, DER"
    )
    data.add_argument("--online", action="store_true", help="fetch revocation data from the network")
    parser.add_argument("--content", type=Path, metavar="FILE", help="document of a detached signature")
    parser.add_argument("--at", metavar="TIME", help="validate as of this moment (ISO 8601 with time zone)")
    parser.add_argument("--language", choices=LANGUAGES, default=argparse.SUPPRESS, help="default: it")
    parser.add_argument("--extract", type=Path, metavar="FOLDER", help="write the content of .p7m files here")
    add_secret_arguments(parser, "pdf-password")
    parser.set_defaults(run=run)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    trust = parser.add_argument_group("trust")
    trust.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="root certificates (repeatable)",
    )
    trust.add_argument(
        "--tsa-trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="roots for time stamps only",
    )
    trust.add_argument(
        "--intermediate",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="certificates for paths",
    )
    trust.add_argument(
        "--trust-list",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="EU trust list (repeatable)",
    )
    trust.add_argument(
        "--trust-list-signer",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="its pinned signers",
    )


def run(args: argparse.Namespace, out: Output) -> int:
    """Validate every file; exit code 0 only if all have signatures and all passed."""
    from cmsdesk.signing.validation import Indication, TrustStore, describe, validate

    for name in ("pyhanko", "pyhanko_certvalidator"):
        # what they log is in the report, in words; their tracebacks would drown it
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    moment = _moment(args.at)
    trust = TrustStore.from_files(args.trust, stamp_roots=args.tsa_trust, intermediates=args.intermediate)
    _add_lists(trust, args, moment)
    crls, ocsps = _read_all(args.crl), _read_all(args.ocsp)
    password = read_secret(args.pdf_password_env, args.pdf_password_fd, None)
    files = list(expand(args.paths, SUFFIXES))
    code = exits.OK
    for number, path in enumerate(files, 1):
        out.progress(number, len(files), path.name)
        try:
            report = validate(
                path,
                trust=trust,
                content=args.content or _beside(path),
                now=moment,
                online=args.online,
                crls=crls,
                ocsps=ocsps,
                password=password,
            )
            if args.extract is not None:
                _extract(path, report.content.name, args.extract)
        except SigningError as error:
            out.error(error, str(path))
            code = exits.SOME_FAILED
            continue
        out.line(describe(report, args.language) + "\n")
        out.record({"document": str(path), **report.as_json()})
        if report.indication is not Indication.PASSED:
            code = exits.SOME_FAILED
    return code


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            "The moment cannot be read.", "Write it like 2026-03-03T10:42:00+01:00."
        ) from error
    if found.tzinfo is None:
        raise SettingsError("The moment has no time zone.", "Write it like 2026-03-03T10:42:00+01:00.")
    return found.astimezone(UTC)


def _add_lists(trust: "TrustStore", args: argparse.Namespace, moment: datetime) -> None:
    from cmsdesk.signing.validation.trust import read_certificates

    pinned = [one for path in args.trust_list_signer for one in read_certificates(path)]
    if args.trust_list and not pinned:
        raise SettingsError("A trust list needs its pinned signers.", "Give --trust-list-signer.")
    for path in args.trust_list:
        trust.add_trust_list(path, pinned, now=moment)


def _read_all(paths: Sequence[Path]) -> list[bytes]:
    from asn1crypto import pem

    found = []
    for path in paths:
        try:
            data = path.read_bytes()
            found.append(pem.unarmor(data)[2] if pem.detect(data) else data)
        except (OSError, ValueError) as error:
            raise SettingsError(
                "Revocation data cannot be read.", "Check the file.", path=str(path)
            ) from error
    return found


def _beside(path: Path) -> Path | None:
    """A detached signature or time stamp usually lies beside its document."""
    if path.suffix.lower() not in (".p7s", ".tst", ".tsr"):
        return None
    beside = path.with_suffix("")
    return beside if beside.is_file() else None


def _extract(path: Path, name: str, folder: Path) -> None:
    from cmsdesk.signing.errors import NotACms
    from cmsdesk.signing.validation.envelopes import open_envelope

    try:
        with open_envelope(path) as envelope:
            if envelope.content is None:
                return
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("xb") as file:
                for chunk in envelope.content.chunks():
                    file.write(chunk)
    except NotACms:
        return
    except FileExistsError as error:
        raise SettingsError(
            "The content is there already.", "Empty the folder.", path=str(folder / name)
        ) from error
