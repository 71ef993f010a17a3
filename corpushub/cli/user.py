"""`corpushub user …`: organisations, people and the seats they hold."""

from __future__ import annotations

import sys
from datetime import datetime
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from corpushub.base.errors import Invalid
from corpushub.base.messages import text
from corpushub.cli.context import Context, context, written

if TYPE_CHECKING:
    from corpushub.domain.parties import Actor

app = typer.Typer(help="Organisations, people and their seats.", no_args_is_help=True)


def keeper(ctx: Context) -> Actor:
    """The named person, else the hub itself: somebody has to add the first account, and whoever holds the home folder may."""
    from corpushub.domain.parties import SYSTEM

    return ctx.actor() if ctx.person or ctx.settings().acting_as else SYSTEM


@app.command("add-org")
def add_org(  # noqa: PLR0913 - options
    id_: Annotated[str, typer.Argument(metavar="ID", help="A short name, used in every record.")],
    credit_code: Annotated[str, typer.Option(help="Unified social credit code, 18 characters (GB 32100).")],
    kind: Annotated[str, typer.Option(help="authority, agency, operator, registry, developer, assessor, audit, district …")],
    region: Annotated[str, typer.Option(help="Region code, 6 digits (GB/T 2260).")],
    zh: Annotated[str, typer.Option(help="Name in Chinese.")],
    en: Annotated[str, typer.Option(help="Name in English.")] = "",
    state_assets: Annotated[bool, typer.Option("--state-assets", help="It holds state assets.")] = False,
) -> None:
    """Register an organisation."""
    ctx = context()
    name = {"zh": zh, "en": en or zh}
    added = ctx.hub().parties.add_org(
        keeper(ctx), id=id_, credit_code=credit_code, kind=kind, region=region, name=name, state_assets=state_assets
    )
    ctx.show(added)


@app.command()
def add(
    id_: Annotated[str, typer.Argument(metavar="ID", help="A short name, for example li.wei.")],
    org: Annotated[str, typer.Option(help="The organisation's id.")],
    name: Annotated[str, typer.Option(help="The person's name; it stays out of the ledger.")],
    role: Annotated[list[str] | None, typer.Option(help="A seat; repeat for more.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password to sign in with.")] = False,
) -> None:
    """Add a person with seats from today on."""
    ctx = context()
    from corpushub.services.accounts import check_password

    secret = ask_password() if password else ""
    if password:
        check_password(secret)  # before there is a person without one
    actor = keeper(ctx)
    person = ctx.hub().parties.add_person(actor, id=id_, org=org, name=name, roles=role or [])
    if secret:
        ctx.hub().accounts.set_password(actor, person.id, secret)
    ctx.show(person)


@app.command("password")
def set_password(id_: Annotated[str, typer.Argument(metavar="ID", help="Whose.")]) -> None:
    """Ask for a new password for somebody who cannot sign in any more; every earlier sign-in ends."""
    ctx = context()
    hub = ctx.hub()
    actor, person = keeper(ctx), hub.parties.person(id_)
    hub.accounts.set_password(actor, person.id, ask_password())
    ctx.show(person)


@app.command()
def link(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Who.")],
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="What the identity provider calls the person (the claim `sub`).")
    ],
) -> None:
    """Let an identity of the OpenID Connect provider in the settings sign in as a person."""
    ctx = context()
    hub = ctx.hub()
    person = hub.parties.person(id_)
    hub.accounts.link_subject(keeper(ctx), person.id, hub.settings.oidc_issuer, subject)
    ctx.show(person)


def ask_password() -> str:
    """Typed twice at a terminal, unseen; else one line of standard input, for scripts. Raises: Invalid("cli.no_password")."""
    ctx = context()
    if not sys.stdin.isatty():
        if not (line := sys.stdin.readline().rstrip("\r\n")):
            raise Invalid("cli.no_password")
        return line
    while (secret := getpass(text("cli.password", ctx.lang))) != getpass(text("cli.password_again", ctx.lang)):
        ctx.say("cli.password_differs")
    return secret


@app.command("list")
def list_people(org: Annotated[str, typer.Option(help="Only of this organisation.")] = "") -> None:
    """People with their seats."""
    ctx = context()
    parties = ctx.hub().parties
    rows = [
        {
            "id": person.id,
            "name": person.name,
            "org": person.org,
            "seats": [seat.role.value for seat in parties.seats(person.id)],
            "state": person.state,
        }
        for person in parties.people(keeper(ctx), org)
    ]
    ctx.show(rows, columns=("id", "name", "org", "seats", "state"))


@app.command()
def orgs(kind: Annotated[str, typer.Option(help="Only of this kind, for example utility.")] = "") -> None:
    """All organisations."""
    ctx = context()
    ctx.show(list(ctx.hub().parties.orgs(kind)), columns=("id", "credit_code", "kind", "region", "state"))


@app.command()
def seat(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    role: Annotated[str, typer.Argument(help="The seat to give.")],
    until: Annotated[
        datetime | None, typer.Option(help="Last day, for example 2027-12-31; empty: open.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Give a person a seat."""
    ctx = context()
    ctx.show(ctx.hub().parties.bind(keeper(ctx), person, role, valid_to=written(until)))


@app.command()
def unseat(
    person: Annotated[str, typer.Argument(help="The person's id.")], role: Annotated[str, typer.Argument(help="The seat to end.")]
) -> None:
    """End a seat at once; votes cast from it stop counting."""
    ctx = context()
    ctx.show({"person": person, "role": role, "ended": ctx.hub().parties.unbind(keeper(ctx), person, role)})


@app.command()
def depart(person: Annotated[str, typer.Argument(help="The person's id.")]) -> None:
    """The person left: no seat, session or pending vote counts from now on."""
    ctx = context()
    ctx.show(ctx.hub().parties.depart(keeper(ctx), person))


@app.command()
def forget(person: Annotated[str, typer.Argument(help="The person's id; they have to have left.")]) -> None:
    """Erase the name and everything private of somebody who left; the record and its proofs stay whole."""
    ctx = context()
    ctx.show({"person": person, "streams": ctx.hub().parties.forget(keeper(ctx), person)})


@app.command()
def conflict(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    org: Annotated[str, typer.Argument(help="The organisation they have an interest in.")],
    kind: Annotated[str, typer.Option(help="What interest: family, shares, former employment …")],
    ended: Annotated[
        datetime | None, typer.Option(help="Last day of the interest; empty: it stands.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Declare a conflict of interest; the person is kept out of decisions on that organisation."""
    ctx = context()
    ctx.hub().parties.declare_conflict(keeper(ctx), person=person, org=org, kind=kind, ended=written(ended))
    ctx.show({"person": person, "org": org, "kind": kind, "ended": written(ended)})
