"""`cmsdesk-sign sign`: CAdES and PAdES signatures of files, folders and patterns."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.cli import exits
from cmsdesk.signing.cli.boxes import add_box_arguments, box_from
from cmsdesk.signing.cli.inputs import expand
from cmsdesk.signing.cli.output import Output
from cmsdesk.signing.cli.secrets import add_secret_arguments, read_secret
from cmsdesk.signing.cli.signers import add_signer_arguments, open_signer, read_certificates
from cmsdesk.signing.documents.model import Document, Level, Result, State
from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.trust import Trust
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.sentences import sentence
from cmsdesk.signing.timestamps.base import TimeStamper

_MODES = ("attached", "detached", "parallel", "countersign")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sign", help="sign documents", description="Sign documents, one PIN entry for all."
    )
    parser.set_defaults(run=run)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, patterns")
    parser.add_argument("--format", choices=("cades", "pades"), default="cades", help="default: cades")
    parser.add_argument("--level", choices=[level.value for level in Level], default="B", help="default: B")
    parser.add_argument(
        "--out", type=Path, help="folder for the signed documents; default: beside the original"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are already there")
    parser.add_argument("--log", type=Path, help="result log; repeat the command with it to resume a batch")
    parser.add_argument("--retry-failed", action="store_true", help="on resuming, try failed documents again")
    _add_cades(parser)
    _add_pades(parser)
    _add_time_stamps(parser)
    add_signer_arguments(parser)


def _add_cades(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("CAdES")
    group.add_argument("--mode", choices=_MODES, default="attached", help="default: attached")
    group.add_argument("--content", type=Path, help="content of a detached signature that is signed again")
    group.add_argument("--signer-index", type=int, metavar="N", help="signature to countersign, from 0")
    group.add_argument("--mime-type", help="type of the content, to be signed too")


def _add_pades(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("PAdES")
    group.add_argument("--field", help="name of the signature field")
    group.add_argument("--existing-field", action="store_true", help="sign the empty field of the document")
    group.add_argument("--reason", default="", help="why it is signed")
    group.add_argument("--location", default="", help="where it is signed")
    group.add_argument("--contact", default="", help="how to reach the signer")
    group.add_argument("--repair", action="store_true", help="rewrite damaged files before signing")
    add_secret_arguments(parser, "pdf-password")
    add_box_arguments(parser)


def _add_time_stamps(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("time stamps and long-term validity")
    group.add_argument("--tsa", metavar="URL", help="time stamp service, for levels T, LT and LTA")
    group.add_argument("--tsa-user", metavar="NAME", help="user of the time stamp service")
    add_secret_arguments(parser, "tsa-password")
    group.add_argument("--trust", type=Path, action="append", default=[], help="trusted root (repeatable)")
    group.add_argument(
        "--crl", type=Path, action="append", default=[], help="revocation list, DER (repeatable)"
    )
    group.add_argument("--offline", action="store_true", help="fetch no revocation information")


def run(args: argparse.Namespace, out: Output) -> int:
    """Sign; return the exit code."""
    # late: the formats load cryptography, fonts and imaging, which `--help` can do without
    from cmsdesk.signing.session.session import SigningSession

    profile = _profile(args)
    password = read_secret(args.pdf_password_env, args.pdf_password_fd, None)
    documents = list(_documents(args, password))
    if not documents:
        raise SettingsError("No documents were found.", "Check the paths.")
    failed = 0
    with SigningSession(open_signer(args), timestamper=_time_stamper(args)) as session:
        results = session.sign_many(documents, profile, log=args.log, retry_failed=args.retry_failed)
        for done, result in enumerate(results, start=1):
            failed += result.state is State.FAILED
            _tell(result, out)
            out.progress(done, len(documents), result.identity)
    out.say("{signed} signed, {failed} failed", signed=len(documents) - failed, failed=failed)
    out.record({"summary": {"signed": len(documents) - failed, "failed": failed}})
    return exits.SOME_FAILED if failed else exits.OK


def _tell(result: Result, out: Output) -> None:
    out.record(_record(result))
    if result.error is None:
        out.line(f"{result.identity} -> {result.target}")
        for note in result.notes:
            out.line(f"  {sentence(note, out.language)}")
    elif not out.json:
        out.error(result.error, result.identity)


def _record(result: Result) -> dict[str, object]:
    return {
        "document": result.identity,
        "state": result.state.value,
        "target": str(result.target) if result.target is not None else None,
        "size_bytes": result.size_bytes,
        "source_digest": result.source_digest,
        "signing_time": result.signing_time.isoformat() if result.signing_time is not None else None,
        "level": result.level.value if result.level is not None else None,
        "attempts": result.attempts,
        "resumed": result.resumed,
        "notes": list(result.notes),
        "error": result.error.as_json() if result.error is not None else None,
    }


def _profile(args: argparse.Namespace) -> CadesProfile | PadesProfile:
    level = Level(args.level)
    if args.format == "cades":
        return CadesProfile(
            level=level, mode=Mode(args.mode), mime_type=args.mime_type, signer_index=args.signer_index
        )
    trust = None
    if level in (Level.LT, Level.LTA):
        trust = Trust(
            anchors=tuple(read_certificates(args.trust)),
            revocation_lists=tuple(_read(path) for path in args.crl),
            fetch=not args.offline,
        )
    return PadesProfile(
        level=level,
        box=box_from(args),
        field=args.field,
        existing_field=args.existing_field,
        reason=args.reason,
        location=args.location,
        contact=args.contact,
        repair=args.repair,
        trust=trust,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError("A file cannot be read.", "Check its path.", path=str(path)) from error


def _documents(args: argparse.Namespace, password: Pin | None) -> Iterator[Document]:
    pades = args.format == "pades"
    existing = not pades and args.mode in ("parallel", "countersign")
    suffixes = (".pdf",) if pades else (".p7m", ".p7s") if existing else ()
    named = {Path(path) for path in args.paths}
    for source in expand(args.paths, suffixes):
        if source == args.log or (source not in named and _made_here(source, pades=pades, existing=existing)):
            continue
        yield Document(
            source=source,
            target=_target(args, source),
            detached_content=args.content,
            password=password,
            overwrite=args.overwrite,
        )


def _made_here(source: Path, *, pades: bool, existing: bool) -> bool:
    """Say whether a file found in a folder is the product of an earlier run, or a log."""
    if source.stem.endswith("-signed"):
        return True
    return not pades and not existing and source.suffix.lower() in (".p7m", ".p7s", ".lock")


def _target(args: argparse.Namespace, source: Path) -> Path:
    if args.format == "pades" or args.mode in ("parallel", "countersign"):
        name = source.name if args.out is not None else f"{source.stem}-signed{source.suffix}"
    else:
        name = source.name + (".p7s" if args.mode == "detached" else ".p7m")
    return source.with_name(name) if args.out is None else _under(args.out, args.paths, source, name)


def _under(folder: Path, arguments: list[str], source: Path, name: str) -> Path:
    """Keep the folders below a folder argument, so that equal names do not meet."""
    for argument in arguments:
        if Path(argument).is_dir() and source.is_relative_to(argument):
            folder = folder / source.relative_to(argument).parent
            break
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("The output folder cannot be made.", "Name another.", path=str(folder)) from error
    return folder / name


def _time_stamper(args: argparse.Namespace) -> TimeStamper | None:
    if args.tsa is None:
        return None
    from cmsdesk.signing.timestamps.client import HttpTimeStamper

    password = read_secret(args.tsa_password_env, args.tsa_password_fd, None)
    return HttpTimeStamper(args.tsa, username=args.tsa_user, password=password)
