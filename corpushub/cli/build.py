"""`corpushub build|plan|builds|diff`: carry out recipes and look at what they did."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpushub.base.errors import Invalid, Problem
from corpushub.cli.context import Context, context
from corpushub.domain.card import WANTED_PROSE, missing_prose
from corpushub.domain.licences import unknown

if TYPE_CHECKING:
    from corpushub.domain.recipe import Recipe
    from corpushub.services.builds import BuildRecord, Options

RecipePath = Annotated[
    Path, typer.Argument(help="The recipe file, for instance recipes/laws-and-reports.yaml.", show_default=False)
]
Sources = Annotated[list[str] | None, typer.Option("--from", help="Another address for a source: NAME=ADDRESS. May be repeated.")]
Sample = Annotated[int, typer.Option(min=0, help="Only about this many rows, to try a recipe; such a build cannot be released.")]
On = Annotated[str, typer.Option(help="Where to compute: serial, local, local:N, ray-local or ray://HOST:PORT.")]


def options(sources: list[str] | None, sample: int = 0, on: str = "") -> Options:
    from corpushub.services.builds import Options

    pairs = dict(pair(word) for word in sources or ())
    # Whoever types a path may read it; a recipe alone may not send the build outside its folder.
    roots = tuple(Path(address).resolve().parent for address in pairs.values() if "://" not in address)
    absolute = {name: address if "://" in address else str(Path(address).resolve()) for name, address in pairs.items()}
    return Options(absolute, sample, roots, on)


def pair(word: str) -> tuple[str, str]:
    name, equals, address = word.partition("=")
    if not equals or not name or not address:
        raise Invalid("build.from_form", word=word)
    return name, address


def build(recipe: RecipePath, from_: Sources = None, sample: Sample = 0, on: On = "") -> None:
    """Authorise, plan and carry out a recipe; print the build's id, its files and what each step did."""
    ctx = context()
    builds = ctx.hub().builds
    with ctx.progress() as progress:
        record = builds.build(ctx.actor(), recipe, progress=progress, options=options(from_, sample, on))
    warn(ctx, record.recipe)
    if ctx.json:
        ctx.show(
            {
                "id": record.id,
                "folder": str(record.folder),
                "sample": record.sample,
                "reused": dict(record.reused),
                **record.built.to_json(),
            }
        )
        return
    show_funnel(ctx, record)
    for stage, (reused, shards) in record.reused.items():
        if reused:
            ctx.say("build.reused", stage=stage, reused=reused, shards=shards)
    ctx.say(
        "build.done", id=record.id, rows=record.built.rows, files=len(record.built.files), digest=record.built.logical_digest[:16]
    )
    print(record.id)


def warn(ctx: Context, recipe: Recipe) -> None:
    """Say now what only a release would refuse."""
    unwritten = (
        Problem("card.prose_missing", {"section": section, "lang": lang}) for lang, section in missing_prose(recipe, WANTED_PROSE)
    )
    for problem in (*unwritten, *unknown(recipe)):
        ctx.say("cli.not_for_release", problem=problem.explain(ctx.lang))


def show_funnel(ctx: Context, record: BuildRecord) -> None:
    rows: list[dict[str, Any]] = [
        {
            "step": step.step,
            "in": step.rows_in,
            "out": step.rows_out,
            "changed": step.changed,
            "dropped": ", ".join(f"{reason} {count}" for reason, count in step.dropped.items()),
        }
        for step in record.built.steps
    ]
    ctx.show(rows, columns=("step", "in", "out", "changed", "dropped"))


def plan(
    recipe: RecipePath,
    from_: Sources = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also what each step does and which columns it changes.")] = False,
) -> None:
    """Print the stages a build would carry out and how much of them earlier builds already did."""
    ctx = context()
    service = ctx.hub().builds
    text = service.explain(ctx.actor(), recipe, options=options(from_), lang=ctx.lang if explain else "")
    warn(ctx, service.read(recipe))
    if ctx.json:
        ctx.show({"plan": text.splitlines()})
    else:
        print(text)


def builds(limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 20) -> None:
    """List finished builds of your organisation."""
    ctx = context()
    found = ctx.hub().builds.list(ctx.actor(), limit=limit)
    ctx.show([
        {"id": one.id, "dataset": one.built.dataset, "rows": one.built.rows, "at": one.at, "sample": one.sample, "by": one.built_by}
        for one in found
    ], columns=("id", "dataset", "rows", "at", "sample", "by"))  # fmt: skip


def removed(
    build_id: Annotated[str, typer.Argument(help="Id of a build.")],
    step: Annotated[int | None, typer.Option(help="Only what this step removed, by its number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows.")] = 50,
) -> None:
    """List rows a build removed: which step, why, and where they stood in the source."""
    ctx = context()
    service, actor = ctx.hub().builds, ctx.actor()
    check_step(step, len(service.get(actor, build_id).recipe.steps))
    rows = service.removed(actor, build_id, step=step, limit=limit)
    ctx.show(list(rows), columns=("step_name", "reason", "measure", "source_file", "source_row", "merged_into"))


def trace(
    recipe: RecipePath,
    step: Annotated[int | None, typer.Option(help="Only this step, by its number in the recipe.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=100_000, help="How many touched rows per step.")] = 5,
    sample: Annotated[int, typer.Option(min=1, help="How many rows of the sources to look at.")] = 500,
    from_: Sources = None,
) -> None:
    """Show what each step does to a few rows of a preview: before, after, or why the row leaves."""
    ctx = context()
    service = ctx.hub().builds
    check_step(step, len(service.read(recipe).steps))
    found = service.trace(ctx.actor(), recipe, step=step, limit=rows, options=options(from_, sample))
    ctx.show([asdict(one) for one in found], columns=("step", "name", "place", "reason", "before", "after"))


def check_step(step: int | None, count: int) -> None:
    """Raises: Invalid("cli.no_step") where a recipe of `count` steps has none of this number."""
    if step is not None and not 1 <= step <= count:
        raise Invalid("cli.no_step", step=step, count=count)


def diff(
    one: Annotated[str, typer.Argument(help="Id of the older build.")],
    two: Annotated[str, typer.Argument(help="Id of the newer build.")],
) -> None:
    """Compare two builds row by row, by key: added, removed, changed, moved between splits."""
    from corpushub.engine.difference import compare

    ctx = context()
    service = ctx.hub().builds
    older, newer = service.get(ctx.actor(), one), service.get(ctx.actor(), two)
    ctx.show(asdict(compare(older.folder, newer.folder)))


COMMANDS = (build, plan, builds, removed, trace, diff)
