"""`corpushub compute …`: jobs at the training base, over the versions a confirmed booking names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpushub.base.errors import NotFound
from corpushub.base.files import replacing
from corpushub.cli.context import context, read_text

app = typer.Typer(help="Jobs over data nobody takes away: booked, metered, their results looked at.", no_args_is_help=True)


@app.command()
def run(
    booking: Annotated[str, typer.Argument(help="The confirmed record of kind compute_booking.")],
    recipe: Annotated[Path, typer.Argument(help="A recipe whose sources are mounts/OWNER/NAME/SPLIT.parquet.")],
    wait: Annotated[bool, typer.Option("--wait", help="Do it here and now instead of leaving it to the hub's worker.")] = False,
) -> None:
    """Queue a recipe over a booking's versions; its output waits until somebody of another organisation lets it out."""
    if not recipe.is_file():
        raise NotFound("recipe.no_file", file=recipe.name)
    ctx = context()
    job = ctx.hub().compute.run(ctx.actor(), booking, read_text(recipe))
    while wait and job.state in {"queued", "running"} and ctx.hub().jobs.run_one() is not None:
        job = ctx.hub().jobs.get(ctx.actor(), job.id)
    ctx.show({"job": job.id, "state": job.state, "result": job.result})


@app.command()
def bookings() -> None:
    """Bookings of your organisation, with what each has used."""
    ctx = context()
    held = ctx.hub().compute.bookings(ctx.actor())
    ctx.show([{"id": case.id, "state": case.state, **case.data["facts"], **used} for case, used in held])


@app.command()
def output(
    case: Annotated[str, typer.Argument(help="The case in which the output waits.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write the Parquet file.")] = Path("output.parquet"),
) -> None:
    """Take a cleared output away."""
    ctx = context()
    data = ctx.hub().compute.output(ctx.actor(), case)
    with replacing(to) as stream:
        stream.write(data)
    ctx.show({"file": to.name, "bytes": len(data)})
