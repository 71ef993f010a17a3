"""`corpushub audit …`: check the record, sign it, hand it to an auditor, witness another hub's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpushub.cli.context import Context, context, read_text

if TYPE_CHECKING:
    from corpushub.domain.parties import Actor
    from corpushub.services.witness import Witness

app = typer.Typer(no_args_is_help=True, help="Check, sign and hand over the record an auditor relies on.", rich_markup_mode=None)


@app.command()
def verify(
    older: Annotated[list[Path] | None, typer.Option(help="A checkpoint kept elsewhere; the record has to continue it.")] = None,
    objects: Annotated[bool, typer.Option("--objects/--no-objects", help="Read every stored object again.")] = True,
) -> None:
    """Compare ledger, events, folded cases and objects; exit 1 and name the place where they differ."""
    from corpushub.services.audit import report_json

    ctx = context()
    texts = [read_text(path) for path in older or []]
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


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write, for instance audit-2026.tar.")],
    since: Annotated[datetime | None, typer.Option(help="Only entries logged from this day on.", formats=["%Y-%m-%d"])] = None,
    until: Annotated[datetime | None, typer.Option(help="Only entries logged before this day.", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Write the bundle that tools/verify_audit.py checks without corpushub."""
    ctx = context()
    with ctx.progress() as progress:
        done = ctx.hub().audit.export(acting(ctx), target, since=local(since), until=local(until), progress=progress)
    ctx.show(done)


@app.command()
def request(
    since: Annotated[int, typer.Option(help="Size of the checkpoint the witness last signed.")] = 0,
) -> None:
    """Print what a witness needs to sign the newest checkpoint."""
    ctx = context()
    print(ctx.hub().audit.request(acting(ctx), since), end="")


@app.command()
def witness(
    file: Annotated[Path, typer.Argument(help="The request of the other hub (`corpushub audit request`).")],
    log: Annotated[str, typer.Option(help="The other log's public key, as its owner published it.")],
) -> None:
    """Witness another hub's ledger: check that it continues what was seen before, and print the signature to send back."""
    from corpushub.base.signing import VerifierKey

    print(own_witness(context()).sign(VerifierKey.parse(log), read_text(file)))


@app.command("witness-key")
def witness_key() -> None:
    """Print the public key this home witnesses with, to hand to the other hub."""
    print(own_witness(context()).key.verifier)


@app.command("witness-add")
def witness_add(
    key: Annotated[str, typer.Argument(help="The witness' public key.")],
    org: Annotated[str, typer.Option(help="Organisation that holds it.")],
) -> None:
    """Let an organisation outside witness this ledger."""
    ctx = context()
    added = ctx.hub().audit.add_witness(acting(ctx), key, org)
    ctx.say("audit.witness_added", name=added.name, org=org)


@app.command()
def cosign(file: Annotated[Path, typer.Argument(help="What the witness printed.")]) -> None:
    """Keep a witness' signature with the checkpoint it belongs to."""
    ctx = context()
    ctx.say("audit.cosigned", count=ctx.hub().audit.cosign(read_text(file)))


@app.command()
def anchor(
    kind: Annotated[str, typer.Argument(help="rfc3161, or a name for another kind of receipt.")],
    command: Annotated[list[str], typer.Argument(help="Program and arguments, after --.")],
) -> None:
    """Hand the newest checkpoint to an outside time stamp or chain and keep the receipt."""
    ctx = context()
    ctx.show(ctx.hub().audit.anchor(acting(ctx), kind, command))


@app.command()
def prove(
    stream: Annotated[str, typer.Argument(help="The case's or resource's number.")],
    version: Annotated[int, typer.Argument(help="The event's version on its timeline.")],
) -> None:
    """Print the proof that one event stands in the signed ledger."""
    ctx = context()
    ctx.show(ctx.hub().audit.prove(stream, version))


def own_witness(ctx: Context) -> Witness:
    from corpushub.base.identity import system_clock
    from corpushub.services.witness import Witness

    settings = ctx.settings()
    host = settings.endpoint().partition("://")[2]
    return Witness(settings.home / "keys", f"{host}/witness", system_clock)


def local(day: datetime | None) -> datetime | None:
    """Days are those of China."""
    from corpushub.base.identity import BEIJING

    return day.replace(tzinfo=BEIJING) if day else None


def acting(ctx: Context) -> Actor:
    """The person named with --as, else the hub itself: who can read the home's keys can do no less."""
    from corpushub.domain.parties import SYSTEM

    return ctx.actor() if ctx.person else SYSTEM
