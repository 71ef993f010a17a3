"""`corpushub catalog …`: entries of the one catalog."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpushub.cli.context import Context, context, written
from corpushub.cli.flow import read_data, text_of
from corpushub.domain.entry_rows import read_rows

if TYPE_CHECKING:
    from corpushub.domain.catalog import Resource
    from corpushub.services.catalog import Imported

app = typer.Typer(help="The catalog of public data resources.", no_args_is_help=True)
COLUMNS = ("id", "title", "owner", "domain", "state", "share_attribute", "open_attribute", "registration_code", "registration_to")


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words an entry has to hold.")] = None,
    owner: Annotated[str, typer.Option(help="Only of this organisation.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """Find entries."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    actor = ctx.actor() if ctx.person or ctx.settings().acting_as else ANONYMOUS
    found = ctx.hub().finder.find(actor, " ".join(words or []), chosen={"owner": owner}, size=limit)
    rows = [{name: getattr(entry, name) for name in COLUMNS} for entry in found.items]
    told = (
        rows
        if ctx.json
        else [{**row, "title": row["title"].get(ctx.lang) or next(iter(row["title"].values()), "")} for row in rows]
    )
    ctx.show(told, columns=COLUMNS)


@app.command()
def show(
    resource: Annotated[str, typer.Argument(help="The entry's id, region/owner/name.")],
    day: Annotated[
        datetime | None, typer.Option(help="Share and open attribute as they stood on this day.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """One entry with all its fields."""
    ctx = context()
    if day:
        ctx.show(dict(ctx.hub().catalog.as_of(ctx.actor(), resource, written(day))))
    else:
        show_entry(ctx, ctx.hub().catalog.get(ctx.actor(), resource))


@app.command()
def application(
    resource: Annotated[str, typer.Argument(help="The entry's id, region/owner/name.")],
) -> None:
    """What an application for registration says already: answers for `flow open registration`, to be read and completed."""
    ctx = context()
    ctx.show(ctx.hub().registrations.prepare(ctx.actor(), resource, ctx.lang))


@app.command()
def add(data: Annotated[list[str], typer.Argument(help="name=value …; or one JSON object; or @file.json.")]) -> None:
    """Enter a resource."""
    ctx = context()
    show_entry(ctx, ctx.hub().catalog.add(ctx.actor(), read_data(data)))


def show_entry(ctx: Context, entry: Resource) -> None:
    """All fields; a quality nobody has measured is no figure to a person."""
    told = entry.to_json()
    ctx.show(told if ctx.json or entry.quality >= 0 else {**told, "quality": None})


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="CSV (columns like title.zh; cells may be JSON), JSON or JSON lines.", exists=True, dir_okay=False),
    ],
) -> None:
    """Enter many resources; rows that are wrong are listed with their number, the others are added. Exit 1 if any was wrong."""
    ctx = context()
    report(ctx, ctx.hub().catalog.import_entries(ctx.actor(), read_rows(text_of(file))))


def report(ctx: Context, found: Imported) -> None:
    problems = [
        {"row": item.line, "field": item.path, "problem": item.explain(ctx.lang).partition(": ")[2]} for item in found.problems
    ]
    told = {"added": len(found.added), "wrong": len({item.line for item in found.problems})}
    if ctx.json:
        ctx.show({**told, "problems": problems})
    else:
        ctx.show(told)
        ctx.show(problems, columns=("row", "field", "problem"))
    if problems:
        raise typer.Exit(1)


@app.command()
def harvest(
    source: Annotated[
        str, typer.Argument(help="A file, or an address on a host of allowed_hosts: CKAN, DCAT in JSON-LD, or data.json.")
    ],
    owner: Annotated[str, typer.Option(help="The organisation the entries belong to here.")],
    region: Annotated[str, typer.Option(help="Region code of the entries' ids.")],
    folder: Annotated[str, typer.Option(help="Middle part of the entries' ids.")],
) -> None:
    """Enter what another catalog lists; entries that are wrong or there already are named. Exit 1 if any was."""
    ctx = context()
    from corpushub.domain.feed import Into, document_of

    catalog, into = ctx.hub().catalog, Into(owner, region, folder)
    if source.startswith(("http://", "https://")):
        report(ctx, catalog.harvest_at(ctx.actor(), source, ctx.settings().allowed_hosts, into))
    else:
        report(ctx, catalog.harvest(ctx.actor(), document_of(text_of(Path(source))), into))


@app.command()
def gaps(
    system: Annotated[list[str] | None, typer.Option(help="A system that should have entries; repeat for more.")] = None,
) -> None:
    """What the catalog lacks: systems without entries, entries without owner, definition or interpreter."""
    ctx = context()
    ctx.show(ctx.hub().oversight.catalog_gaps(ctx.actor(), systems=system or ()))
