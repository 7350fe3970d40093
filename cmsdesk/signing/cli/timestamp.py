"""`cmsdesk-sign timestamp`: time-stamps files."""

import argparse
from pathlib import Path

from cmsdesk.signing.cli import exits
from cmsdesk.signing.cli.inputs import expand
from cmsdesk.signing.cli.output import Output
from cmsdesk.signing.cli.secrets import add_secret_arguments, read_secret
from cmsdesk.signing.errors import DocumentUnreadable, SigningError
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps.base import TimeStamper


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "timestamp", help="time-stamp files", description="Write a time stamp beside each file, or around it."
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="files, folders, patterns")
    parser.add_argument("--tsa", required=True, metavar="URL", help="address of the time stamp authority")
    parser.add_argument("--tsa-user", metavar="NAME", help="user name for basic authentication")
    add_secret_arguments(parser, "tsa-password")
    parser.add_argument("--tsa-ca", metavar="FILE", help="PEM file of the server's authorities")
    parser.add_argument("--policy", metavar="OID", help="policy to ask for")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default 10")
    parser.add_argument(
        "--digest", choices=[d.value for d in Digest], default="sha256", help="default sha256"
    )
    parser.add_argument("--tsd", action="store_true", help="write a .tsd with the file inside (RFC 5544)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write; default beside each file")
    parser.add_argument("--overwrite", action="store_true", help="replace time stamps that are there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Stamp every file; each has its own outcome."""
    from cmsdesk.signing.timestamps.client import HttpTimeStamper

    password = None
    if args.tsa_user:
        password = read_secret(args.tsa_password_env, args.tsa_password_fd, f"Password of {args.tsa_user}: ")
    stamper = HttpTimeStamper(
        args.tsa,
        username=args.tsa_user,
        password=password,
        timeout_s=args.timeout,
        policy=args.policy,
        ca_file=args.tsa_ca,
    )
    files = list(expand(args.paths))
    code = exits.OK
    try:
        for number, path in enumerate(files, 1):
            out.progress(number, len(files), path.name)
            try:
                _stamp(path, args, stamper, out)
            except SigningError as error:
                out.error(error, str(path))
                code = exits.SOME_FAILED
                if error.stops_batch:
                    return exits.code_of(error)
    finally:
        stamper.close()
    return code


def _stamp(path: Path, args: argparse.Namespace, stamper: TimeStamper, out: Output) -> None:
    from cmsdesk.signing.timestamps.stamped import stamp_file
    from cmsdesk.signing.timestamps.tokens import read_token

    folder = args.out or path.parent
    target = folder / f"{path.name}{'.tsd' if args.tsd else '.tst'}"
    if target.exists() and not args.overwrite:
        raise DocumentUnreadable(
            "A time stamp is there already.", "Remove it, or give --overwrite.", path=str(target)
        )
    facts = read_token(stamp_file(path, target, stamper, digest=Digest(args.digest), around=args.tsd))
    at = facts.at.isoformat().replace("+00:00", "Z")
    out.line(f"{target}  {at}")
    out.record(
        {
            "document": str(path),
            "target": str(target),
            "time": at,
            "serial": f"{facts.serial:x}",
            "policy": facts.policy,
            "digest": facts.digest.hex(),
        }
    )
