"""Sections 5 to 16 of a card: where the data come from, what was done to them, what was checked, and how anybody can check again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from corpushub.domain.build import StepFact
from corpushub.domain.card import Origin
from corpushub.domain.card_parts import Writer, blocks, cell, fence, figure, number, percent, quoted, short, size
from corpushub.domain.gates import Outcome, Status, Verdict, registry
from corpushub.domain.measures import rounded

DIMENSIONS = ("validity", "completeness", "accuracy", "consistency", "timeliness", "accessibility")
TC609 = {
    "validity": "0201, 0204", "completeness": "0204, 02080104", "accuracy": "0205, 02080103", "consistency": "0206, 0207",
    "timeliness": "0303", "accessibility": "0101",
}  # fmt: skip
"""Metric codes of TC609-5-2025-04 that a dimension answers."""
SHOWN_KEYS = 5
HIDDEN_PARAMS = frozenset({"salt", "key", "secret"})


def origins(w: Writer) -> str:
    facts = w.facts
    grants = {origin.source: origin for origin in facts.origins}
    total = sum(source.rows for source in facts.built.sources) or 1
    rows = []
    for source in facts.built.sources:
        grant = grants.get(source.name, Origin(source.name, source.resource))
        title = grant.title.get(w.lang, "")
        rows.append((
            quoted(source.name), f"{title} {quoted(source.resource)}".strip(), source.format, source.rows, percent(source.rows / total),
            size(source.bytes), short(source.digest), grant.licence,
        ))  # fmt: skip
    names = ("source", "resource", "form", "rows_n", "share_n", "bytes_n", "sha256", "licence")
    return blocks(
        w.heading("h_sources", 2), w.heading("h_data_source"), w.table(names, rows), w.chart("sources"),
        w.heading("h_collection"), w.said("collection", "no_collection"),
        w.heading("h_authorization"), authorizations(w, grants.values()),
        w.heading("h_licence"), licence(w, grants.values()),
    )  # fmt: skip


def authorizations(w: Writer, grants: Iterable[Origin]) -> str:
    rows = [
        (quoted(grant.source), grant.grantor, grant.operator, quoted(grant.authorization), quoted(grant.registration_code),
         ", ".join(w.word("purpose", purpose) for purpose in grant.purposes), f"{grant.valid_from} – {grant.valid_to}", short(grant.terms_digest))
        for grant in grants if grant.authorization
    ]  # fmt: skip
    if not rows:
        return w.t("no_authorization")
    names = ("source", "grantor", "operator", "authorization", "registration", "purposes", "term", "terms")
    return blocks(w.table(names, rows), w.t("authorization_note", purpose=w.word("purpose", w.facts.recipe.purpose)))


def licence(w: Writer, grants: Iterable[Origin]) -> str:
    stated = w.facts.recipe.licence
    owed = [grant.attribution for grant in grants if grant.attribution]
    text = w.t("licence_text", licence=stated.name or stated.id)
    return blocks(text, "\n".join(f"- {line}" for line in owed))


def process(w: Writer) -> str:
    facts = w.facts
    read = sum(source.rows for source in facts.built.sources)
    quarantined = sum(source.quarantined for source in facts.built.sources)
    rows = [(0, w.t("read"), "", read + quarantined, read, 0, reasons(w, quarantine(w)))]
    rows += [
        (step.index, quoted(step.step), parameters(step), step.rows_in, step.rows_out, step.changed, reasons(w, step.dropped))
        for step in facts.built.steps
    ]
    names = ("step_n", "step", "parameters", "rows_in_n", "rows_out_n", "changed_n", "dropped")
    return blocks(
        w.heading("h_process", 2), w.heading("h_steps"), w.t("process"), w.table(names, rows), w.chart("funnel"),
        w.heading("h_duplicates"), duplicates(w), w.heading("h_annotation"), annotation(w),
        blocks(w.heading("h_curation"), w.prose("curation")) if w.prose("curation") else "",
    )  # fmt: skip


def quarantine(w: Writer) -> dict[str, int]:
    found: dict[str, int] = {}
    for source in w.facts.built.sources:
        for reason, count in source.quarantine_reasons.items():
            found[reason] = found.get(reason, 0) + count
    return found


def parameters(step: StepFact) -> str:
    """What the recipe said, without defaults that are empty; one long value is cut."""
    pairs = [(key, tidy(value)) for key, value in sorted(step.params.items()) if key not in HIDDEN_PARAMS]
    return "; ".join(f"{key}={spelled(value)}"[:200] for key, value in pairs if value is not None)


def spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def tidy(value: Any) -> Any:
    """`value` without what says nothing: null, empty text, empty lists and mappings, at any depth."""
    if isinstance(value, Mapping):
        kept = {key: inner for key, item in value.items() if (inner := tidy(item)) is not None}
        return kept or None
    if isinstance(value, (list, tuple)):
        return [inner for item in value if (inner := tidy(item)) is not None] or None
    return None if value is None or value == "" else value


def reasons(w: Writer, dropped: object) -> str:
    rows = sorted(dict(dropped).items(), key=by_count)  # type: ignore[call-overload]
    return "; ".join(f"{w.word('reason', reason)} {number(count)}" for reason, count in rows if count)


def by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def measured(w: Writer, names: Iterable[str]) -> str:
    """A table of the measures that were taken; says so where none was."""
    rows = [
        (w.word("measure", name), figure(name, w.facts.measures[name]), quoted(name))
        for name in names
        if name in w.facts.measures
    ]
    return w.table(("measure", "value_n", "id"), rows) if rows else w.t("not_measured")


def duplicates(w: Writer) -> str:
    return measured(
        w, ("duplicates_exact", "duplicates_near", "duplicates_across_splits", "near_duplicates_across_splits", "contaminated_rows"),
    )  # fmt: skip


def annotation(w: Writer) -> str:
    generated = int(w.facts.measures.get("generated_rows", 0))
    share = w.t("generated", rows=number(generated)) if generated else w.t("not_generated")
    return blocks(w.said("annotation", "no_annotation"), share)


def personal(w: Writer) -> str:
    built, measures = w.facts.built, w.facts.measures
    if not measures.get("pii_scanned"):
        text = w.t("pii_not_scanned")
    else:
        looked = w.facts.reviews.get("residual", {})
        text = w.t(
            "pii_scanned", found=number(measures.get("pii_found", 0)), cells=number(looked.get("cells", 0)), residual=number(measures.get("pii_residual", 0))
        )  # fmt: skip
    rows = [
        (w.word("entity", entity.entity), quoted(entity.entity), entity.found, entity.replaced, entity.kept, entity.residual,
         w.word("action", entity.action))
        for entity in built.entities
    ]  # fmt: skip
    table = w.table(("entity", "id", "found_n", "replaced_n", "kept_n", "residual_n", "action"), rows) if rows else ""
    columns = [column for column in w.facts.recipe.contract.columns if column.role or column.pii != "none"]
    roles = w.table(
        ("field", "pii", "role"), [(quoted(c.name), w.word("pii_rule", c.pii), w.word("role", c.role) if c.role else "") for c in columns]
    ) if columns else ""  # fmt: skip
    return blocks(w.heading("h_personal", 2), text, table, w.chart("entities"), recall(w), roles, anonymity(w))


def recall(w: Writer) -> str:
    """What the recognizers find of labelled text, for the kinds this dataset may hold; says so where nobody measured."""
    if not w.facts.measures.get("pii_scanned"):
        return ""
    sets, kinds = evaluation()
    rows = [
        (
            w.word("entity", name),
            percent(score["recall"]),
            f"≥ {percent(score['lower'])}",
            percent(score["precision"]),
            score["gold"],
            sets[score["set"]]["title"],
        )
        for name, score in kinds.items()
    ]
    unknown = sorted({w.word("entity", entity.entity) for entity in w.facts.built.entities} - {row[0] for row in rows})
    names = ("entity", "recall_n", "lower_n", "precision_n", "gold_n", "set")
    missing = w.t("pii_recall_unknown", kinds=", ".join(unknown)) if unknown else ""
    return blocks(w.heading("h_recall"), w.t("pii_recall"), w.table(names, rows), missing)


@cache
def evaluation() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(labelled sets, figures by entity) of rules/pii-evaluation.toml."""
    found = tomllib.loads(files("corpushub.rules").joinpath("pii-evaluation.toml").read_text("utf-8"))
    return found["sets"], {name: row for name, row in found.items() if name != "sets"}


def anonymity(w: Writer) -> str:
    names = [name for name in ("k_anonymity", "l_diversity", "t_closeness", "suppressed_ratio") if name in w.facts.measures]
    if not names:
        return ""
    quasi = ", ".join(quoted(name) for name in w.facts.recipe.contract.roles("quasi"))
    return blocks(w.heading("h_anonymity"), w.t("anonymity", columns=quasi), measured(w, names))


def safety(w: Writer) -> str:
    measures = w.facts.measures
    if not measures.get("text_rows"):
        return blocks(w.heading("h_safety", 2), w.t("no_text"))
    scan = (
        "risk_scanned_share",
        "risk_clean_share",
        "risk_rows_max_share",
        "keyword_library",
        "keyword_min_a1",
        "keyword_min_a2",
        "detector_classes",
    )
    review = [
        name
        for name in (
            "safety_required",
            "safety_reviewed",
            "safety_passed",
            "reviewer_agreement",
            "pii_reviewed",
            "pii_upper_bound",
        )
        if name in measures
    ]
    manual = (
        measured(w, review)
        if measures.get("safety_reviewed")
        else w.t("no_review", n=number(measures.get("safety_required", 4000)))
    )
    return blocks(
        w.heading("h_safety", 2), w.t("safety"), measured(w, scan), w.chart("risks"), w.heading("h_review"), w.t("review"), manual,
        remarks(w),
    )  # fmt: skip


def remarks(w: Writer) -> str:
    """What reviewers wrote most often, by sample: an acted-out review says so itself."""
    samples = w.facts.reviews.get("samples", {})
    lines = [
        f"- {w.word('sample', purpose)}: {cell(remark['text'])} ({number(remark['count'])})"
        for purpose, sample in sorted(samples.items())
        for remark in sample.get("remarks", ())
    ]
    return blocks(w.t("remarks"), "\n".join(lines)) if lines else ""


def quality(w: Writer) -> str:
    measures = w.facts.measures
    rows = [
        (w.word("dimension", name), w.t(f"define_{name}"), TC609[name],
         percent(measures[f"quality_{name}"]) if f"quality_{name}" in measures else w.t("not_declared"))
        for name in DIMENSIONS
    ]  # fmt: skip
    extra = measured(
        w, ("key_uniqueness", "key_completeness", "contract_failures", "lineage_coverage", "documentation_score", "data_score")
    )
    return blocks(
        w.heading("h_quality", 2), w.heading("h_evaluation"), w.t("quality"),
        w.table(("dimension", "definition", "tc609", "value_n"), rows), w.chart("quality"), extra,
    )  # fmt: skip


def gates(w: Writer) -> str:
    if not w.facts.verdicts:
        return blocks(w.heading("h_gates", 2), w.t("no_gates"))
    rows = [
        (quoted(verdict.gate), w.word("gate", verdict.gate), w.word("status", verdict.status), numbers(w, verdict), registry()[verdict.gate].basis)
        for verdict in w.facts.verdicts if verdict.status is not Status.NOT_APPLICABLE
    ]  # fmt: skip
    skipped = [
        f"{quoted(v.gate)} ({w.word('measure', v.reason)} = 0)" for v in w.facts.verdicts if v.status is Status.NOT_APPLICABLE
    ]
    waived = [
        f"- {quoted(v.gate)}: {waiver.reason} ({w.word('role', waiver.role)} {waiver.by}, {w.t('until')} {waiver.expires.isoformat()}, {waiver.event})"
        for v in w.facts.verdicts for waiver in v.waivers
    ]  # fmt: skip
    return blocks(
        w.heading("h_gates", 2), w.t("gates_note"), w.table(("gate", "what", "verdict", "numbers", "basis"), rows),
        w.t("not_applicable", gates=", ".join(skipped)) if skipped else "",
        blocks(w.heading("h_waivers"), "\n".join(waived)) if waived else w.t("no_waivers"),
    )  # fmt: skip


def numbers(w: Writer, verdict: Verdict) -> str:
    """Each measure with its threshold; a second, wider threshold of the same measure only where it is missed."""
    first = {item.measure: item for item in reversed(verdict.outcomes)}
    return "; ".join(compared(w, item) for item in verdict.outcomes if item is first[item.measure] or not item.passed)


def compared(w: Writer, item: Outcome) -> str:
    value = figure(item.measure, item.value) if item.value is not None else "?"
    sign = {"<=": "≤", ">=": "≥", "==": "="}[item.op]
    return f"{w.word('measure', item.measure)} {value} ({sign} {figure(item.measure, item.threshold)})"


def risks(w: Writer) -> str:
    """Limits in the curator's words, and the gaps that numbers show."""
    return blocks(
        w.heading("h_risks", 2), w.heading("h_limitations"), w.said("limitations", "no_limitations"),
        w.heading("h_biases"), w.said("biases", "no_biases"), gaps(w),
        blocks(w.heading("h_social"), w.prose("social_impact")) if w.prose("social_impact") else "",
    )  # fmt: skip


def gaps(w: Writer) -> str:
    """What the numbers say about who is missing: empty columns, dominant values, unbalanced sources."""
    found = []
    for column in w.facts.built.columns:
        profile = column.profile
        count = profile.get("count") or 0
        if count and profile.get("nulls", 0) / count >= 0.05:
            found.append(w.t("gap_nulls", column=quoted(column.name), share=percent(profile["nulls"] / count)))
        top = next(iter(profile.get("top", ())), None)
        if count and top and top["count"] / count >= 0.8 and (profile.get("distinct") or 0) > 1:
            found.append(
                w.t("gap_dominant", column=quoted(column.name), value=str(top["value"])[:40], share=percent(top["count"] / count))
            )
    rows = {source.name: source.rows for source in w.facts.built.sources}
    total = sum(rows.values())
    for name, count in rows.items():
        if len(rows) > 1 and total and count / total >= 0.8:
            found.append(w.t("gap_source", source=quoted(name), share=percent(count / total)))
    return "\n".join(f"- {line}" for line in found) if found else w.t("no_gaps")


def usefulness(w: Writer) -> str:
    return blocks(
        w.heading("h_benchmarks", 2), w.said("evidence", "no_benchmarks"), w.heading("h_cases"), w.said("uses", "no_uses"),
    )  # fmt: skip


def changes(w: Writer) -> str:
    change = w.facts.change
    if change is None:
        text = w.t("first_version")
    elif change.same_data:
        text = w.t("same_data", previous=change.previous)
    else:
        rows: list[tuple[str, object, str]] = (
            []
            if change.uncounted
            else [
                (w.t(f"rows_{name}"), getattr(change, name), keys_of(change.examples.get(name, ())))
                for name in ("added", "removed", "changed", "moved")
            ]
        )
        for name in ("added", "removed", "retyped"):
            columns = getattr(change, f"columns_{name}")
            rows.append((w.t(f"columns_{name}"), len(columns), ", ".join(quoted(column) for column in columns)))
        drift = [(quoted(column), rounded(value, 3)) for column, value in sorted(change.drift.items(), key=by_drift)[:10]]
        gate_rows = [(quoted(gate), w.word("status", old), w.word("status", new)) for gate, (old, new) in change.gates.items()]
        text = blocks(
            w.t("changed_since", previous=change.previous, level=w.t(f"level_{change.level}")),
            w.t("uncounted_line", before=number(change.rows_before), after=number(change.rows_after)) if change.uncounted else "",
            w.table(("change", "count_n", "which"), rows),
            w.t("more_keys") if change.examples else "",
            w.table(("field", "psi_n"), drift) if drift else "",
            w.table(("gate", "before", "after"), gate_rows) if gate_rows else "",
        )
    history = [(item["version"], item["day"], item["summary"]) for item in w.facts.history]
    return blocks(
        w.heading("h_changes", 2), text, w.heading("h_versions"), w.table(("version", "date", "change"), history) if history else "",
        w.t("version_rule"),
    )  # fmt: skip


def keys_of(keys: Sequence[str]) -> str:
    """The first keys of rows; the report holds more of them."""
    return ", ".join(quoted(key) for key in keys[:SHOWN_KEYS]) + (" …" if len(keys) > SHOWN_KEYS else "")


def by_drift(pair: tuple[str, float]) -> tuple[float, str]:
    return -pair[1], pair[0]


def verification(w: Writer) -> str:
    facts = w.facts
    digests = w.table(
        ("what", "value"),
        [
            (w.t("logical_digest"), quoted(facts.built.logical_digest)),
            (w.t("recipe_digest"), quoted(facts.recipe.digest)),
            (w.t("fingerprint"), quoted(facts.built.fingerprint)),
            (w.t("tools"), ", ".join(f"{name} {version}" for name, version in sorted(facts.built.tools.items()))),
        ],
    )
    folder = facts.dataset.split("/")[-1]
    verify = f"cd {folder} && sha256sum -c SHA256SUMS\ncorpushub release verify . --pubkey hub.vkey"
    rebuild = f"corpushub rebuild {folder} --verify --recipe recipes/{facts.recipe.name}"
    return blocks(
        w.heading("h_verify", 2), w.t("verify"), fence(verify, "bash"), digests, w.heading("h_rebuild"), w.t("rebuild"), fence(rebuild, "bash"),
        w.t("machine_readable"),
    )  # fmt: skip


def maintenance(w: Writer) -> str:
    publisher = w.facts.publisher
    contact = w.prose("contact") or publisher.contact
    return blocks(
        w.heading("h_maintenance", 2), w.heading("h_access"), w.t("access"),
        w.heading("h_plan"), w.said("maintenance", "no_maintenance"), w.prose("update"),
        w.heading("h_support"), contact or w.t("no_contact"),
        w.heading("h_objections"), w.t("objections", dataset=w.facts.dataset), publisher.objections,
    )  # fmt: skip


def citation(w: Writer) -> str:
    facts = w.facts
    if words := w.prose("citation"):
        return blocks(w.heading("h_citation", 2), words)
    name = facts.publisher.name.get(w.lang, "corpushub")
    key = facts.dataset.replace("/", "_").replace("-", "_")
    bibtex = "\n".join((
        f"@misc{{{key},", f"  title = {{{facts.recipe.title.get(w.lang, facts.dataset)}}},", f"  author = {{{name}}},",
        f"  year = {{{facts.day[:4]}}},", f"  version = {{{facts.version}}},",
        f"  note = {{{facts.dataset}, sha256 {facts.built.logical_digest}}}", "}",
    ))  # fmt: skip
    codes = sorted({origin.registration_code for origin in facts.origins if origin.registration_code})
    registered = w.t("registered", codes=", ".join(quoted(code) for code in codes)) if codes else ""
    return blocks(w.heading("h_citation", 2), fence(bibtex, "bibtex"), registered)
