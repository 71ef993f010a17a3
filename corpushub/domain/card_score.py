"""Scores of the documentation and of the data after TC609-5-2025-04, by rules anybody can repeat. They are our reading of the norm's
metrics 0101 to 0104 and 0201 to 0208, not its assessment.
"""

from __future__ import annotations

from collections.abc import Mapping

from corpushub.domain.build import Built
from corpushub.domain.measures import rounded
from corpushub.domain.recipe import Recipe

RATES = (
    "quality_validity", "quality_completeness", "quality_accuracy", "quality_consistency", "quality_timeliness", "key_uniqueness", "key_completeness",
    "risk_clean_share", "lineage_coverage",
)  # fmt: skip


def aspects(recipe: Recipe, built: Built, *, contact: bool = False) -> dict[str, bool]:
    """The twenty aspects of documentation, and whether this dataset tells each with content of its own."""

    def written(*sections: str) -> bool:
        return all(str(words.get(section, "")).strip() for words in recipe.card.values() for section in sections) and bool(
            recipe.card
        )

    described = all(column.description for column in recipe.contract.columns)
    profiled = any(column.profile for column in built.columns)
    labelled = any(column.profile.get("top") for column in built.columns)
    return {
        "size": built.rows > 0, "format": described and bool(recipe.contract.columns), "structure": bool(built.files), "access": True,
        "support": written("contact") or contact,
        "modality": bool(built.columns), "distribution": profiled, "labels": labelled, "sample": built.rows > 0, "limitations": written("limitations"),
        "sources": bool(built.sources), "collection": written("collection"), "process": bool(built.steps), "annotation": True, "versions": True,
        "licence": bool(recipe.licence.id), "scenarios": written("uses"), "evaluation": any(name in built.measures for name in RATES),
        "benchmarks": written("evidence"), "cases": written("uses"),
    }  # fmt: skip


def documentation_score(recipe: Recipe, built: Built, *, contact: bool = False) -> float:
    """Share of the twenty aspects that are told, times 100."""
    told = aspects(recipe, built, contact=contact)
    return 100 * sum(told.values()) / len(told)


def data_score(measures: Mapping[str, float]) -> float:
    """Mean of the data rates that were measured, times 100; 0 where none was."""
    rates = [measures[name] for name in RATES if name in measures]
    return rounded(100 * sum(rates) / len(rates), 5) if rates else 0.0
