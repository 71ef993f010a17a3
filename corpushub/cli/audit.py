"""`corpushub audit …`: check the record, sign it, hand it to an auditor, witness another hub's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpushub.cli.context import Context, context

if TYPE_CHECKING:
    from corpushub.domain.parties import Actor

app = typer.Typer(no_args_is_help=True, help="Check, sign and hand over the record an auditor relies on.", rich_markup_mode=None)


@app.command()
def verify(
    older: Annotated[list[Path] | None, typer.Option(help="A checkpoint kept elsewhere; the record has to continue it.")] = None,
    objects: Annotated[bool, typer.Option("--objects/--no-objects", help="Read every stored object again.")] = True,
) -> None:
    """Compare ledger, events, folded cases and objects; exit 1 and name the place where they differ."""
    from corpushub.services.audit import report_json

    ctx = context()
    texts = [path.read_text("utf-8") for path in older or []]
    with ctx.progress() as progress:
        report = ctx.hub().audit.verify(older=texts, with_objects=objects, progress=progress)
    if ctx.json:
        ctx.show(report_json(report))
    else:
        for problem in report.problems:
            ctx.say("audit.found", place=problem.place(), words=problem.explain(ctx.lang).partition(": ")[2])
        ctx.show({name: value for name, value in report_json(report).items() if name != "problems"})
    ctx.say("audit.whole" if report.is_whole else "audit.broken", leaves=report.leaves, found=len(report.problems))
    if not report.is_whole:
        raise typer.Exit(1)


@app.command()
def checkpoint() -> None:
    """Sign the ledger as it stands and print the note; give it to whoever shall be able to prove later changes."""
    ctx = context()
    made = ctx.hub().audit.checkpoint(acting(ctx))
    if ctx.json:
        ctx.show(made)
    else:
        print(made.note, end="")


@app.command()
def key() -> None:
    """Print the log's public key, to publish and to hand to witnesses and auditors."""
    print(context().hub().audit.verifier_key())


def acting(ctx: Context) -> Actor:
    """The named person, else the hub itself: who can read the home's keys can do no less."""
    from corpushub.domain.parties import SYSTEM

    return ctx.actor() if ctx.person or ctx.settings().acting_as else SYSTEM
