"""`corpushub rebuild`: build a release again from its recipe and compare."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corpushub.cli.build import options
from corpushub.cli.context import context


def rebuild(
    folder: Annotated[Path, typer.Argument(help="Folder of a downloaded release.", show_default=False)],
    recipe: Annotated[Path | None, typer.Option(help="The recipe; without it the one in the release.")] = None,
    sources: Annotated[list[str] | None, typer.Option("--from", help="Another address for a source: NAME=ADDRESS.")] = None,
    verify: Annotated[bool, typer.Option(help="Fail where the data differ; else only tell.")] = True,
) -> None:
    """Build a release again and compare: byte_equal, logically_equal, or differs with the keys of rows. Exit 1 where data differ."""
    from corpushub.services.rebuild import DIFFERS
    from corpushub.services.rebuild import rebuild as build_again

    ctx = context()
    path = recipe or folder / "provenance" / "recipe.yaml"
    with ctx.progress() as progress:
        found = build_again(ctx.actor(), ctx.hub().builds, folder, path, options=options(sources), progress=progress)
    ctx.show(asdict(found))
    raise typer.Exit(1 if verify and found.verdict == DIFFERS else 0)


COMMANDS = (rebuild,)
