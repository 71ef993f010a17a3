"""Sections 8 to 12 of a card: what was screened, measured and judged, what is missing, and whether it was shown to be of use."""

from __future__ import annotations

from corpushub.domain.card_parts import Writer, blocks, cell, figure, measured, number, percent, quoted
from corpushub.domain.gates import Outcome, Status, Verdict, registry

DIMENSIONS = ("validity", "completeness", "accuracy", "consistency", "timeliness", "accessibility")
TC609 = {
    "validity": "0201, 0204", "completeness": "0204, 02080104", "accuracy": "0205, 02080103", "consistency": "0206, 0207",
    "timeliness": "0303", "accessibility": "0101",
}  # fmt: skip
"""Metric codes of TC609-5-2025-04 that a dimension answers."""


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
        w,
        (
            "key_uniqueness", "key_completeness", "codes_checked", "codes_wrong", "contract_failures", "lineage_coverage", "documentation_score",
            "data_score",
        ),
    )  # fmt: skip
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
