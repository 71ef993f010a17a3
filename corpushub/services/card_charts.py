"""Which charts a card shows, drawn from the figures of the build: one SVG a language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corpushub.base.messages import LANGS, Lang, catalogue, text
from corpushub.domain.build import Built
from corpushub.domain.recipe import Recipe
from corpushub.engine import charts

SHOWN_CHARTS = 12  # categories in one chart


def draw(built: Built, recipe: Recipe, measures: Mapping[str, float], risks: Mapping[str, int]) -> dict[str, str]:
    """The card's charts, one SVG a language, by file name."""
    found: dict[str, str] = {}
    for lang in LANGS:
        for name, svg in charts_in(built, recipe, measures, lang):
            found[f"{name}.{lang}.svg"] = svg
        if risks:
            rows = [(name, float(count)) for name, count in risks.items()]
            found[f"risks.{lang}.svg"] = charts.bar(text("card.chart_risks", lang), rows, unit=text("card.rows", lang), colour=1)
    return found


def charts_in(built: Built, recipe: Recipe, measures: Mapping[str, float], lang: Lang) -> Iterable[tuple[str, str]]:
    """(name, SVG) of every chart that has something to show."""

    def title(name: str) -> str:
        return text(f"card.chart_{name}", lang)

    rows = text("card.rows", lang)
    if len(built.files) > 1:
        yield "splits", charts.bar(title("splits"), [(file.split, file.rows) for file in built.files], unit=rows)
    if len(built.sources) > 1:
        yield (
            "sources",
            charts.bar(title("sources"), [(source.name, source.rows) for source in built.sources], unit=rows, colour=2),
        )
    if built.steps:
        start = (text("card.read", lang), float(sum(source.rows for source in built.sources)))
        steps = [(f"{step.index} {step.step}", float(step.rows_out)) for step in built.steps]
        yield "funnel", charts.funnel(title("funnel"), [start, *steps], unit=rows)
    if longest := longest_text(built):
        shape = longest.profile["histogram"]
        yield (
            "lengths",
            charts.histogram(
                f"{title('lengths')}: {longest.name}", shape["edges"], shape["counts"], unit=text("card.characters", lang)
            ),
        )
    if labels := label_column(built, recipe):
        top = [(item["value"], float(item["count"])) for item in labels.profile["top"][:SHOWN_CHARTS]]
        yield "categories", charts.bar(f"{title('categories')}: {labels.name}", top, unit=rows, colour=3)
    if dated := next((column for column in built.columns if len(column.profile.get("years", {})) > 1), None):
        yield (
            "timeline",
            charts.line(
                f"{title('timeline')}: {dated.name}", [(y, float(n)) for y, n in dated.profile["years"].items()], unit=rows
            ),
        )
    nulls = [(c.name, 100 * c.profile["nulls"] / c.profile["count"]) for c in built.columns if c.profile.get("count")]
    if any(value for _, value in nulls):
        yield "nulls", charts.heat_strip(title("nulls"), nulls[:16], unit="%", full=100)
    if built.entities:
        series = [text("card.found", lang), text("card.residual", lang)]
        yield (
            "entities",
            charts.stacked(
                title("entities"), [(named(e.entity, lang), (e.found, e.residual)) for e in built.entities[:SHOWN_CHARTS]], series
            ),
        )
    dimensions = [
        (text(f"card_dimension.{name}", lang), 100 * measures[f"quality_{name}"])
        for name in QUALITY
        if f"quality_{name}" in measures
    ]
    if dimensions:
        yield "quality", charts.bar(title("quality"), dimensions, unit="%", colour=2)


QUALITY = ("validity", "completeness", "accuracy", "consistency", "timeliness", "accessibility")


def longest_text(built: Built) -> Any:
    """The text column with the longest mean, when it is prose rather than codes."""
    found = [
        c
        for c in built.columns
        if c.profile.get("of") == "characters" and c.profile.get("mean", 0) >= 20 and "histogram" in c.profile
    ]
    return max(found, key=mean_length, default=None)


def mean_length(column: Any) -> float:
    return float(column.profile["mean"])


def label_column(built: Built, recipe: Recipe) -> Any:
    """The column whose few values say most: 2 to 60 values, not the key."""
    for column in built.columns:
        distinct = column.profile.get("distinct")
        if distinct and 2 <= distinct <= 60 and column.dtype == "string" and column.name != recipe.contract.key:
            return column
    return None


def named(entity: str, lang: Lang) -> str:
    """The word for a kind of personal information; its id where a plugin brought it."""
    return catalogue(lang).get(f"pii_entity.{entity}", entity)
