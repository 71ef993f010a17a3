"""`corpushub backup`: the whole hub into a folder; `corpushub restore`: out of it, into an empty hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpushub.cli.context import context


def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept, best on another disk; each adds only what is new.")],
    keep: Annotated[int, typer.Option(min=0, help="How many backups stay there, the newest; 0: all.")] = 0,
) -> None:
    """Save records, objects, keys and builds, beside a running hub; the folder holds the hub's secrets and everybody's rows."""
    ctx = context()
    with ctx.progress() as progress:
        made = ctx.hub().backup.make(folder, keep=keep, progress=progress)
    ctx.show(made)


def restore(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept.")],
    at: Annotated[str, typer.Option(help="Which backup, for instance 20261123T081500Z; the newest without.")] = "",
) -> None:
    """Bring a backup into an empty hub, on SQLite or PostgreSQL, a folder or a bucket, and check the record; exit 1 where it is not whole."""
    ctx = context()
    with ctx.progress() as progress:
        done = ctx.hub().backup.restore(folder, at, progress=progress)
    ctx.show(done)
    report = ctx.hub().audit.verify(with_objects=False)  # each object was just read and compared
    for problem in report.problems:
        ctx.say("audit.found", place=problem.place(), words=problem.explain(ctx.lang).partition(": ")[2])
    ctx.say("audit.whole" if report.is_whole else "audit.broken", leaves=report.leaves, found=len(report.problems))
    if not report.is_whole:
        raise typer.Exit(1)


COMMANDS = (backup, restore)
