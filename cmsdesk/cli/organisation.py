"""``cmsdesk body | office | operator``: what the service's administrator does at the service's machine."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cmsdesk.backend.services.administration import Administration
from cmsdesk.backend.services.bodies import create_body, create_tables
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.clock import ROME, SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.service_parts import ServiceSettings
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.commands import BadFacts
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.figures import Grain, csv_text, figures_csv
from cmsdesk.domain.organisation import (
    GRANTED,
    Body,
    BodyKind,
    Mandate,
    MandateState,
    Office,
    Permission,
    Way,
    are_sigle,
)
from cmsdesk.domain.words import word
from cmsdesk.operations.body_defaults import default_configuration

Add = Callable[..., argparse.ArgumentParser]
_LAST_DAY = date(2099, 12, 31)


class FileWrong(Mendable):
    """A file given on the command line cannot be used."""

    code = "FILE"
    cause = N_("The file «{file}» cannot be used: {problem}.")
    next_step = N_("Correct the file and try again.")


def add_commands(commands: Any, say: Texts) -> None:
    """Add the subcommands; ``commands``: argparse's subparsers, ``say``: for the help."""
    body = _group(commands, "body", say(N_("bodies: create, configure, show")))
    _add_body(body, say)
    office = _group(commands, "office", say(N_("offices: open, close, move operators, figures")))
    _add_office(office, say)
    operator = _group(commands, "operator", say(N_("operators and their mandates")))
    _add_operator(operator, say)


def administration(options: argparse.Namespace) -> Administration:
    """Open the body that the options name, on the database of the service's settings.

    Raises:
        SettingsWrong, Unknown.
    """
    settings = load_settings(options.settings, ServiceSettings)
    engine = open_engine(settings.database)
    create_tables(engine)
    return Administration(engine, SystemClock(), options.body)


def _group(commands: Any, name: str, text: str) -> Any:
    found = commands.add_parser(name, help=text, description=text)
    return found.add_subparsers(title="commands", required=True)


def command(group: Any, name: str, text: str, run: Callable[[argparse.Namespace], int], say: Texts) -> Any:
    """Add one subcommand with the two arguments that all have."""
    found = group.add_parser(name, help=text, description=text)
    found.add_argument("settings", type=Path, help=say(N_("the service's settings file (TOML)")))
    found.add_argument("body", help=say(N_("id of the body")))
    found.set_defaults(run=run)
    return found


# --- body --------------------------------------------------------------------------------------


def _add_body(group: Any, say: Texts) -> None:
    create = command(group, "create", say(N_("create a body with its first office")), _create, say)
    create.add_argument("--name", required=True, help=say(N_("name of the body")))
    create.add_argument("--kind", choices=[kind.value for kind in BodyKind], default="chamber")
    create.add_argument(
        "--sigle", nargs="*", default=[], help=say(N_("provinces of a chamber, two letters each"))
    )
    create.add_argument("--office", required=True, help=say(N_("id of the office")))
    create.add_argument("--office-name", required=True, help=say(N_("name of the office")))
    create.add_argument(
        "--administrator", required=True, help=say(N_("codice fiscale of the first administrator"))
    )
    create.add_argument("--authority", required=True, help=say(N_("name of the CA the body issues from")))
    create.add_argument("--until", type=date.fromisoformat, default=_LAST_DAY, help=say(N_("last day")))
    configure = command(
        group, "configure", say(N_("change sections of the configuration from a file")), _configure, say
    )
    configure.add_argument("file", type=Path, help=say(N_("TOML or JSON file with the sections to change")))
    show = command(group, "show", say(N_("show a body with its offices and configuration")), _show, say)
    show.add_argument("--json", action="store_true", help=say(N_("the configuration alone, as JSON")))


def _create(options: argparse.Namespace) -> int:
    if not are_sigle(options.sigle):
        raise BadFacts(name="sigle")
    settings = load_settings(options.settings, ServiceSettings)
    engine = open_engine(settings.database)
    create_tables(engine)
    create_body(
        engine,
        SystemClock(),
        body=options.body,
        name=options.name,
        office=options.office,
        office_name=options.office_name,
        administrator=options.administrator.upper(),
        valid_until=options.until,
        kind=BodyKind(options.kind),
        sigle=tuple(options.sigle),
        configuration=default_configuration(options.authority),
    )
    _say(options, N_("The body {name} is created."), name=options.name)
    return 0


def _configure(options: argparse.Namespace) -> int:
    body = administration(options)
    known = body.get("configuration", options.body) or {}
    sections = {**_sections(known), **_read(options.file)}
    body.execute("configuration.change", revision=known.get("revision", 0), configuration=sections)
    _say(options, N_("The configuration is changed."))
    return 0


def _sections(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("body", "revision")}


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError:
        raise FileWrong(file=path.name, problem=N_("cannot be read")) from None
    except ValueError:
        raise FileWrong(file=path.name, problem=N_("is neither TOML nor JSON")) from None
    if not isinstance(values, dict):
        raise FileWrong(file=path.name, problem=N_("is not a table"))
    return values


def _show(options: argparse.Namespace) -> int:
    body = administration(options)
    configuration = body.get("configuration", options.body)
    if options.json:
        found = Configuration.of(configuration).sections() if configuration else {}
        print(json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True))
        return 0
    terminal = Terminal(texts(options.language))
    of = Body.of(options.body, body.get("body", options.body) or {})
    terminal.heading("{name}", name=of.name)
    terminal.field(N_("Kind"), terminal.texts(word(of.kind)))
    terminal.field(N_("Sigle"), ", ".join(of.sigle) or "–")
    for identifier, document in body.all("office"):
        office = Office.of(identifier, document)
        terminal.field(N_("Office"), f"{identifier}: {office.name}, {terminal.texts(word(office.state))}")
    terminal.field(N_("Operators"), str(len(body.all("operator"))))
    terminal.field(N_("Configuration"), f"{configuration['revision']}" if configuration else "–")
    return 0


# --- office ------------------------------------------------------------------------------------


def _add_office(group: Any, say: Texts) -> None:
    opened = command(group, "open", say(N_("open an office, or open a closed one again")), _open, say)
    opened.add_argument("office", help=say(N_("id of the office")))
    opened.add_argument("--name", required=True, help=say(N_("name of the office")))
    opened.add_argument("--site", help=say(N_("id of the site")))
    closed = command(group, "close", say(N_("close an office: mandates in it stop working")), _close, say)
    closed.add_argument("office", help=say(N_("id of the office")))
    moved = command(
        group, "move-operators", say(N_("have an office's operators go on in another one")), _move, say
    )
    moved.add_argument("office", help=say(N_("id of the office")))
    moved.add_argument("to", help=say(N_("id of the new office")))
    moved.add_argument("--close", action="store_true", help=say(N_("close the office afterwards")))
    counted = command(group, "figures", say(N_("figures per office, as CSV")), _figures, say)
    counted.add_argument(
        "--from", dest="first", type=date.fromisoformat, required=True, help=say(N_("first day"))
    )
    counted.add_argument(
        "--to", dest="last", type=date.fromisoformat, required=True, help=say(N_("last day"))
    )
    counted.add_argument("--by", choices=[grain.value for grain in Grain], default=Grain.WHOLE.value)


def _open(options: argparse.Namespace) -> int:
    site = {"site": options.site} if options.site else {}
    administration(options).execute("office.open", office=options.office, name=options.name, **site)
    _say(options, N_("The office {name} is open."), name=options.name)
    return 0


def _close(options: argparse.Namespace) -> int:
    administration(options).execute("office.close", office=options.office)
    _say(options, N_("The office {name} is closed."), name=options.office)
    return 0


def _move(options: argparse.Namespace) -> int:
    body = administration(options)
    held = [Mandate.of(identifier, document) for identifier, document in body.all("mandate")]
    moves = {
        mandate.id: new_id()
        for mandate in held
        if mandate.office == options.office and mandate.state is not MandateState.ENDED
    }
    acts: list[tuple[str, dict[str, Any]]] = []
    if moves:
        facts = {"office": options.office, "to": options.to, "mandates": moves}
        acts.append(("office.move_operators", facts))
    if options.close:
        acts.append(("office.close", {"office": options.office}))
    body.execute_all(acts)
    _say(options, N_("{count} mandates go on in the office {name}."), count=len(moves), name=options.to)
    return 0


def _figures(options: argparse.Namespace) -> int:
    body = administration(options)
    lines = body.figures(options.first, options.last, Grain(options.by))
    names = {identifier: document["name"] for identifier, document in body.all("office")}
    print(figures_csv(lines, names, texts(options.language)), end="")
    return 0


# --- operator ----------------------------------------------------------------------------------


def _add_operator(group: Any, say: Texts) -> None:
    granted = command(group, "grant", say(N_("record an operator and grant a mandate")), _grant, say)
    for name, text in (
        ("--fiscal-code", N_("codice fiscale")),
        ("--surname", N_("surname")),
        ("--given-name", N_("given name")),
        ("--office", N_("id of the office")),
    ):
        granted.add_argument(name, required=True, help=say(text))
    granted.add_argument("--email", default="", help=say(N_("e-mail")))
    granted.add_argument("--role", choices=[role.value for role in GRANTED], required=True)
    granted.add_argument("--from", dest="first", type=date.fromisoformat, help=say(N_("first day")))
    granted.add_argument("--until", type=date.fromisoformat, required=True, help=say(N_("last day")))
    granted.add_argument(
        "--permissions", nargs="*", choices=[permission.value for permission in Permission], default=[]
    )
    for name in ("--data-entry", "--payments"):
        granted.add_argument(name, choices=[way.value for way in Way], default=Way.TELEMATIC.value)
    for name, text, run in (
        ("suspend", N_("suspend a mandate: it stops working at once"), _suspend),
        ("resume", N_("have a suspended mandate work again"), _resume),
        ("end", N_("end a mandate for ever"), _end),
    ):
        command(group, name, say(text), run, say).add_argument("mandate", help=say(N_("id of the mandate")))
    listed = command(group, "list", say(N_("list operators with their mandates")), _list, say)
    listed.add_argument("--office", help=say(N_("of this office only")))
    listed.add_argument("--csv", action="store_true", help=say(N_("as CSV")))


def _grant(options: argparse.Namespace) -> int:
    body = administration(options)
    code = options.fiscal_code.upper()
    acts: list[tuple[str, dict[str, Any]]] = []
    if code not in {document["fiscal_code"] for _, document in body.all("operator")}:
        person = {
            "operator": new_id(),
            "fiscal_code": code,
            "surname": options.surname,
            "given_name": options.given_name,
            "email": options.email,
        }
        acts.append(("operator.record", person))
    mandate = {
        "mandate": new_id(),
        "operator": code,
        "office": options.office,
        "role": options.role,
        "valid_from": (options.first or SystemClock().now().astimezone(ROME).date()).isoformat(),
        "valid_until": options.until.isoformat(),
        "permissions": options.permissions,
        "data_entry": options.data_entry,
        "payments": options.payments,
    }
    body.execute_all([*acts, ("mandate.grant", mandate)])
    _say(options, N_("Mandate {mandate} is granted."), mandate=str(mandate["mandate"]))
    return 0


def _suspend(options: argparse.Namespace) -> int:
    administration(options).execute("mandate.suspend", mandate=options.mandate)
    _say(options, N_("Mandate {mandate} is suspended."), mandate=options.mandate)
    return 0


def _resume(options: argparse.Namespace) -> int:
    administration(options).execute("mandate.resume", mandate=options.mandate)
    _say(options, N_("Mandate {mandate} works again."), mandate=options.mandate)
    return 0


def _end(options: argparse.Namespace) -> int:
    administration(options).execute("mandate.end", mandate=options.mandate)
    _say(options, N_("Mandate {mandate} is ended."), mandate=options.mandate)
    return 0


def _list(options: argparse.Namespace) -> int:
    body, say = administration(options), texts(options.language)
    people = {document["fiscal_code"]: document for _, document in body.all("operator")}
    rows = []
    for identifier, document in body.all("mandate"):
        mandate = Mandate.of(identifier, document)
        if options.office not in (None, mandate.office):
            continue
        person = people.get(mandate.operator, {})
        permissions = ", ".join(say(word(p)) for p in sorted(mandate.permissions, key=str))
        rows.append(
            [
                *(mandate.operator, person.get("surname", ""), person.get("given_name", "")),
                *(mandate.office, say(word(mandate.role)), permissions),
                *(mandate.valid_from.isoformat(), mandate.valid_until.isoformat()),
                *(say(word(mandate.state)), identifier),
            ]
        )
    rows.sort(key=lambda row: (row[1], row[2], row[0]))
    heading = (
        *(N_("Codice fiscale"), N_("Surname"), N_("Given name"), N_("Office"), N_("Role")),
        *(N_("Permissions"), N_("First day"), N_("Last day"), N_("State"), N_("Mandate")),
    )
    if options.csv:
        print(csv_text([say(name) for name in heading], rows), end="")
        return 0
    terminal = Terminal(say)
    for row in rows:
        terminal.heading("{name}", name=f"{row[1]} {row[2]}".strip() or row[0])
        for name, cell in zip(heading, row, strict=True):
            terminal.field(name, cell)
    return 0


def _say(options: argparse.Namespace, message: str, **values: object) -> None:
    Terminal(texts(options.language)).say(message, **values)
