"""`cmsdesk-sign seal` and `check-seal`: the paper seal."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.signing.cli import exits
from cmsdesk.signing.cli.inputs import expand
from cmsdesk.signing.cli.output import Output
from cmsdesk.signing.cli.signers import add_signer_arguments, open_signer
from cmsdesk.signing.errors import DocumentUnreadable, SettingsError, SigningError
from cmsdesk.signing.sentences import LANGUAGES
from cmsdesk.signing.signers.base import Signer

if TYPE_CHECKING:
    from cmsdesk.signing.seal.content import SealedSignature
    from cmsdesk.signing.seal.make import Place

IMAGES = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_MARK = ".sealed.pdf"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both subcommands."""
    _add_seal(subparsers)
    _add_check(subparsers)


def _add_seal(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "seal",
        help="put a paper seal on printable copies",
        description="Seal printable PDFs. What a seal says comes from FILE.seal.json beside each FILE, or "
        "from --data for all: title, number, date (YYYY-MM-DD), issuer, fields (an object of names and "
        "values that are printed on the copy), and, unless given here, place.",
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="PDFs, folders, patterns")
    parser.add_argument(
        "--data", type=Path, metavar="FILE", help="JSON for every file, overridden by its own"
    )
    parser.add_argument(
        "--place", metavar="PAGE,X,Y,W,H", help="page (from 1, or -1), and millimetres from top left"
    )
    parser.add_argument("--place-name", metavar="NAME", help="form field or annotation of the template")
    parser.add_argument(
        "--signed",
        metavar="SUFFIX",
        help="the signed document beside each copy, such as .p7m; default the copy itself",
    )
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="roots, to read its signatures",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to write; default beside each file")
    parser.add_argument("--overwrite", action="store_true", help="replace sealed copies that are there")
    add_signer_arguments(parser)
    parser.set_defaults(run=run_seal)


def _add_check(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "check-seal",
        help="check paper seals",
        description="Check the seal on PDFs, scans or photos. Needs no network.",
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="PDFs or images, folders, patterns")
    parser.add_argument(
        "--seal-trust",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="certificates, or JSON list",
    )
    parser.add_argument("--document", type=Path, metavar="FILE", help="the digital document, to compare")
    parser.add_argument("--values", type=Path, metavar="FILE", help="JSON of what a person read, by field")
    parser.add_argument("--look", action="store_true", help="read PDFs as images, although they have text")
    parser.add_argument("--language", choices=LANGUAGES, default=argparse.SUPPRESS, help="default: it")
    parser.set_defaults(run=run_check)


@dataclass(frozen=True)
class _Data:
    """What the JSON files say."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise SettingsError("The seal's data are not complete.", "Give it as text.", missing=name)
        return value

    def fields(self) -> dict[str, str]:
        found = self.values.get("fields")
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise SettingsError(
                "The seal's data are not complete.", "Give fields as texts.", missing="fields"
            )
        return dict(found)

    def day(self) -> date:
        try:
            return date.fromisoformat(self.text("date"))
        except ValueError as error:
            raise SettingsError("The date cannot be read.", "Write it like 2026-03-03.") from error


def run_seal(args: argparse.Namespace, out: Output) -> int:
    """Seal every copy; each has its own outcome."""
    common = _load(args.data) if args.data is not None else {}
    files = [path for path in expand(args.paths, (".pdf",)) if not path.name.endswith(_MARK)]
    signer = open_signer(args)
    code = exits.OK
    try:
        for number, path in enumerate(files, 1):
            out.progress(number, len(files), path.name)
            try:
                _seal(path, args, common, signer, out)
            except SigningError as error:
                out.error(error, str(path))
                code = exits.SOME_FAILED
                if error.stops_batch and not isinstance(error, SettingsError):
                    return exits.code_of(error)
    finally:
        signer.close()
    return code


def _seal(
    path: Path, args: argparse.Namespace, common: Mapping[str, object], signer: Signer, out: Output
) -> None:
    from cmsdesk.signing.seal.make import SealOrder, document_hash, make_seal

    target = (args.out or path.parent) / f"{path.stem}{_MARK}"
    if target.exists() and not args.overwrite:
        raise DocumentUnreadable(
            "A sealed copy is there already.", "Remove it, or give --overwrite.", path=str(target)
        )
    own = path.with_name(f"{path.name}.seal.json")
    data = _Data({**common, **(_load(own) if own.is_file() else {})})
    document = path.with_name(path.name + args.signed) if args.signed else path
    try:
        order = SealOrder(
            title=data.text("title"),
            number=data.text("number"),
            date=data.day(),
            issuer=data.text("issuer"),
            document_sha256=document_hash(document),
            signatures=_signatures(document, args.trust),
            fields=data.fields(),
            place=args.place_name or _place(args.place or data.text("place")),
        )
        sealed = make_seal(path, order, signer)
        target.write_bytes(sealed)
    except OSError as error:
        raise DocumentUnreadable(
            "A file cannot be read or written.", "Check it.", path=str(error.filename)
        ) from error
    out.line(str(target))
    out.record({"document": str(path), "target": str(target), "document_sha256": order.document_sha256.hex()})


def _signatures(document: Path, roots: Sequence[Path]) -> "list[SealedSignature]":
    from cmsdesk.signing.seal.make import signatures_of
    from cmsdesk.signing.validation import TrustStore, validate

    return signatures_of(validate(document, trust=TrustStore.from_files(roots)))


def _place(text: str) -> "Place":
    from cmsdesk.signing.seal.make import Place

    try:
        page, *numbers = (float(part) for part in text.split(","))
        x_mm, y_mm, width_mm, height_mm = numbers
    except ValueError as error:
        raise SettingsError(
            "The place cannot be read.", "Write it like 1,20,230,60,50.", place=text
        ) from error
    return Place(int(page) - 1 if page > 0 else int(page), x_mm, y_mm, width_mm, height_mm)


def _load(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            "The seal's data cannot be read.", "Check the JSON file.", path=str(path)
        ) from error
    if not isinstance(found, dict):
        raise SettingsError("The seal's data cannot be read.", "Write a JSON object.", path=str(path))
    return found


def run_check(args: argparse.Namespace, out: Output) -> int:
    """Check every file; exit code 0 only if all seals are authentic."""
    from cmsdesk.signing.seal import SealTrust, Verdict, check_seal, describe

    trust = SealTrust.from_files(args.seal_trust)
    values = (
        {name: str(value) for name, value in _load(args.values).items()} if args.values is not None else None
    )
    files = list(expand(args.paths, IMAGES))
    code = exits.OK
    for number, path in enumerate(files, 1):
        out.progress(number, len(files), path.name)
        try:
            report = check_seal(path, trust, document=args.document, values=values, look=args.look)
        except SigningError as error:
            out.error(error, str(path))
            code = exits.SOME_FAILED
            continue
        out.line(f"{path.name}: {describe(report, args.language)}\n")
        out.record({"document": str(path), **report.as_json()})
        if report.verdict is not Verdict.AUTHENTIC:
            code = exits.SOME_FAILED
    return code
