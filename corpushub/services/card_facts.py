"""From a build to the facts of its card: statistics, measures of every origin, verdicts and charts. No clock, no path in the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpushub.base.errors import Invalid, Problem
from corpushub.base.identity import file_sha256
from corpushub.base.messages import LANGS, text
from corpushub.base.suggest import closest
from corpushub.domain.build import Built
from corpushub.domain.card import WANTED_PROSE, Facts, Origin, Publisher, missing_prose
from corpushub.domain.card_score import data_score, documentation_score
from corpushub.domain.gates import Context, Stage, Verdict, Waiver, judge, registry
from corpushub.domain.licences import conflicts, is_known, unknown
from corpushub.domain.measures import MEASURES, measures_of, rounded
from corpushub.domain.places import Place
from corpushub.domain.recipe import Recipe
from corpushub.domain.release import Change, Version, next_version
from corpushub.domain.sampling import PURPOSES
from corpushub.engine.profile import Profile, profile_files
from corpushub.services.card_charts import draw
from corpushub.services.linkages import Linked
from corpushub.services.residuals import Reading, Seal, read_again, roles_of
from corpushub.services.source_languages import fewest_sources


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a release is made from. `folder` holds the data files at the paths the build names; without one, as for a card that is
    only rendered again, `profile` and `screened` have to be given.
    """

    recipe: Recipe
    built: Built
    folder: Path | None
    version: str
    day: date
    origins: tuple[Origin, ...] = ()
    publisher: Publisher = field(default_factory=lambda: Publisher({"zh": "corpushub", "en": "corpushub"}))
    measures: Mapping[str, float] = field(default_factory=dict)  # from catalogue and reviews
    waivers: tuple[Waiver, ...] = ()
    change: Change | None = None
    history: tuple[Mapping[str, str], ...] = ()
    reviews: Mapping[str, Any] = field(default_factory=dict)
    linked: Linked = field(default_factory=Linked)
    gates_before: Mapping[str, str] = field(default_factory=dict)  # verdicts of the version before
    profile: Profile | None = None
    screened: Mapping[str, Any] | None = None  # an earlier safety screen of the same data
    checked_in: bool = False
    seal: Seal = field(default_factory=Seal, repr=False)  # what the build planted, and the key of its surrogates


@dataclass(frozen=True, slots=True)
class Made:
    """Facts with what they were judged on, and the charts as SVG by file name. `places`: rows by the gates that count them, for curators
    alone; what is published with a release (`screened`) does not point at them.
    """

    facts: Facts
    context: Context
    charts: Mapping[str, str]
    problems: tuple[Problem, ...]
    profile: Profile
    screened: Mapping[str, Any]
    places: Mapping[str, Sequence[Place]]


def make_facts(inputs: Inputs) -> Made:
    """One pass over the data, then arithmetic.

    Raises: Invalid("gate.unknown_names") where the recipe's gates name neither a gate nor a measure.
    """
    check_gate_names(inputs.recipe)
    counted = {column.name: column.profile for column in inputs.built.columns}
    profile = inputs.profile or profile_files(located(inputs), inputs.built.files, counted)
    built = with_profile(inputs.built, profile, inputs.recipe)
    problems = data_problems(inputs, profile)
    measures = release_measures(inputs, profile, problems) | measures_of(built) | overruled(inputs, built)
    screened, places = screen(replace(inputs, built=built), measures) if inputs.screened is None else (inputs.screened, {})
    measures |= dict(screened["measures"]) | dict(inputs.measures)
    contact = bool(inputs.publisher.contact)
    measures |= {
        "documentation_score": documentation_score(inputs.recipe, built, contact=contact),
        "data_score": data_score(measures),
    }
    stage: Stage = "build" if inputs.checked_in else "propose"
    context = Context(measures, inputs.day, inputs.recipe.stated, inputs.waivers, stage)
    verdicts = judge(registry().values(), context)
    drawn = draw(built, inputs.recipe, measures, screened["classes"])
    reviews = {
        **inputs.reviews,
        "risks": screened["classes"],
        "residual": screened.get("residual", {}),
        "evaluation": screened.get("evaluation", {}),
    }
    facts = Facts(
        recipe=inputs.recipe, built=built, version=inputs.version, day=inputs.day.isoformat(), origins=inputs.origins, verdicts=verdicts,
        measures=measures, publisher=inputs.publisher, change=with_gates(inputs, verdicts), history=inputs.history, example=profile.example,
        charts={name.removesuffix(".svg"): f"cards/{name}" for name in drawn}, reviews=reviews, checked_in=inputs.checked_in,
    )  # fmt: skip
    return Made(facts, context, drawn, problems, profile, screened, places)


def with_gates(inputs: Inputs, verdicts: Iterable[Verdict]) -> Change | None:
    """The difference to the version before, with the verdicts that changed."""
    if inputs.change is None:
        return None
    before = inputs.gates_before
    changed = {v.gate: (before[v.gate], v.status.value) for v in verdicts if before.get(v.gate, v.status.value) != v.status.value}
    return replace(inputs.change, gates=changed)


def screen(inputs: Inputs, measures: Mapping[str, float]) -> tuple[dict[str, Any], dict[str, Sequence[Place]]]:
    """What a second look at every row finds: personal information, rows the contract's schema refuses, risk classes, texts that stand in
    two splits. Beside it rows with risks and texts in two splits, by gate.
    """
    # Cards are checked far more often than data are read: what only reads data is imported here.
    from corpushub.engine.contract import accept
    from corpushub.engine.dedup.leakage import across_splits
    from corpushub.engine.risks import library, screen_files

    folder, files = located(inputs), inputs.built.files
    columns = text_columns(inputs.recipe, inputs.built)
    reading = read_again(folder, files, inputs.recipe, inputs.seal)
    key = inputs.recipe.contract.key
    key = "" if reading.columns.get(key) else key  # a key that holds personal information itself is not shown
    base = residual_measures(reading, measures)
    unclear = roles_of(folder, files, inputs.recipe)
    base |= {"roles_read": 1, "unconfirmed_roles": len(unclear)}
    told: dict[str, Any] = {"residual": asdict(reading), "roles": [told_twice(problem) for problem in unclear]}
    told["evaluation"] = dict(inputs.reviews.get("evaluation", {}))
    if accepted := accept(folder, files, inputs.recipe.contract):
        told["contract"] = asdict(
            accepted if key else replace(accepted, places=tuple(replace(at, key="") for at in accepted.places))
        )
        base["contract_failures"] = max(accepted.refused, measures.get("contract_failures", 0))
    if not measures.get("text_rows") or not columns:
        return {"measures": base, "classes": {}, **told}, {}
    held = library()
    found = screen_files(folder, files, columns, held, key=key)
    leak = across_splits(folder, files, columns[0], key=key)
    near = {} if leak.near is None else {"near_duplicates_across_splits": leak.near}
    leaked = {"duplicates_across_splits": leak.exact, **near}
    measured = {
        "measures": {**base, **found.measures(held, inputs.day), **leaked},
        "classes": dict(found.by_class),
        "library": held.about(),
        **told,
    }
    return measured, {"SAF-02": found.places, "SAF-05": found.blocked_places, "DUP-01": leak.places}


def told_twice(problem: Problem) -> dict[str, str]:
    """A problem in both languages, for evidence files."""
    return {"code": problem.code, **{lang: problem.explain(lang) for lang in LANGS}}


def residual_measures(reading: Reading, measures: Mapping[str, float]) -> dict[str, float]:
    """Residuals by whoever found more: the build's own second scan or the last look."""
    return {name: max(value, measures.get(name, 0)) for name, value in reading.measures().items()}


def text_columns(recipe: Recipe, built: Built) -> list[str]:
    """Columns of free text, the longest first: what the contract scrubs or asks a length of, and what reads like prose."""
    promised = {column.name for column in recipe.contract.columns if column.pii == "scrub" or column.checks.get("min_len")}
    kinds = {column.name: column for column in built.columns if column.dtype == "string"}
    prose = {
        name
        for name, column in kinds.items()
        if column.profile.get("mean", 0) >= PROSE_CHARS and column.profile.get("of") == "characters"
    }
    return sorted((promised | prose) & kinds.keys(), key=lambda name: (-float(kinds[name].profile.get("mean", 0)), name))


PROSE_CHARS = 30  # mean length from which a text column reads like prose rather than names or codes


def located(inputs: Inputs) -> Path:
    assert inputs.folder is not None, "a card without data needs its profile and screen"
    return inputs.folder


def check_gate_names(recipe: Recipe) -> None:
    known = [*registry(), *MEASURES]
    wrong = [name for name in recipe.gates if name not in registry() and name not in MEASURES]
    if wrong:
        problems = [
            Problem("gate.unknown", {"name": name, "near": closest(name, known) or "PII-01"}, file=recipe.name) for name in wrong
        ]
        raise Invalid("gate.unknown_names", problems=problems, file=recipe.name)


def with_profile(built: Built, profile: Profile, recipe: Recipe) -> Built:
    """The build with statistics in its columns and uncompressed sizes in its measures; columns in the order of the files."""
    stated = {column.name: column for column in built.columns}
    promised = {column.name: column for column in recipe.contract.columns}
    columns = []
    for name, kind in profile.schema:
        fact = stated.get(name)
        words = (
            (fact.description if fact else {})
            or (promised[name].description if name in promised else {})
            or standard_column(name)
        )
        columns.append(_column(name, kind, fact.nullable if fact else True, words, profile.columns[name]))
    sizes = {f"plain_bytes:{config}:{split}": size for (config, split), size in profile.plain_bytes.items()}
    return replace(built, columns=tuple(columns) or built.columns, measures={**built.measures, **sizes})


def _column(name: str, kind: str, nullable: bool, words: Mapping[str, str], profile: Mapping[str, Any]) -> Any:
    from corpushub.domain.build import ColumnFact

    return ColumnFact(name, kind, nullable, words, profile)


def standard_column(name: str) -> dict[str, str]:
    """Words for the columns the engine itself adds; empty for any other."""
    try:
        return {lang: text(f"card_column.{name}", lang) for lang in LANGS}
    except KeyError:
        return {}


def data_problems(inputs: Inputs, profile: Profile) -> tuple[Problem, ...]:
    """Where the build's words and its files disagree, and prose that is missing."""
    found = []
    for file in inputs.built.files:
        if profile.footers.get(file.path) != file.rows:
            found.append(
                Problem("card.rows_differ", {"stated": file.rows, "counted": profile.footers.get(file.path, 0)}, file=file.path)
            )
        if inputs.folder and file_sha256(inputs.folder / file.path) != file.sha256:
            found.append(Problem("card.digest_differs", {}, file=file.path))
        if "-" in file.split:
            found.append(Problem("card.split_name", {"split": file.split}, file=file.path))
    found += [
        Problem("card.prose_missing", {"section": section, "lang": lang}, file=inputs.recipe.name, path=f"card.{lang}.{section}")
        for lang, section in missing_prose(inputs.recipe, WANTED_PROSE)
    ]
    return (*found, *unknown(inputs.recipe))


def release_measures(inputs: Inputs, profile: Profile, problems: Sequence[Problem]) -> dict[str, float]:
    """Measures that follow from the release itself: schema, sources' rights and licences, documents."""
    recipe, origins = inputs.recipe, {origin.source: origin for origin in inputs.origins}
    promised = {column.name for column in recipe.contract.columns}
    have = {name for name, _ in profile.schema}
    names = [source.name for source in recipe.sources]
    granted = [origins[name] for name in names if name in origins]
    total = len(names) or 1
    licences = [origin.licence for origin in granted if origin.licence]
    released = recipe.licence.id if recipe.licence.id != "other" else recipe.licence.name
    return {
        "schema_errors": len(promised - have),
        "card_errors": len(problems),
        "undescribed_columns": sum(1 for name, _ in profile.schema if not described(name, recipe)),
        "authorized_sources": len([o for o in granted if in_term(o, inputs.day) and recipe.purpose in o.purposes]) / total,
        "registered_sources": len([o for o in granted if o.registration_code]) / total,
        "source_records": len([o for o in granted if o.resource]) / total,
        "licensed_sources": len(licences) / total,
        "licence_conflicts": len(conflicts(released, licences)),
        "terms_missing": 0 if recipe.licence.id and recipe.purpose else 1,
        "changelog_missing": 0 if not inputs.history or inputs.history[0]["version"] == inputs.version else 1,
        "version_errors": version_errors(inputs),
        "quality_accessibility": readable_share(inputs, profile),
        "language_sources_min": fewest_sources(recipe, inputs.built, inputs.folder),
        "quasi_identifiers": len(recipe.contract.roles("quasi")),
        "complaints_channel": int(
            bool(inputs.publisher.contact) or all(recipe.card.get(lang, {}).get("contact") for lang in LANGS)
        ),
    }


def version_errors(inputs: Inputs) -> int:
    """1 where the version is lower than the difference to the one before asks for; the same data may keep their version in a checkout."""
    if inputs.change is None or (inputs.checked_in and inputs.change.same_data and inputs.version == inputs.change.previous):
        return 0
    return 0 if Version.parse(inputs.version) >= next_version(inputs.change.previous, inputs.change) else 1


def readable_share(inputs: Inputs, profile: Profile) -> float:
    """Share of what a user opens that opens: each data file with the rows it states, and a licence that is known."""
    opened = [profile.footers.get(file.path) == file.rows for file in inputs.built.files]
    opened.append(is_known(inputs.recipe.licence.id))
    return sum(opened) / len(opened)


def overruled(inputs: Inputs, built: Built) -> dict[str, float]:
    """Measures the release sees better than the build: free text, marks of generated content, rows a review asks for."""
    measures, recipe = built.measures, inputs.recipe
    found: dict[str, float] = {"text_rows": built.rows if text_columns(recipe, built) else 0}
    if generated := measures.get("generated_rows"):
        profiles = {column.name: column.profile for column in built.columns}
        marks = [profiles.get(name, {}).get("nulls", built.rows) for name in ("generated_by", "generated_at")]
        found["generated_unlabelled"] = max(0, max(marks) - (built.rows - int(generated)))
    if found["text_rows"]:
        found |= {f"{purpose}_required": min(n, built.rows) for purpose, n in PURPOSES.items() if purpose != "metadata"}
    found["metadata_required"] = sum(min(PURPOSES["metadata"], source.rows, built.rows) for source in built.sources)
    if inputs.folder and built.rows:
        found["lineage_coverage"] = lineage_share(inputs.folder, built.rows)
    found["contamination_sets"] = sum(1 for step in built.steps if step.step == "decontaminate")
    return found


def lineage_share(folder: Path, rows: int) -> float:
    """Released rows that have their line in the lineage file."""
    lines = sum(pq.read_metadata(path).num_rows for path in (folder / "provenance").glob("lineage*.parquet"))
    return rounded(min(lines, rows) / rows)


def described(name: str, recipe: Recipe) -> bool:
    words = next((column.description for column in recipe.contract.columns if column.name == name), {}) or standard_column(name)
    return all(words.get(lang) for lang in LANGS)


def in_term(origin: Origin, day: date) -> bool:
    return (not origin.valid_from or origin.valid_from <= day.isoformat()) and (
        not origin.valid_to or day.isoformat() <= origin.valid_to
    )


def verdict_rows(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Verdicts as the release case keeps them."""
    return [
        {"id": v.gate, "status": v.status.value, "effect": v.effect, "stage": v.stage, "waivable_by": list(v.waivable_by),
         "outcomes": v.to_json()["outcomes"]}
        for v in verdicts
    ]  # fmt: skip
