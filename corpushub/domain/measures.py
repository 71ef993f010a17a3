"""Numbers that gates judge. One id each; the same id stands in recipes (`gates: {pii_residual: 0}`), `gates.json` and cards.

A measure is a plain number with a unit; whoever computes it (engine, catalogue, review, hub) only has to use the id of this
table. `measures_of(built)` adds what follows from a build by arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from corpushub.domain.build import Built

Unit = Literal["rows", "count", "rate", "days", "k", "bytes", "score", "flag"]
_UNITS: Mapping[str, Unit] = {unit: unit for unit in get_args(Unit)}


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number counts. `origin` says who computes it."""

    id: str
    unit: Unit
    origin: Literal["engine", "release", "catalog", "review", "hub"]


def _table(origin: Literal["engine", "release", "catalog", "review", "hub"], words: str) -> tuple[Measure, ...]:
    """Parse `id:unit id:unit …`; a table of fifty ids is read, not typed."""
    return tuple(Measure(name, _UNITS[unit], origin) for name, _, unit in (word.partition(":") for word in words.split()))


MEASURES: Mapping[str, Measure] = {
    item.id: item
    for item in (
        *_table(
            "engine",
            """duplicates_exact:rows duplicates_near:rows duplicates_across_splits:rows near_duplicates_across_splits:rows
            contaminated_rows:rows contamination_sets:count contract_failures:rows lineage_coverage:rate key_uniqueness:rate key_completeness:rate
            quality_validity:rate quality_completeness:rate quality_accuracy:rate quality_consistency:rate
            quality_timeliness:rate k_anonymity:k l_diversity:k t_closeness:score suppressed_ratio:rate
            secrets_residual:count canaries_planted:count canaries_left:count generated_rows:rows generated_unlabelled:rows codes_checked:count codes_wrong:count text_rows:rows
            risk_rows_max_share:rate risk_clean_share:rate risk_scanned_share:rate""",
        ),
        *_table(
            "release",
            """rows:rows bytes:bytes sources:count pii_found:count pii_replaced:count pii_residual:count
            identifiers_residual:count pii_scanned:flag quarantine_ratio:rate unexplained_drops:rows undescribed_columns:count
            empty_splits:count card_errors:count quality_accessibility:rate language_sources_min:count
            changelog_missing:flag version_errors:count schema_errors:count documentation_score:score data_score:score
            model_score:score keyword_library:count keyword_min_a1:count keyword_min_a2:count keyword_age:days
            detector_classes:count blocked_overlaps:count interpreter_missing:count quasi_identifiers:count annotated_rows:rows
            web_sources:count web_refused:count rebuild_data_differs:flag rebuild_differs:flag signature_invalid:flag ip_certificate_days:days
            sample_pii_residual:count splits:count roles_read:flag unconfirmed_roles:count""",
        ),
        *_table(
            "catalog",
            """source_records:rate authorized_sources:rate authorized_columns:rate registered_sources:rate delegation_broken:count
            forbidden_class_sources:count secrecy_reviewed:rate open_attribute_conflicts:count licensed_sources:rate
            licence_conflicts:count pii_basis_missing:count priced_or_free:flag terms_missing:count open_objections:count
            blocking_objections:count complaints_channel:flag ip_unresolved:count linkage_one_to_one:count""",
        ),
        *_table(
            "review",
            """safety_reviewed:rows safety_required:rows safety_passed:rate ip_reviewed:rows ip_required:rows ip_passed:rate
            metadata_reviewed:rows metadata_required:rows metadata_passed:rate pii_reviewed:rows pii_required:rows
            pii_upper_bound:rate reviewer_agreement:score annotator_violations:count label_reviewed:rate annotation_kappa:score""",
        ),
        *_table(
            "hub",
            """approvals:count approval_orgs:count assessment_required:flag assessment_valid:flag plan_required:flag
            plan_reviewed:flag cdo_required:flag cdo_signed:flag log_included:flag""",
        ),
    )
}

CHECKED_IDENTIFIERS = frozenset({"CN_ID_CARD", "CN_BANK_CARD", "CN_USCC", "CREDIT_CARD", "IBAN_CODE"})
"""Entities whose number carries a check digit: one left over is never a matter of taste (gate G11)."""


def measures_of(built: Built) -> dict[str, float]:
    """The build's own measures and those that follow from its facts by arithmetic; nothing is estimated.

    `unexplained_drops` is the number of rows that left the funnel without a named reason.
    """
    read = sum(source.rows + source.unreadable for source in built.sources)
    derived: dict[str, float] = {
        "rows": built.rows,
        "bytes": built.bytes,
        "sources": len(built.sources),
        "splits": len({(file.config, file.split) for file in built.files}),
        "empty_splits": sum(1 for file in built.files if file.rows == 0),
        "quarantine_ratio": rounded(sum(source.unreadable for source in built.sources) / read) if read else 0.0,
        "undescribed_columns": sum(
            1 for column in built.columns if not all(column.description.get(lang) for lang in ("zh", "en"))
        ),
        "unexplained_drops": sum(
            abs(step.rows_in - step.rows_out - sum(step.dropped.values()))
            for step in built.steps
            if step.rows_in >= step.rows_out
        ),
    }
    if built.entities or any(step.step == "scrub" for step in built.steps):
        derived |= {
            "pii_scanned": 1,
            # The sample shown in the card is a released row, so what a scan of all rows leaves bounds what the sample can hold.
            "sample_pii_residual": sum(entity.residual for entity in built.entities),
            "pii_found": sum(entity.found for entity in built.entities),
            "pii_replaced": sum(entity.replaced for entity in built.entities),
            "pii_residual": sum(entity.residual for entity in built.entities),
            "identifiers_residual": sum(entity.residual for entity in built.entities if entity.entity in CHECKED_IDENTIFIERS),
        }
    return {**derived, **{name: float(value) if isinstance(value, bool) else value for name, value in built.measures.items()}}


def rounded(value: float, digits: int = 6) -> float:
    """`value` to six significant digits, so that the last bit of a sum never reaches a file."""
    if value == 0 or not math.isfinite(value):
        return 0.0 if value == 0 else value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def wilson_lower(passed: int, n: int, z: float = 1.6448536269514722) -> float:
    """One-sided 95 % lower bound of a proportion (Wilson 1927); 0 where nothing was looked at."""
    if n <= 0:
        return 0.0
    share = passed / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n))


def clopper_pearson_upper(hits: int, n: int, alpha: float = 0.05) -> float:
    """One-sided exact upper bound of a proportion (Clopper and Pearson 1934), by bisection on the binomial tail."""
    if n <= 0 or hits >= n:
        return 1.0
    low, high = hits / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial_cdf(hits, n, middle) > alpha else (low, middle)
    return high


def _binomial_cdf(hits: int, n: int, p: float) -> float:
    if p <= 0:
        return 1.0
    if p >= 1:
        return 0.0 if hits < n else 1.0
    logs = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(hits + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))
