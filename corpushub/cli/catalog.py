"""`corpushub catalog …`: entries of the one catalog."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpushub.base.errors import Invalid
from corpushub.cli.context import Context, context
from corpushub.cli.flow import read_data

if TYPE_CHECKING:
    from corpushub.services.catalog import Imported

app = typer.Typer(help="The catalog of public data resources.", no_args_is_help=True)
COLUMNS = ("id", "owner", "domain", "state", "share_attribute", "open_attribute", "registration_code", "registration_to")


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words an entry has to hold.")] = None,
    owner: Annotated[str, typer.Option(help="Only of this organisation.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
) -> None:
    """Find entries."""
    ctx = context()
    from corpushub.domain.parties import ANONYMOUS

    actor = ctx.actor() if ctx.person or ctx.settings().acting_as else ANONYMOUS
    found = ctx.hub().finder.find(actor, " ".join(words or []), chosen={"owner": owner}, size=limit)
    ctx.show([{name: getattr(entry, name) for name in COLUMNS} for entry in found.items], columns=COLUMNS)


@app.command()
def show(
    resource: Annotated[str, typer.Argument(help="The entry's id, region/owner/name.")],
    day: Annotated[str, typer.Option(help="Share and open attribute as they stood on this day.")] = "",
) -> None:
    """One entry with all its fields."""
    ctx = context()
    if day:
        ctx.show(dict(ctx.hub().catalog.as_of(ctx.actor(), resource, day)))
    else:
        ctx.show(ctx.hub().catalog.get(ctx.actor(), resource).to_json())


@app.command()
def add(data: Annotated[list[str], typer.Argument(help="name=value …; or one JSON object; or @file.json.")]) -> None:
    """Enter a resource."""
    ctx = context()
    ctx.show(ctx.hub().catalog.add(ctx.actor(), read_data(data)).to_json())


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV whose cells may be JSON.", exists=True, dir_okay=False)],
) -> None:
    """Enter many resources; rows that are wrong are listed with their number, the others are added. Exit 1 if any was wrong."""
    ctx = context()
    report(ctx, ctx.hub().catalog.import_entries(ctx.actor(), rows_of(file)))


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
    from corpushub.domain.feed import Into
    from corpushub.store.peers import fetch, parsed, read_file

    remote = source.startswith(("http://", "https://"))
    document = parsed(fetch(source, ctx.settings().allowed_hosts)) if remote else read_file(Path(source))
    report(ctx, ctx.hub().catalog.harvest(ctx.actor(), document, Into(owner, region, folder)))


@app.command()
def gaps(
    system: Annotated[list[str] | None, typer.Option(help="A system that should have entries; repeat for more.")] = None,
) -> None:
    """What the catalog lacks: systems without entries, entries without owner, definition or interpreter."""
    ctx = context()
    ctx.show(ctx.hub().oversight.catalog_gaps(ctx.actor(), systems=system or ()))


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Raises: Invalid("flow.bad_data") naming the row."""
    text = file.read_text("utf-8-sig")
    if file.suffix == ".csv":
        return [{name: cell_of(cell) for name, cell in row.items() if name and cell} for row in csv.DictReader(text.splitlines())]
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            raise Invalid("flow.bad_data", word=f"{file.name}:{number}") from None
        rows.append(value if isinstance(value, dict) else {})
    return rows


def cell_of(cell: str) -> Any:
    """Mappings and lists stand in a cell as JSON; everything else is text."""
    if cell.lstrip()[:1] not in {"{", "["}:
        return cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell
