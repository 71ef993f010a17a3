"""`corpushub cleanroom …`: declare what may be asked of a dataset nobody takes away, and ask it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from corpushub.base.errors import Invalid, NotFound
from corpushub.cli.context import context, read_text

app = typer.Typer(
    help="Questions about data that stays in: declared tables, noisy answers, a privacy budget.", no_args_is_help=True
)

Dataset = Annotated[str, typer.Argument(help="The dataset, owner/name.", show_default=False)]


@app.command("open")
def open_room(
    dataset: Dataset,
    declaration: Annotated[
        Path, typer.Argument(help="JSON: unit, dimensions, measures {column: [low, high]}, filters, max_groups, max_rows.")
    ],
    epsilon: Annotated[float, typer.Option(help="The whole privacy budget.")],
    split: Annotated[str, typer.Option(help="Which split may be asked.")] = "train",
) -> None:
    """Declare a clean room over the latest release of a dataset."""
    if not declaration.is_file():
        raise NotFound("cleanroom.no_file", name=declaration.name)
    try:
        stated = json.loads(read_text(declaration))
    except (ValueError, RecursionError) as error:
        raise Invalid("cleanroom.not_json", name=declaration.name, line=getattr(error, "lineno", 1)) from None
    ctx = context()
    ctx.hub().cleanroom.open(ctx.actor(), dataset, stated, epsilon=epsilon, split=split)
    ctx.show({"dataset": dataset, "epsilon": epsilon, "split": split})


@app.command()
def ask(
    dataset: Dataset,
    query: Annotated[str, typer.Argument(help="select DIMENSION, count(*) from data group by DIMENSION")],
    epsilon: Annotated[float, typer.Option(help="How much of the budget this question may spend.")] = 1.0,
) -> None:
    """Ask one question; the answer carries noise and says how much."""
    ctx = context()
    found = ctx.hub().cleanroom.ask(ctx.actor(), dataset, query, epsilon=epsilon)
    if ctx.json:
        ctx.show(found)
    else:
        ctx.show([dict(zip(found.columns, row, strict=True)) for row in found.rows])
        ctx.say("cleanroom.told", error=json.dumps(dict(found.error)), threshold=found.threshold, epsilon=found.epsilon)


@app.command()
def show(dataset: Dataset) -> None:
    """What may be asked of a dataset, and what is left of its budget."""
    ctx = context()
    ctx.show(ctx.hub().cleanroom.room(dataset))
