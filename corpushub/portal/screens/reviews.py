"""Release approval: what waits on the left, all the evidence on the right, two decisions at the bottom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpushub.domain.clocks import Reading
from corpushub.domain.flows.release import effective_gates
from corpushub.domain.places import MOST, in_words, split_of
from corpushub.domain.workflow import Case
from corpushub.portal import casework, choices, forms, markdown, pictures
from corpushub.portal.html import Child, Safe, a, aside, b, code, details, div, h2, joined, kbd, p, section, span, summary
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import (
    Tone,
    bar,
    bound,
    card,
    chip,
    digest,
    empty,
    facts,
    figure,
    grid,
    heading,
    moment,
    reading,
    state_chip,
    steps,
)
from corpushub.services.reviews import ReviewResult


@dataclass(frozen=True, slots=True)
class Item:
    """One case of the inbox."""

    id: str
    dataset: str
    title: str
    version: str
    state: str
    opened_at: str
    org: str
    clock: Reading | None = None
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """One approval given."""

    person: str
    org: str
    at: str


@dataclass(frozen=True, slots=True)
class File:
    """All evidence of one case. `unclear` says which columns nobody confirmed, `build` where the reader may, `acts` what they may do now, `begun` what
    somebody has spoken for besides the approval.
    """

    item: Item
    case: Case
    manifest_digest: str = ""
    recipe_digest: str = ""
    proposer: str = ""
    builder: str = ""
    gates: tuple[Mapping[str, Any], ...] = ()
    change: Mapping[str, Any] = field(default_factory=dict)
    entities: tuple[Mapping[str, Any], ...] = ()
    funnel: tuple[Mapping[str, Any], ...] = ()
    unclear: tuple[str, ...] = ()
    places: tuple[Mapping[str, Any], ...] = ()
    build: str = ""
    card: Safe | None = None
    voices: tuple[Voice, ...] = ()
    begun: tuple[str, ...] = ()
    needed: tuple[int, int] = (2, 2)
    acts: tuple[forms.Command, ...] = ()
    samples: tuple[ReviewResult, ...] = ()


def view(ask: Ask, items: Sequence[Item], chosen: File | None) -> Safe:
    """Two panes; on a narrow window one above the other."""
    right = evidence(ask, chosen) if chosen else nothing(ask)
    return div(
        inbox(ask, items, chosen.item.id if chosen else ""),
        section(right, c="evidence", aria_label=ask.t("reviews.evidence")),
        c="panes",
    )


def nothing(ask: Ask) -> Safe:
    return joined(heading(ask.t("reviews.title")), none_waits(ask))


def none_waits(ask: Ask) -> Safe:
    return empty(
        ask.t("reviews.none"),
        joined(ask.t("reviews.none_next"), " ", a(ask.t("reviews.to_studio"), href=link(ask.lang, "/make/studio"))),
    )


def inbox(ask: Ask, items: Sequence[Item], current: str) -> Safe:
    t = ask.t
    order = [item.id for item in items]
    at = order.index(current) if current in order else -1
    cells = [entry(ask, item, item.id == current, neighbour(index, at)) for index, item in enumerate(items)]
    keys = [("j", "reviews.key_next"), ("k", "reviews.key_previous"), ("a", "reviews.key_approve"), ("r", "reviews.key_return")]
    return aside(
        div(
            h2(t("reviews.title")),
            span(t("reviews.waiting", count=sum(1 for item in items if item.mine)), c="quiet small"),
            c="inbox-head",
        ),
        *cells,
        div(*[span(kbd(key), t(words)) for key, words in keys], c="keys"),
        c="inbox",
        aria_label=t("reviews.title"),
    )


def neighbour(index: int, at: int) -> str | None:
    """The key that leads to this entry: j to the one below the current one, k to the one above."""
    return "j" if index == at + 1 else "k" if index == at - 1 and at > 0 else None


def entry(ask: Ask, item: Item, current: bool, key: str | None) -> Safe:
    t = ask.t
    return a(
        span(item.title or item.dataset, c="t"),
        span(span(item.dataset, c="mono"), span(f"v{item.version}"), c="m"),
        span(state_chip(t, item.state), reading(t, item.clock) or moment(t, item.opened_at, day=True), c="m"),
        href=link(ask.lang, f"/make/reviews/{item.id}"),
        c="inbox-item current" if current else "inbox-item",
        aria_current="true" if current else None,
        data_key=key,
    )


def evidence(ask: Ask, file: File) -> Safe:
    t, item = ask.t, file.item
    return joined(
        heading(
            f"{item.title} v{item.version}",
            lead=t("reviews.proposed", person=file.proposer, org=item.org, at=t.moment(item.opened_at)),
            actions=[state_chip(t, item.state), reading(t, item.clock)],
        ),
        *[div(words, c="note warn") for words in file.begun],
        verdict_line(t, file),
        gates(ask, file.gates),
        pointed_at(t, file.places) if file.places else None,
        div(changes(t, file), funnel(t, file), c="halves"),
        personal(t, file),
        div(linkage(t, file.gates), samples(ask, file.samples), c="halves"),
        card(t("reviews.card"), folded(t("reviews.card_read"), [div(file.card, c="doc")]), aside=t("reviews.card_note"))
        if file.card
        else None,
        div(provenance(t, file), card(t("reviews.history"), steps(casework.history(ask, file.case))), c="halves"),
        decide(ask, file),
    )


def verdict_line(t: Words, file: File) -> Safe:
    """The whole of the gates in one sentence, so that a decision can start from it."""
    failed = [gate for gate in file.gates if gate["status"] == "fail" and gate.get("effect") == "block"]
    waived = [gate for gate in file.gates if gate["status"] == "waived"]
    if failed:
        return div(b(t("reviews.blocked", count=len(failed))), " ", t.listed(gate_name(t, gate) for gate in failed), c="note bad")
    labels = [gate for gate in file.gates if gate["status"] == "fail"]
    if labels:
        return div(b(t("reviews.label_only")), " ", t.listed(gate_name(t, gate) for gate in labels), c="note warn")
    if waived:
        return div(b(t("reviews.waived", count=len(waived))), " ", t.listed(gate_name(t, gate) for gate in waived), c="note warn")
    return div(b(t("reviews.all_good")), " ", t("reviews.digest_fixed"), c="note good") if file.gates else Safe("")


def gate_name(t: Words, gate: Mapping[str, Any]) -> str:
    return t.name("gate", str(gate["gate"]))


ORDER = ("fail", "waived", "pending", "pass", "not_applicable")
TONES: Mapping[str, Tone] = {"pass": "good", "fail": "bad", "waived": "warn", "pending": "", "not_applicable": "quiet"}


def gates(ask: Ask, rows: Sequence[Mapping[str, Any]]) -> Safe:
    """Every gate with the numbers it was judged on; what needs a look stands open, what passed or does not apply is folded."""
    t = ask.t
    if not rows:
        return card(t("reviews.gates"), empty(t("reviews.no_gates"), t("reviews.no_gates_next")))
    judged = [row for row in rows if row["status"] != "not_applicable"]
    passed = [row for row in judged if row["status"] == "pass"]
    looked = [row for row in judged if row["status"] in {"fail", "waived"}]
    waiting = [row for row in judged if row["status"] == "pending"]
    rest = [row for row in rows if row["status"] == "not_applicable"]
    return card(
        t("reviews.gates"),
        *[gate_line(ask, row) for row in sorted(looked, key=gate_order)],
        folded(t("reviews.passed", count=len(passed)), [gate_line(ask, row) for row in passed], is_open=not looked),
        folded(t("reviews.pending", count=len(waiting)), [gate_line(ask, row) for row in waiting]),
        folded(t("reviews.not_applicable", count=len(rest)), [gate_line(ask, row) for row in rest]),
        aside=t("reviews.gates_passed", passed=len(passed), count=len(judged)),
    )


def folded(title: str, rows: Sequence[Child], *, is_open: bool = False) -> Safe | None:
    return details(summary(title), div(*rows), c="fold", open=is_open) if rows else None


def gate_line(ask: Ask, row: Mapping[str, Any]) -> Safe:
    t = ask.t
    tone = TONES.get(str(row["status"]), "")
    if row["status"] == "fail" and row.get("effect") != "block":
        tone = "warn"
    return div(
        span(str(row["gate"]), c="id"),
        div(gate_name(t, row), div(gate_numbers(ask, row), c="detail")),
        chip(t.name("status", str(row["status"])), tone),
        c="gate",
    )


def pointed_at(t: Words, places: Sequence[Mapping[str, Any]]) -> Safe:
    """The rows gates are not content with, so that a curator can find them: places, no text."""
    heads = [t(f"place.{name}") for name in ("gate", "split", "row", "key", "column", "found")]
    rows = [
        [
            gate_name(t, place),
            span(split_of(place), c="mono"),
            f"{place['row']:,}",
            span(str(place["key"]) or "–", c="mono"),
            span(str(place["column"]), c="mono"),
            in_words(place["found"], t.lang),
        ]
        for place in places
    ]
    return card(
        t("place.title"),
        grid(heads, rows, numeric=(2,)),
        p(t("place.more", count=len(rows)), c="quiet") if len(rows) >= MOST else None,
        aside=t("place.note"),
    )


def gate_order(row: Mapping[str, Any]) -> int:
    return ORDER.index(str(row["status"])) if row["status"] in ORDER else len(ORDER)


def gate_numbers(ask: Ask, row: Mapping[str, Any]) -> str:
    t = ask.t
    shown = [
        t(
            "reviews.measured",
            measure=t.name("measure", outcome["measure"]),
            value=figure(outcome.get("value")),
            bound=bound(outcome["op"], outcome["threshold"]),
        )
        for outcome in row.get("outcomes", ())
    ]
    shown += [
        t(
            "reviews.waiver",
            by=casework.person_name(ask, waiver["by"]),
            until=waiver["expires"],
            reason=waiver["reason"].rstrip("。."),
        )
        for waiver in row.get("waivers", ())
    ]
    return t("reviews.between").join(shown)


def changes(t: Words, file: File) -> Safe:
    if not file.change or not file.change.get("previous"):
        return card(t("reviews.change"), empty(t("dataset.first_version"), t("reviews.first_next")))
    return card(
        t("reviews.change"), pictures.change(t, file.change), aside=t("dataset.diff_against", version=file.change["previous"])
    )


def funnel(t: Words, file: File) -> Safe:
    return card(t("reviews.funnel"), pictures.funnel(t, file.funnel) if file.funnel else empty(t("reviews.no_funnel")))


def personal(t: Words, file: File) -> Safe:
    """What was found and replaced, and the columns that wait for a curator's word."""
    open_ = [div(words, c="note bad inset") for words in file.unclear]
    way = (
        a(t("reviews.confirm_roles"), href=link(t.lang, f"/make/studio/build/{file.build}"), c="btn small")
        if file.build
        else None
    )
    waiting = div(*open_, way, c="stack") if open_ else None
    if not file.entities:
        return card(t("reviews.pii"), waiting, empty(t("reviews.no_pii")))
    heads = [
        t("reviews.entity"),
        t("reviews.found"),
        t("reviews.replaced"),
        t("reviews.kept"),
        t("reviews.residual"),
        t("reviews.action"),
    ]
    rows = [
        [
            t.name("entity", str(row["entity"])),
            f"{row['found']:,}",
            f"{row['replaced']:,}",
            f"{row['kept']:,}",
            residual(row),
            t.name("action", str(row["action"])),
        ]
        for row in file.entities
    ]
    return card(t("reviews.pii"), waiting, grid(heads, rows, numeric=(1, 2, 3, 4)), aside=t("reviews.pii_note"))


def residual(row: Mapping[str, Any]) -> Child:
    return chip(f"{row['residual']:,}", "bad") if row["residual"] else "0"


RISKS = ("k_", "l_", "t_", "linkage", "prosecutor", "unique", "rare")


def linkage(t: Words, rows: Sequence[Mapping[str, Any]]) -> Safe:
    """Can somebody be singled out, in this version or together with what was released before? The gates' own numbers."""
    lines = [
        [
            t.name("measure", str(outcome["measure"])),
            figure(outcome.get("value")),
            bound(outcome["op"], outcome["threshold"]),
            chip(t.name("status", str(row["status"])), TONES.get(str(row["status"]), "")),
        ]
        for row in rows
        for outcome in row.get("outcomes", ())
        if str(outcome["measure"]).startswith(RISKS)
    ]
    judged = [line for line in lines if line[1] != "–"]
    heads = [t("studio.measure"), t("dashboard.value"), t("reviews.threshold"), t("board.state")]
    shown = grid(heads, judged, numeric=(1, 2)) if judged else empty(t("reviews.no_linkage"), t("reviews.no_linkage_next"))
    return card(t("reviews.linkage"), shown)


def samples(ask: Ask, found: Sequence[ReviewResult]) -> Safe:
    """Blind reviews of this very version: how far they are and what they show so far."""
    t = ask.t
    rows = [
        [
            a(t.name("sample", item.purpose), href=link(ask.lang, f"/make/samples/{item.review}")),
            div(
                bar(item.reviewed / item.required if item.required else 0, tone="good" if item.reviewed >= item.required else ""),
                span(f"{item.reviewed:,} / {item.required:,}", c="quiet small"),
            ),
            f"{item.rate:.1%}" if item.reviewed else "–",
            f"{item.lower_bound:.1%}" if item.reviewed else "–",
        ]
        for item in found
    ]
    heads = [t("samples.purpose"), t("samples.progress"), t("samples.passed"), t("samples.bound")]
    way = a(t("samples.title"), href=link(ask.lang, "/make/samples"))
    shown = grid(heads, rows, numeric=(2, 3)) if rows else empty(t("reviews.no_samples"), way)
    return card(t("reviews.samples"), shown)


def provenance(t: Words, file: File) -> Safe:
    pairs: list[tuple[Child, Child]] = [
        (t("reviews.manifest"), digest(file.manifest_digest, length=20)),
        (t("reviews.recipe"), digest(file.recipe_digest, length=20)),
        (t("reviews.builder"), file.builder),
        (t("reviews.build"), a(code(file.build), href=link(t.lang, f"/make/studio/build/{file.build}")) if file.build else None),
        (t("reviews.case"), file.item.id),
    ]
    return card(t("reviews.provenance"), facts(pairs))


def decide(ask: Ask, file: File) -> Safe:
    """Who has spoken, who else must, and the commands the reader may give."""
    t = ask.t
    people, orgs = file.needed
    given = t.listed(t("reviews.voice", person=voice.person, org=voice.org) for voice in file.voices) or t("reviews.nobody_yet")
    who = span(
        b(t("reviews.approvals", given=len(file.voices), needed=people)),
        " ",
        given,
        t("reviews.stop"),
        t("reviews.who_else", people=people, orgs=orgs),
        c="who-else",
    )
    asked = [field for act in file.acts for field in act.fields]
    ways, sheets = casework.buttons(ask, file.acts, choices.all_of(ask, asked, file.case))
    return joined(div(who, ways, c="decide"), sheets)


# -- bound to the hub ---------------------------------------------------------------------------------------------------------

INBOX = 500
OPEN = ("blocked", "gated", "in_review", "returned", "approved")
WANTED = ("return", "reject", "approve", "publish", "submit", "resubmit", "waive", "quarantine", "lift", "withdraw", "cancel")


def show(ask: Ask) -> Page:
    cases = ask.hub.cases.list(ask.actor, flow="release", states=OPEN, limit=INBOX).items
    waiting = ask.hub.cases.waiting(ask.actor, cases)
    ordered = sorted(cases, key=rank_of(waiting))
    items = [
        item_of(ask, case, waiting[case.id].clock if case.id in waiting else None, mine=case.id in waiting) for case in ordered
    ]
    wanted = ask.params.get("case") or (items[0].id if items else "")
    chosen = file_of(ask, wanted) if wanted else None
    return Page(ask.t("reviews.title"), view(ask, items, chosen), wide=True)


def rank_of(waiting: Mapping[str, Any]) -> Any:
    def rank(case: Case) -> tuple[bool, str]:
        return (case.id not in waiting, case.id)

    return rank


def item_of(ask: Ask, case: Case, clock: Reading | None, *, mine: bool) -> Item:
    data = case.data
    return Item(
        case.id, str(data["dataset"]), ask.t.of(data.get("title")) or str(data["dataset"]), str(data["version"]), case.state,
        case.opened_at.isoformat(), casework.org_name(ask, case.opened_org), clock, mine,
    )  # fmt: skip


def file_of(ask: Ask, case_id: str) -> File:
    """Everything an approver reads, from the release's evidence and its own reports."""
    hub = ask.hub
    case = hub.cases.get(ask.actor, case_id)
    kept = hub.releases.evidence(ask.actor, case_id)
    clock = next((item for item in hub.cases.clocks(ask.actor, case_id) if item.state in {"running", "paused"}), None)
    text = kept.card_zh if ask.lang == "zh" else kept.card_en

    def document(path: str) -> bytes | None:
        item = kept.manifest.file(path)
        return hub.objects.read(item.sha256) if item else None

    stats = json.loads(document("reports/stats.json") or b"{}")
    acts = casework.commands(ask, case, wanted=WANTED)
    people, orgs = needed(ask)
    return File(
        item_of(ask, case, clock, mine=bool(acts)), case, kept.manifest.digest, kept.manifest.recipe_digest,
        proposer=casework.person_name(ask, case.opened_by), builder=casework.person_name(ask, str(case.data.get("built_by", ""))),
        gates=tuple({**row, "gate": row.get("gate") or row.get("id", "")} for row in effective_gates(case.data)), change=kept.diff.to_json() if kept.diff else {},
        entities=tuple(kept.pii.get("entities", ())), funnel=tuple(stats.get("steps", ())),
        card=markdown.render(text, ask.lang, document) if text else None, voices=voices(ask, case), begun=begun(ask, case), needed=(people, orgs), acts=acts,
        samples=samples_of(ask, str(case.data["dataset"]), str(case.data["version"])),
        unclear=tuple(str(row[ask.lang]) for row in kept.pii.get("roles", ())), places=tuple(kept.places),
        build=str(case.data["build"]) if ask.actor.org == case.data.get("builder_org") and "build" in case.data else "",
    )  # fmt: skip


def samples_of(ask: Ask, dataset: str, version: str) -> tuple[ReviewResult, ...]:
    return ask.hub.reviews.list(ask.actor, dataset=dataset, version=version)


def voices(ask: Ask, case: Case) -> tuple[Voice, ...]:
    votes = [(vote.person, vote.org) for vote in case.votes if vote.command == "approve"]
    given = votes or [(row["person"], row["org"]) for row in case.data.get("approvals", ())]
    return tuple(Voice(casework.person_name(ask, person), casework.org_name(ask, org), "") for person, org in given)


def begun(ask: Ask, case: Case) -> tuple[str, ...]:
    """Commands besides the approval that wait for more voices, each with who has spoken."""
    spoken: dict[str, list[str]] = {}
    for vote in case.votes:
        voice = ask.t("reviews.voice", person=casework.person_name(ask, vote.person), org=casework.org_name(ask, vote.org))
        spoken.setdefault(vote.command, []).append(voice)
    spoken.pop("approve", None)
    return tuple(
        ask.t("reviews.begun", command=ask.t.name("command", command), voices=ask.t.listed(said))
        for command, said in spoken.items()
    )


def needed(ask: Ask) -> tuple[int, int]:
    """People and organisations whose approval the rules ask for."""
    rules = ask.hub.cases.rules
    return rules.number("release.approvers"), rules.number("release.approver_orgs")


SCREENS = (
    Screen("/make/reviews", "reviews", show, casework.ACTS),
    Screen("/make/reviews/{case}", "reviews", show, casework.ACTS),
)
