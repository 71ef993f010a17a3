"""Contributions: what the organisation's curators and CI pushed, what became of each, and how to push the next (article 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpushub.domain.parties import Role
from corpushub.portal import casework
from corpushub.portal.dataset_page import snippet
from corpushub.portal.html import Child, Safe, a, code, details, div, joined, li, ol, p, span, summary, ul
from corpushub.portal.pages import Ask, Page, Screen, link
from corpushub.portal.parts import Tone, card, chip, empty, grid, heading, moment, size, state_chip

PATH = "/make/contributions"
SEATS = frozenset({Role.OPERATOR})
TONES: Mapping[str, Tone] = {"quarantined": "quiet", "building": "warn", "refused": "bad", "proposed": "good"}
RUNNING = frozenset({"building"})
SHOWN_FILES = 50
COMMANDS = """export HF_ENDPOINT={endpoint} HF_TOKEN=chub_…
hf upload {dataset} . --repo-type dataset
hf repos tag create {dataset} v1.1.0 --repo-type dataset"""


def show(ask: Ask) -> Page:
    t = ask.t
    found = ask.hub.contributions.list(ask.actor)
    rows = [row(ask, item) for item in found]
    heads = [
        t("audit_screen.dataset"),
        t("contributions.pushed"),
        t("contributions.files"),
        t("board.state"),
        t("contributions.outcome"),
    ]
    busy = any(item["state"] in RUNNING for item in found)
    shown = grid(heads, rows) if rows else empty(t("contributions.none"), t("contributions.none_next"))
    body = joined(
        heading(t("contributions.title"), lead=t("contributions.lead")),
        div(
            card(t("contributions.listed"), shown, c="flush"),
            data_part="contributions",
            data_every="2" if busy else None,
            data_from=ask.href() if busy else None,
        ),
        how(ask, found),
    )
    return Page(t("contributions.title"), body)


def row(ask: Ask, item: Mapping[str, Any]) -> list[Child]:
    t = ask.t
    dataset = str(item["repo"])
    files: Sequence[str] = item["files"]
    names = ul(*[li(code(name)) for name in files[:SHOWN_FILES]], c="plain")
    return [
        div(
            a(casework.dataset_title(ask, dataset), href=link(ask.lang, f"/data/datasets/{dataset}"), title=dataset),
            div(str(item["commit"])[:10], f" · {item['tag']}" if item.get("tag") else None, c="mono quiet small"),
        ),
        div(casework.person_name(ask, str(item["by"])), div(moment(t, str(item["at"])), c="quiet small")),
        details(summary(t("contributions.file_count", count=len(files)), " · ", size(int(item["bytes"]))), names, c="fold"),
        chip(t(f"contributions.{item['state']}"), TONES.get(str(item["state"]), "")),
        outcome(ask, item),
    ]


def outcome(ask: Ask, item: Mapping[str, Any]) -> Child:
    """The release case it led to, every word of the refusal, or what it waits for."""
    if item.get("case"):
        release = ask.hub.cases.get(ask.actor, str(item["case"]))
        return div(
            state_chip(ask.t, release.state),
            div(a(ask.t("contributions.to_release"), href=casework.case_href(ask, "release", release.id)), c="small"),
        )
    if item["state"] == "refused":
        return div(
            p(ask.t.of(item.get("told")) or str(item.get("code", "")), c="small"),
            p(ask.t("contributions.again"), c="quiet small"),
        )
    return span(ask.t(f"contributions.{item['state']}_next"), c="quiet small")


def how(ask: Ask, found: Sequence[Mapping[str, Any]]) -> Safe:
    """The commands that push, with the dataset last pushed to."""
    t = ask.t
    dataset = str(found[0]["repo"]) if found else f"{ask.actor.org}/{t('contributions.a_name')}"
    text = COMMANDS.format(endpoint=ask.hub.settings.endpoint(), dataset=dataset)
    steps = ol(*[li(t(f"contributions.step_{number}")) for number in (1, 2, 3, 4)], c="plain")
    tokens = a(t("contributions.token"), href=link(ask.lang, "/demand/mine", tab="tokens"))
    return div(card(t("contributions.how"), steps, p(tokens, c="sub")), snippet(t, t("contributions.commands"), text), c="halves")


SCREENS = (Screen(PATH, "contributions", show, roles=SEATS),)
