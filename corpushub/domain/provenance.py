"""The build attestation: SLSA provenance v1 as predicate of an in-toto statement about every data file."""

from __future__ import annotations

from typing import Any

from corpushub.domain.card import Facts

PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://corpushub.dev/build/recipe/v1"
BUILDER = "https://corpushub.dev/builder/v1"


def provenance(facts: Facts) -> tuple[str, dict[str, Any]]:
    """(predicate type, predicate). Times are those of the release day, so the statement is the same on every machine."""
    built, recipe = facts.built, facts.recipe
    rights = {origin.source: origin for origin in facts.origins}
    dependencies: list[dict[str, Any]] = [
        {
            "uri": f"urn:corpushub:resource:{source.resource}",
            "name": source.name,
            "digest": {"sha256": source.digest},
            "annotations": {
                "rows": source.rows,
                "format": source.format,
                "encoding": source.encoding,
                "authorization": rights[source.name].authorization if source.name in rights else "",
            },
        }
        for source in built.sources
    ]
    recipe_file = {"uri": f"urn:corpushub:recipe:{recipe.name}", "name": "recipe", "digest": {"sha256": recipe.digest}}
    moment = f"{facts.day}T00:00:00Z"
    return PREDICATE, {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "recipe": recipe.name,
                "recipeSha256": recipe.digest,
                "dataset": facts.dataset,
                "version": facts.version,
            },
            "internalParameters": {
                "logicalSha256": built.logical_digest,
                "fingerprint": built.fingerprint,
                "tools": dict(sorted(built.tools.items())),
                "steps": [{"step": step.step, "version": step.version} for step in built.steps],
            },
            "resolvedDependencies": [recipe_file, *dependencies],
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": {key: built.tools[key] for key in sorted(built.tools)}},
            "metadata": {"invocationId": f"urn:corpushub:build:{built.fingerprint}", "startedOn": moment, "finishedOn": moment},
        },
    }
