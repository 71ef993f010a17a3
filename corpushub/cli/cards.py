"""`corpushub cards …`: the data cards of the recipes, generated and checked in.

Exit codes: 0 fresh and valid (or built), 1 stale, invalid or different, 2 wrong use, 3 recipe prose missing, 4 validator missing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpushub.base.errors import Invalid
from corpushub.cli.context import Context, context

if TYPE_CHECKING:
    from corpushub.services.cards import CardReport, Finding

app = typer.Typer(help="Data cards: build them from recipes, check that they are fresh and valid.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(help="Recipes by file or dataset name; all without.")]
Recipes = Annotated[Path, typer.Option(help="Folder of recipes.")]
CardsFolder = Annotated[Path, typer.Option(help="Folder of cards.")]
FORMATS = ("text", "github", "sarif")


@app.command()
def build(
    names: Names = None,
    recipes: Recipes = Path("recipes"),
    cards: CardsFolder = Path("cards"),
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Build all data again, as after a change of the steps' own code.")
    ] = False,
) -> None:
    """Bring cards up to date; data are built again only where recipe or sources changed, files written only where bytes differ."""
    from corpushub.services.cards import Cards

    ctx = context()
    hub = ctx.hub()
    with ctx.progress() as progress:
        reports = Cards(builds=hub.builds, clock=hub.clock).build(recipes, cards, names or (), fresh=fresh, progress=progress)
    if ctx.json:
        ctx.show(
            [
                {"dataset": item.dataset, "rebuilt": item.built, "written": list(item.written), "problems": problems(item)}
                for item in reports
            ]
        )
    else:
        tell(ctx, reports, "text")
        ctx.show([{"dataset": item.dataset, "rebuilt": item.built, "written": len(item.written)} for item in reports])
    codes = {finding.problem.code for item in reports for finding in item.findings}
    raise typer.Exit(3 if "card.prose_missing" in codes else 1 if codes else 0)


@app.command()
def check(
    names: Names = None,
    recipes: Recipes = Path("recipes"),
    cards: CardsFolder = Path("cards"),
    strict: Annotated[bool, typer.Option("--strict", help="Run every validator again, also on unchanged cards.")] = False,
    format_: Annotated[str, typer.Option("--format", help="text, github (annotations) or sarif.")] = "text",
) -> None:
    """Render every card again and compare bytes; run other people's validators on what they have not seen."""
    from corpushub.services.cards import Cards

    ctx = context()
    if format_ not in FORMATS:
        raise Invalid("cards.format", given=format_, known=", ".join(FORMATS))
    reports = Cards().check(recipes, cards, names or (), strict=strict)
    if ctx.json:
        ctx.show([{"dataset": item.dataset, "problems": problems(item)} for item in reports])
    else:
        tell(ctx, reports, format_)
    raise typer.Exit(1 if any(item.findings for item in reports) else 0)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Card folder or release folder of the older version.")],
    new: Annotated[Path, typer.Argument(help="Card folder or release folder of the newer version.")],
    format_: Annotated[str, typer.Option("--format", help="md or json.")] = "md",
) -> None:
    """What changed between two versions, with the version the change asks for. Exit 0: same data; 1: different."""
    from corpushub.services.card_diff import compare_folders, to_markdown

    ctx = context()
    found = compare_folders(old, new)
    if ctx.json or format_ == "json":
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
    else:
        print(to_markdown(found, ctx.lang))
    raise typer.Exit(0 if found.change.same_data else 1)


@app.command()
def export(
    dataset: Annotated[str, typer.Argument(help="The dataset, owner/name, or a folder with a release.")],
    format_: Annotated[str, typer.Option("--format", help="eu-53, tc609, cdx, spdx, dta or filing.")],
    cards: CardsFolder = Path("cards"),
    recipes: Recipes = Path("recipes"),
) -> None:
    """Print the card in the form another register asks for."""
    from corpushub.services.exports import export_card

    sys.stdout.write(export_card(dataset, format_, recipes, cards))


def problems(report: CardReport) -> list[dict[str, object]]:
    return [
        {
            "code": item.problem.code,
            "file": item.problem.file,
            "line": item.problem.line,
            "message": item.problem.explain("en"),
            "diff": item.diff,
        }
        for item in report.findings
    ]


def tell(ctx: Context, reports: Sequence[CardReport], format_: str) -> None:
    """Print findings: diffs for people, annotations for a pull request, SARIF for scanners."""
    findings = [finding for report in reports for finding in report.findings]
    if format_ == "sarif":
        print(json.dumps(sarif(findings, ctx), ensure_ascii=False, indent=1))
        return
    for finding in findings:
        problem = finding.problem
        if format_ == "github":
            place = f"file={place_of(finding)}" + (f",line={problem.line}" if problem.line else "")
            print(f"::error {place}::{escaped(problem.explain(ctx.lang))}")
        else:
            print(problem.explain(ctx.lang))
        if finding.diff:
            print(finding.diff)
    ctx.say("cards.checked_bad" if findings else "cards.checked_good", count=len(findings), cards=len(reports))


def place_of(finding: Finding) -> str:
    """The file a finding is about, from the root of the checkout: a recipe, or a file of the dataset's card."""
    file = finding.problem.file
    if file.endswith(".yaml") and "/" not in file:
        return f"recipes/{file}"
    return f"cards/{file}" if file.startswith(f"{finding.dataset}/") else f"cards/{finding.dataset}/{file}"


def escaped(words: str) -> str:
    """A message as GitHub's workflow commands take it."""
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def sarif(findings: Sequence[Finding], ctx: Context) -> dict[str, object]:
    rows = []
    for finding in findings:
        problem = finding.problem
        region = {"region": {"startLine": problem.line}} if problem.line else {}
        place = {"physicalLocation": {"artifactLocation": {"uri": place_of(finding)}, **region}}
        rows.append(
            {"ruleId": problem.code, "level": "error", "message": {"text": problem.explain(ctx.lang)}, "locations": [place]}
        )
    driver = {"tool": {"driver": {"name": "corpushub cards", "rules": []}}, "results": rows}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [driver]}
