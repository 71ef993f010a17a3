"""Sections 13 to 16 of a card: what changed, how anybody can check and build again, who answers, how to cite."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.domain.card_parts import Writer, blocks, fence, number, quoted
from corpushub.domain.measures import rounded

SHOWN_KEYS = 5


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
