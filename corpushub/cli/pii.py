"""`corpushub pii …`: measure detection on labelled text, and look at what is found in a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corpushub.cli.context import context, read_text

app = typer.Typer(no_args_is_help=True, help="Personal information: measure detection, look at findings.", rich_markup_mode=None)

COLUMNS = (
    "file", "entity", "gold", "found", "recall", "precision", "recall_from", "precision_from", "strict_recall", "any_label_recall", "char_recall", "f1", "f2",
)  # fmt: skip


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(exists=True, help="A labelled file (.jsonl, .json, .iob2) or a folder of them.")],
    keep: Annotated[bool, typer.Option("--keep", help="Keep the figures: the cards of this hub's releases print them.")] = False,
) -> None:
    """Compare findings with labels: recall, precision, their 95 % lower bounds, and speed."""
    from corpushub.engine.pii.evaluate import evaluate as measure

    ctx = context()
    made = measure(data)
    if keep:
        ctx.hub().evaluations.keep(ctx.actor(), made)
    if ctx.json:
        ctx.show(made)
        return
    rows = [
        {"file": one.name, "recall_from": score.recall_interval[0], "precision_from": score.precision_interval[0]}
        | {name: getattr(score, name) for name in COLUMNS if hasattr(score, name)}
        for one in made
        for score in one.scores
    ]
    ctx.show(rows, columns=COLUMNS)
    for one in made:
        ctx.say(
            "pii.evaluated",
            file=one.name,
            texts=one.texts,
            chars=one.chars,
            speed=one.chars_per_second,
            others=sum(one.unlabelled.values()),
        )


@app.command()
def roles(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV, TSV, Parquet or JSON lines file.")],
    recipe: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Compare with the contract of this recipe.")
    ] = None,
) -> None:
    """Propose the role of every column: direct identifier, quasi-identifier, sensitive, or neither. With a recipe, fail where it says nothing."""
    from corpushub.base.errors import Invalid
    from corpushub.domain.recipe import Recipe
    from corpushub.engine.pii.columns import head, infer_roles, unguarded
    from corpushub.engine.registry import registry

    ctx = context()
    found = infer_roles(head(file))
    ctx.show(found if ctx.json else [asdict(role) for role in found])
    if recipe is not None:
        problems = unguarded(found, Recipe.parse(read_text(recipe), name=recipe.name, steps=registry()))
        if problems:
            raise Invalid("pii.unguarded_columns", problems=problems, file=recipe.name, count=len(problems))


@app.command()
def show(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A UTF-8 text file; each line is looked at by itself.")
    ],
    policy: Annotated[str, typer.Option(help="The policy whose actions are shown.")] = "training",
    lines: Annotated[int, typer.Option(min=1, help="How many lines to read.")] = 200,
) -> None:
    """Show what would be replaced in a file, why, and how the text reads afterwards."""
    from corpushub.engine.pii.policy import policy as named
    from corpushub.engine.pii.preview import preview

    ctx = context()
    texts = [line for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()][:lines]
    shown = preview(texts, named(policy), lang=ctx.lang)
    if ctx.json:
        ctx.show(shown)
        return
    ctx.show(
        [
            {"line": number, "text": one.before[item.start : item.end], "entity": item.entity, "score": item.score, "action": item.action,
             "recognizer": item.recognizer, "why": item.why}
            for number, one in enumerate(shown, 1)
            for item in one.findings
        ]
    )  # fmt: skip
    for one in shown:
        print(one.after)
