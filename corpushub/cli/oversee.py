"""`corpushub oversee …`: numbers, packs, findings and lists, counted from the record."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from corpushub.base.files import replacing
from corpushub.base.identity import business_day
from corpushub.cli.context import context

app = typer.Typer(help="Indicators, disclosure, findings and who holds what.", no_args_is_help=True)
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]


@app.command()
def indicators(first: First = None, last: Last = None) -> None:
    """Indicators of effect and fairness with their formulas (article 20)."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    found = ctx.hub().oversight.indicators(ANONYMOUS, first=first.date() if first else None, last=last.date() if last else None)
    ctx.show([asdict(item) for item in found], columns=("group", "id", "value", "unit", "count", "formula"))


@app.command()
def unusual(first: First = None, last: Last = None) -> None:
    """Approvals worth a look (article 16)."""
    ctx = context()
    found = ctx.hub().oversight.unusual(ctx.actor(), first=first.date() if first else None, last=last.date() if last else None)
    ctx.show([asdict(item) for item in found], columns=("kind", "persons", "orgs", "facts", "events"))


@app.command()
def disclosure(
    year: Annotated[int, typer.Argument(help="The year to disclose.")],
    org: Annotated[str, typer.Option(help="Only what concerns this organisation.")] = "",
    publish: Annotated[bool, typer.Option("--open", help="Open the disclosure for review by somebody else.")] = False,
) -> None:
    """The yearly disclosure pack, the same again from the same record (article 8)."""
    ctx = context()
    if publish:
        case = ctx.hub().oversight.disclose(ctx.actor(), year, org=org)
        ctx.show({"id": case.id, "state": case.state, "due": ctx.hub().oversight.disclosure_due(year).isoformat()})
        return
    from corpushub.domain.parties import ANONYMOUS

    ctx.show(ctx.hub().oversight.disclosure_pack(ANONYMOUS, year, org=org))


@app.command()
def holders(dataset: Annotated[str, typer.Argument(help="owner/name")]) -> None:
    """Who may use a dataset, and who has taken it."""
    ctx = context()
    found = ctx.hub().oversight.holders(ctx.actor(), dataset)
    columns = ("org", "entitlement", "state", "purpose", "valid_to", "deliveries", "bytes", "models")
    ctx.show([{**asdict(item), "models": ", ".join(item.models)} for item in found], columns=columns)


@app.command()
def plan(year: Annotated[int, typer.Argument(help="The year of the opening plan.")]) -> None:
    """The yearly opening plan and how much of it is done (article 5)."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    ctx.show(ctx.hub().oversight.opening_plan(ANONYMOUS, year))


@app.command()
def sharing(partner: Annotated[str, typer.Option(help="Only what this partner region is shown.")] = "") -> None:
    """The sharing responsibility list (articles 4 and 11)."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    rows = ctx.hub().oversight.sharing_list(ANONYMOUS, partner=partner)
    ctx.show(list(rows), columns=("id", "state", "scenario", "demander", "supplier", "frequency", "partner"))


@app.command()
def report(
    first: First = None,
    last: Last = None,
    form: Annotated[str, typer.Option("--form", help="md, html or docx: a document in a file.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the document.")] = None,
) -> None:
    """The periodic report, with the record it rests on (article 17), of this year unless days are named; with --json as data."""
    ctx = context()
    end = last.date() if last else business_day(ctx.hub().clock())
    begin = first.date() if first else date(end.year, 1, 1)
    if ctx.json and not form:
        ctx.show(ctx.hub().oversight.report(ctx.actor(), first=begin, last=end))
        return
    from corpushub.services.reporting import printed

    form = form or (out.suffix.removeprefix(".") if out else "md")
    data = printed(ctx.hub().oversight, ctx.actor(), (begin, end), form, ctx.lang)
    if out is None and form == "md":
        print(data.decode())
        return
    target = out or Path(f"report.{form}")
    with replacing(target) as stream:
        stream.write(data)
    ctx.show({"file": target.name, "bytes": len(data)})


@app.command()
def resolve(
    name: Annotated[str, typer.Argument(help="An entry id, a registration code, owner/name or owner/name@version.")],
) -> None:
    """What an id stands for; a withdrawn version answers for ever."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    ctx.show(asdict(ctx.hub().oversight.resolve(ANONYMOUS, name)))


@app.command()
def register(
    name: Annotated[
        str,
        typer.Argument(
            help="products, elements, standards, channels, districts, scenarios, settlements, costs …; empty lists them."
        ),
    ] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """A table the policy names, made from the record now."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS
    from corpushub.services.registers import NAMES, OVERSEEN

    if not name:
        ctx.show([{"register": item, "public": item not in OVERSEEN} for item in NAMES])
        return
    actor = ctx.actor() if name in OVERSEEN else ANONYMOUS
    if csv:
        print(ctx.hub().registers.csv(actor, name), end="")
    else:
        ctx.show(list(ctx.hub().registers.rows(actor, name)))


@app.command("listing-pack")
def listing_pack(
    dataset: Annotated[str, typer.Argument(help="owner/name")], version: Annotated[str, typer.Argument(help="For example 1.0.0.")]
) -> None:
    """What an exchange asks for before a product is listed (article 12)."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    ctx.show(ctx.hub().registers.listing_pack(ANONYMOUS, dataset, version))


@app.command()
def sample(
    dataset: Annotated[str, typer.Argument(help="owner/name")],
    rows: Annotated[int, typer.Option(help="How many rows, at most 100.")] = 10,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Shuffle every column by itself.")] = False,
) -> None:
    """A few released rows, the same for everybody who asks (article 5)."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    found = ctx.hub().samples.draw(ANONYMOUS, dataset, rows=rows, synthetic=synthetic)
    ctx.show({**asdict(found), "digest": found.digest} if ctx.json else list(found.rows))


@app.command()
def alerts(
    kind: Annotated[list[str] | None, typer.Argument(help="Kinds of incidents to be told of; none ends it.")] = None,
) -> None:
    """Be told of new incidents (article 15)."""
    ctx = context()
    ctx.show({"person": ctx.actor().person, "kinds": list(ctx.hub().oversight.subscribe(ctx.actor(), kind or []))})
