"""What a dataset's page looks like: head, figures and tabs over plain values; `screens/dataset.py` reads them from the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpushub.portal import pictures
from corpushub.portal.frame import LENS
from corpushub.portal.html import (
    Child,
    Safe,
    a,
    b,
    button,
    code,
    div,
    form,
    h2,
    input_,
    joined,
    nav,
    pre,
    span,
    table,
    tbody,
    td,
    th,
    thead,
    tr,
)
from corpushub.portal.pages import Ask, Words, link
from corpushub.portal.parts import (
    card,
    chip,
    compact,
    digest,
    empty,
    facts,
    grid,
    heading,
    moment,
    number,
    pager,
    size,
    state_chip,
    tabs,
)

TABS = ("card", "rows", "files", "versions", "lineage", "use")
ROWS_PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Version:
    """One release in the line of versions. `level`: major, minor, patch; `state`: "", quarantined, withdrawn."""

    version: str
    commit: str
    at: str
    level: str = ""
    summary: str = ""
    state: str = ""
    reason: str = ""
    successor: str = ""
    rows: int = 0
    change: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)  # measures of quality by id, as its gates found them
    case: str = ""  # the case it was approved in


@dataclass(frozen=True, slots=True)
class FileLine:
    path: str
    bytes: int
    sha256: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """A column of the viewer: its type, meaning and a small histogram (counts per bin, labels of the ends)."""

    name: str
    dtype: str
    meaning: str = ""
    bins: tuple[float, ...] = ()
    ends: tuple[str, str] = ("", "")
    nulls: float = 0.0


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of rows as the reader's grant allows them; `refused` says why there are none."""

    columns: tuple[ColumnHead, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    total: int = 0
    splits: tuple[tuple[str, int], ...] = ()
    split: str = ""
    refused: Child = None
    first: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """The head of the page."""

    id: str
    title: str
    summary: str
    org: str
    version: str
    commit: str
    released_at: str
    access: str
    licence: str
    rows: int
    bytes: int
    downloads: int
    state: str = ""
    reason: str = ""
    successor: str = ""
    gates: tuple[int, int] = (0, 0)
    residual: float | None = None
    high_quality: bool = False
    tags: tuple[str, ...] = ()


def frame(ask: Ask, sheet: Sheet, tab: str, body: Safe, counts: Mapping[str, Child]) -> Safe:
    """Head, figures, tabs and the tab's body."""
    t = ask.t
    chips = [
        chip(f"v{sheet.version}", "info") if sheet.version else None,
        chip(t.name("access", sheet.access), "good" if sheet.access == "open" else "warn"),
        chip(t("dataset.high_quality"), "good") if sheet.high_quality else None,
        state_chip(t, sheet.state) if sheet.state else None,
    ]
    ways = [
        a(t("dataset.use"), href=ask.href(tab="use"), c="btn primary"),
        a(t("dataset.request"), href=link(ask.lang, "/demand/mine", request=sheet.id), c="btn")
        if sheet.access != "open"
        else None,
        a(t("dataset.object"), href=link(ask.lang, "/data/objections", about=sheet.id), c="btn"),
    ]
    words = [(name, t(f"dataset.tab_{name}"), counts.get(name)) for name in TABS]
    return joined(
        heading(
            sheet.title or sheet.id,
            lead=sheet.summary or None,
            actions=ways,
            crumbs=[
                (t("datasets.title"), link(ask.lang, "/data/datasets")),
                (sheet.id, link(ask.lang, f"/data/datasets/{sheet.id}")),
            ],
        ),
        div(chips, c="row"),
        stopped(ask, sheet) if sheet.state else None,
        tiles(t, sheet),
        tabs(ask, words, tab),
        body,
    )


def stopped(ask: Ask, sheet: Sheet) -> Safe:
    t = ask.t
    key = "dataset.withdrawn" if sheet.state == "withdrawn" else "dataset.quarantined"
    onward = (
        a(t("dataset.successor", version=sheet.successor), href=ask.href(revision=sheet.successor, tab=""))
        if sheet.successor
        else None
    )
    return div(b(t(key)), " ", sheet.reason, " ", onward, c="note bad")


def tiles(t: Words, sheet: Sheet) -> Safe:
    passed, judged = sheet.gates
    pairs: list[tuple[str, str]] = [
        (number(sheet.rows), t("dataset.rows")),
        (size(sheet.bytes), t("dataset.bytes")),
        (f"{passed}/{judged}" if judged else "–", t("dataset.gates")),
        (number(sheet.residual) if sheet.residual is not None else "–", t("dataset.residual")),
        (compact(sheet.downloads), t("dataset.downloads")),
        (t.moment(sheet.released_at, day=True) or "–", t("dataset.released")),
    ]
    return div(*[div(b(figure), span(words), c="tile") for figure, words in pairs], c="tiles")


def card_tab(ask: Ask, sheet: Sheet, body: Safe) -> Safe:
    t = ask.t
    side = div(
        card(
            t("dataset.facts"),
            facts(
                [
                    (t("dataset.owner"), sheet.org),
                    (t("dataset.licence"), sheet.licence),
                    (t("dataset.version"), sheet.version),
                    (t("dataset.commit"), digest(sheet.commit)),
                    (t("dataset.released"), moment(t, sheet.released_at)),
                ],
                c="top",
            ),
        ),
        card(t("dataset.machine"), machine_links(t, sheet)),
        card(t("dataset.topics"), div([chip(t.name("tag", tag)) for tag in sheet.tags], c="row")) if sheet.tags else None,
        c="stack",
    )
    return div(card(None, div(body, c="doc")), side, c="two")


def machine_links(t: Words, sheet: Sheet) -> Safe:
    base = f"/datasets/{sheet.id}/resolve/v{sheet.version}"
    names = (
        ("README.md", "dataset.link_card"),
        ("croissant.json", "dataset.link_croissant"),
        ("dcat.ttl", "dataset.link_dcat"),
        ("SHA256SUMS", "dataset.link_sums"),
    )
    more = (
        (
            t("dataset.link_sample"),
            a("sample.json", href=f"/v1/samples/{sheet.id}?revision=v{sheet.version}", download="sample.json"),
        ),
        (
            t("dataset.link_listing"),
            a("listing-pack.json", href=f"/v1/listing-pack/{sheet.id}?version={sheet.version}", download=True),
        ),
    )
    return facts([*((t(key), a(name, href=f"{base}/{name}", download=True)) for name, key in names), *more])


def rows_tab(ask: Ask, rows: Rows) -> Safe:
    t = ask.t
    if rows.refused:
        way = a(
            t("dataset.request"),
            href=link(ask.lang, "/demand/mine", request="{owner}/{name}".format(**ask.params)),
            c="btn primary",
        )
        return card(None, rows.refused, div(way, c="row sub"))
    if not rows.columns:
        return empty(t("dataset.no_rows"), t("dataset.no_rows_next"))
    page = ask.number("page", 1)
    splits = [
        a(
            name,
            span(f"{count:,}", c="count"),
            href=ask.href(split=name, page=""),
            c="tab current" if name == rows.split else "tab",
        )
        for name, count in rows.splits
    ]
    head = thead(tr(th("#"), *[column_head(t, column) for column in rows.columns]))
    body = tbody(*[tr(td(rows.first + index + 1), *[cell(value) for value in row]) for index, row in enumerate(rows.rows)])
    found = span(t("dataset.found", count=f"{rows.total:,}"), c="quiet small") if ask.query.get("find") else None
    return card(
        None,
        div(nav(*splits, c="tabs plain-tabs", aria_label=t("dataset.splits")), find_form(ask), found, c="viewer-bar"),
        div(div(table(head, body), c="viewer", tabindex="0"), pager(ask, rows.total, page, ROWS_PER_PAGE), data_part="rows"),
        c="flush",
    )


def find_form(ask: Ask) -> Safe:
    words = ask.t("dataset.find")
    return form(
        div(
            LENS,
            input_(
                type_="search",
                name="find",
                value=ask.query.get("find") or None,
                placeholder=words,
                aria_label=words,
                autocomplete="off",
            ),
            c="find",
        ),
        *[
            input_(type_="hidden", name=name, value=ask.query[name])
            for name in ("tab", "split", "revision")
            if ask.query.get(name)
        ],
        action=link(ask.lang, ask.path),
        method="get",
        data_live=True,
    )


def column_head(t: Words, column: ColumnHead) -> Safe:
    nulls = t("dataset.nulls", share=f"{column.nulls:.1%}") if column.nulls else None
    return th(
        span(column.name, c="col"),
        span(column.dtype, c="kind"),
        pictures.histogram(column.bins) if column.bins else None,
        span(f"{column.ends[0]} – {column.ends[1]}", c="kind") if column.ends[0] else None,
        span(nulls, c="kind") if nulls else None,
        title=column.meaning or None,
        scope="col",
    )


def cell(value: Any) -> Safe:
    if value is None:
        return td(span("null", c="null"))
    if isinstance(value, bool):
        return td(chip("true" if value else "false", "info" if value else "quiet"))
    if isinstance(value, int | float):
        return td(str(value), c="num")
    if isinstance(value, list | tuple):
        return td(span(span(*[span(pictures.with_entities(str(item))) for item in value[:20]], c="many"), c="cell"))
    return td(span(pictures.with_entities(str(value)), c="cell"))


def files_tab(ask: Ask, files: Sequence[FileLine]) -> Safe:
    t = ask.t
    rows = [
        [
            a(file.path, href=file.href, download=True) if file.href else file.path,
            size(file.bytes),
            digest(file.sha256, length=16),
        ]
        for file in files
    ]
    total = sum(file.bytes for file in files)
    heads = [t("dataset.file"), t("dataset.size"), "SHA-256"]
    return card(
        t("dataset.tab_files"),
        grid(heads, rows, numeric=(1,)),
        aside=t("dataset.files_total", count=len(files), size=size(total)),
        c="flush",
    )


def use_tab(ask: Ask, sheet: Sheet, endpoint: str, path: str) -> Safe:
    """Ways to pull this very version; the token's place is marked, never filled in."""
    t = ask.t
    tag, short = f"v{sheet.version}", sheet.id.rpartition("/")[2]
    env = f"export HF_ENDPOINT={endpoint}\nexport HF_TOKEN={t('dataset.token_place')}"
    load = f'from datasets import load_dataset\n\nds = load_dataset("{sheet.id}", revision="{tag}")\nprint(ds)'
    stream = f'ds = load_dataset("{sheet.id}", revision="{tag}", split="train", streaming=True)\nfor row in ds.take(3):\n    print(row)'
    polars = f'import polars as pl\nfrom huggingface_hub import hf_hub_download\n\npath = hf_hub_download("{sheet.id}", "{path}", repo_type="dataset", revision="{tag}")\nprint(pl.read_parquet(path).head())'
    shell = f"hf download {sheet.id} --repo-type dataset --revision {tag} --local-dir {short}"
    parts_ = [("dataset.use_env", env), ("datasets", load), ("dataset.use_stream", stream), ("polars", polars), ("hf", shell)]
    blocks = [snippet(t, t(name) if "." in name else name, text) for name, text in parts_]
    gated = (
        div(t("dataset.use_gated"), " ", a(t("dataset.to_tokens"), href=link(ask.lang, "/demand/mine", tab="tokens")), c="note")
        if sheet.access != "open"
        else None
    )
    return div(gated, *blocks, c="stack")


def snippet(t: Words, title: str, text: str) -> Safe:
    return div(
        h2(title),
        div(pre(code(text), tabindex="0"), button(t("portal.copy"), type_="button", c="copy", data_copy=text), c="snippet sub"),
        c="card",
    )
