"""Sections 5 to 7 of a card: where the data come from and by what right, what was done to them, what of persons was in them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from corpushub.domain.build import StepFact
from corpushub.domain.card import Origin
from corpushub.domain.card_parts import Writer, blocks, measured, number, percent, quoted, short, size

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
        w.heading("h_authorization"), authorizations(w, grants.values()), contributors(w, grants.values()),
        w.heading("h_licence"), licence(w, grants.values()),
    )  # fmt: skip


def authorizations(w: Writer, grants: Iterable[Origin]) -> str:
    rows = [
        (quoted(grant.source), party(w, grant, "grantor", grant.grantor), party(w, grant, "operator", grant.operator), quoted(grant.authorization), quoted(grant.registration_code),
         ", ".join(w.word("purpose", purpose) for purpose in grant.purposes), f"{grant.valid_from} – {grant.valid_to}", short(grant.terms_digest))
        for grant in grants if grant.authorization
    ]  # fmt: skip
    if not rows:
        return w.t("no_authorization")
    names = ("source", "grantor", "operator", "authorization", "registration", "purposes", "term", "terms")
    return blocks(w.table(names, rows), w.t("authorization_note", purpose=w.word("purpose", w.facts.recipe.purpose)))


def party(w: Writer, grant: Origin, seat: str, known: str) -> str:
    """A party's name in the card's language, with the name it has at home where that is another."""
    names = grant.names.get(seat, {})
    home, here = names.get("zh") or known, names.get(w.lang, "")
    return home if not here or here == home else f"{here} ({home})"


def contributors(w: Writer, grants: Iterable[Origin]) -> str:
    """Who gave data that is not the grantor's own, and how it came (article 9)."""
    rows = [
        (quoted(grant.source), party(w, grant, "contributor", ""), w.word("came", grant.came))
        for grant in grants if grant.names.get("contributor")
    ]  # fmt: skip
    return blocks(w.t("contributors"), w.table(("source", "contributor", "came"), rows)) if rows else ""


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


def reasons(w: Writer, dropped: Mapping[str, int]) -> str:
    rows = sorted(dropped.items(), key=by_count)
    return "; ".join(f"{w.word('reason', reason)} {number(count)}" for reason, count in rows if count)


def by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def duplicates(w: Writer) -> str:
    return measured(
        w, ("duplicates_exact", "duplicates_near", "duplicates_across_splits", "near_duplicates_across_splits", "contaminated_rows"),
    )  # fmt: skip


def annotation(w: Writer) -> str:
    generated = int(w.facts.measures.get("generated_rows", 0))
    share = w.t("generated", rows=number(generated)) if generated else w.t("not_generated")
    tasks = w.facts.reviews.get("annotation") or []
    rows = [(task["guideline"], task["annotators"], f"{task['agreement']:.3f}") for task in tasks]
    names = ("annotation_guideline", "annotation_annotators_n", "annotation_agreement_n")
    said = w.prose("annotation") if tasks else w.said("annotation", "no_annotation")
    return blocks(said, w.table(names, rows) if rows else "", share)


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
    return blocks(w.heading("h_personal", 2), text, table, surrogates(w), w.chart("entities"), recall(w), roles, anonymity(w))


def surrogates(w: Writer) -> str:
    """That people and places in the text are invented, and how that is known; nothing where placeholders were written."""
    invented = [w.word("entity", one.entity) for one in w.facts.built.entities if one.action == "surrogate" and one.replaced]
    return w.t("pii_surrogates", kinds=", ".join(invented)) if invented else ""


def recall(w: Writer) -> str:
    """What the recognizers find of labelled text, for the kinds this dataset may hold; says so where nobody measured."""
    if not w.facts.measures.get("pii_scanned"):
        return ""
    own = w.facts.reviews.get("evaluation") or {}
    known = own if "scores" in own else evaluation()
    sets = known["sets"]
    rows = [
        (
            w.word("entity", score["entity"]),
            percent(score["recall"]),
            f"{percent(score['lower'])} – {percent(score['upper'])}",
            percent(score["precision"]),
            f"{percent(score['precision_lower'])} – {percent(score['precision_upper'])}",
            score["gold"],
            f"{sets[score['set']]['title']} ({sets[score['set']]['measured']})",
        )
        for score in known["scores"]
    ]
    unknown = sorted({w.word("entity", entity.entity) for entity in w.facts.built.entities} - {row[0] for row in rows})
    names = ("entity", "recall_n", "interval_n", "precision_n", "interval_n", "gold_n", "set")
    missing = w.t("pii_recall_unknown", kinds=", ".join(unknown)) if unknown else ""
    which = w.t("pii_recognizers", digest=quoted(own["recognizers"][:16])) if known is own else ""
    return blocks(w.heading("h_recall"), w.t("pii_recall"), w.table(names, rows), which, missing)


@cache
def evaluation() -> Mapping[str, Any]:
    """Labelled sets and what each says of every kind, of rules/pii-evaluation.toml."""
    return tomllib.loads(files("corpushub.rules").joinpath("pii-evaluation.toml").read_text("utf-8"))


def anonymity(w: Writer) -> str:
    names = [name for name in ("k_anonymity", "l_diversity", "t_closeness", "suppressed_ratio") if name in w.facts.measures]
    if not names:
        return ""
    quasi = ", ".join(quoted(name) for name in w.facts.recipe.contract.roles("quasi"))
    return blocks(w.heading("h_anonymity"), w.t("anonymity", columns=quasi), measured(w, names))
