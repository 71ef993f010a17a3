"""One dataset: its card, rows, files, versions, lineage, how to use it. Each tab has its own address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.base.errors import HubError, NotFound
from corpushub.portal import casework, markdown, pictures
from corpushub.portal.dataset_page import (
    ROWS_PER_PAGE,
    TABS,
    ColumnHead,
    FileLine,
    Rows,
    Sheet,
    Version,
    card_tab,
    files_tab,
    frame,
    rows_tab,
    snippet,
    use_tab,
)
from corpushub.portal.html import Child, Safe, a, b, code, div, joined
from corpushub.portal.pages import Ask, Page, Screen, Words, link
from corpushub.portal.parts import card, digest, empty, facts, heading, number, refusal, state_chip
from corpushub.portal.version_view import SCORES, Pair, change_words, compared_view, decision_link, versions_tab
from corpushub.services.release_cases import Release
from corpushub.services.repositories import Snapshot
from corpushub.services.viewer import Asked

STOPPED = frozenset({"repo.withdrawn", "repo.withdrawn_use", "repo.quarantined", "repo.quarantined_use"})


def show(ask: Ask) -> Page:
    repo_id = f"{ask.params['owner']}/{ask.params['name']}"
    revision = ask.query.get("revision") or "main"
    releases = ask.hub.releases.list(ask.actor, repo_id)
    try:
        snapshot = ask.hub.repositories.at(ask.actor, repo_id, revision)
    except NotFound as error:
        stopped = next((item for item in releases if revision in {"main", f"v{item.version}", item.commit}), None)
        if error.code not in STOPPED or stopped is None:
            raise
        return tombstone(ask, stopped)
    if not snapshot.commit.released and snapshot.repo.head and "revision" not in ask.query:
        snapshot = ask.hub.repositories.at(ask.actor, repo_id, snapshot.repo.head)  # what is out, not what was pushed since
    reader = Reader(ask, snapshot)
    if not snapshot.commit.released:
        return pushed(ask, reader)
    sheet = reader.sheet(releases)
    tab = ask.query.get("tab", "card")
    tab = tab if tab in TABS else TABS[0]
    counts: dict[str, Child] = {"files": len(snapshot.tree.entries), "versions": len(releases)}
    return Page(sheet.title, frame(ask, sheet, tab, reader.tab(tab, sheet, releases), counts))


def tombstone(ask: Ask, release: Release) -> Page:
    """What stays of a version that is withheld: what it was, why, what replaces it and what its holders are to do (article 16, INV-13)."""
    t, stone = ask.t, release.tombstone
    title = t.of(release.title) or release.dataset
    name = f"/data/datasets/{release.dataset}"
    successor = stone.successor.rpartition("@")[2].removeprefix("v") if stone else ""
    told: list[tuple[Child, Child]] = [
        (t("dataset.version"), f"v{release.version}"),
        (t("board.state"), state_chip(t, release.state)),
        (t.name("field", "reason"), stone.reason if stone else None),
        (t.name("field", "manifest_digest"), digest(release.manifest_digest)),
        (
            t.name("field", "successor"),
            a(f"v{successor}", href=link(ask.lang, name, revision=f"v{successor}")) if successor else None,
        ),
    ]
    ways = div(
        a(t("mine.title"), href=link(ask.lang, "/demand/mine", tab="entitlement"), c="btn")
        if not ask.actor.is_anonymous
        else None,
        a(t("datasets.title"), href=link(ask.lang, "/data/datasets"), c="btn"),
        decision_link(ask, release.case),
        c="row",
    )
    body = joined(
        heading(
            title, lead=release.dataset, crumbs=[(t("datasets.title"), link(ask.lang, "/data/datasets")), (title, ask.href())]
        ),
        div(b(t(f"dataset.{release.state}")), " ", t(f"dataset.{release.state}_next"), c="note bad"),
        card(t("dataset.tombstone"), facts([(words, value) for words, value in told if value])),
        ways,
    )
    return Page(title, body)


def pushed(ask: Ask, reader: Reader) -> Page:
    """What was pushed and never released: its files, and where it goes on. Only its organisation's curators come here."""
    t, name = ask.t, reader.snapshot.repo.id
    way = a(t("contributions.title"), href=link(ask.lang, "/make/contributions"), c="btn primary")
    crumbs = [(t("datasets.title"), link(ask.lang, "/data/datasets")), (name, ask.href())]
    body = joined(
        heading(name, actions=[way], crumbs=crumbs),
        div(b(t("dataset.unreleased")), " ", t("dataset.unreleased_next"), c="note warn"),
        files_tab(ask, reader.files()),
    )
    return Page(name, body)


@dataclass(frozen=True, slots=True)
class Reader:
    """One revision of a dataset, read for one reader."""

    ask: Ask
    snapshot: Snapshot

    def report(self, path: str) -> Any:
        return self.ask.hub.previews.report(self.snapshot, path)

    def sheet(self, releases: Sequence[Release]) -> Sheet:
        repo, commit = self.snapshot.repo, self.snapshot.commit
        here = next((item for item in releases if item.commit == commit.id), None)
        head = self.ask.hub.repositories.head_of(self.snapshot)
        gates = self.report("gates.json")
        judged = [row for row in gates.get("gates", ()) if row.get("status") not in {"not_applicable", "pending"}]
        passed = sum(1 for row in judged if row["status"] == "pass")
        stated = head.data.get("license_name") or head.data.get("license") or ""
        stone = here.tombstone if here else None
        return Sheet(
            repo.id, self.title(here, head.title), markdown.lead_of(self.card_text(), self.ask.lang) or head.summary, casework.org_name(self.ask, repo.org), here.version if here else "", commit.id,
            commit.at, "private" if repo.private else "on_request" if repo.gated else "open", str(stated), here.rows if here else 0,
            self.snapshot.tree.bytes, repo.downloads, state=here.state if here and here.state in {"quarantined", "withdrawn"} else "",
            reason=stone.reason if stone else "", successor=stone.successor if stone else "", gates=(passed, len(judged)),
            residual=gates.get("measures", {}).get("pii_residual"), high_quality=bool(judged) and passed == len(judged),
            tags=tuple(str(tag) for tag in head.data.get("tags", ())),
        )  # fmt: skip

    def title(self, here: Release | None, stated: str) -> str:
        return self.ask.t.of(here.title) if here and here.title else stated

    def tab(self, name: str, sheet: Sheet, releases: Sequence[Release]) -> Safe:
        ask = self.ask
        if name == "rows":
            return rows_tab(ask, self.rows())
        if name == "files":
            return files_tab(ask, self.files())
        if name == "versions":
            return versions_tab(ask, self.versions(releases), self.comparison(releases))
        if name == "lineage":
            return self.lineage()
        if name == "use":
            first = next((entry.path for entry in self.snapshot.tree.entries if entry.path.endswith(".parquet")), "")
            return use_tab(ask, sheet, ask.hub.settings.endpoint(), first)
        return card_tab(ask, sheet, markdown.render(self.card_text(), ask.lang, self.picture))

    def card_text(self) -> str:
        return (self.ask.hub.previews.document(self.snapshot, "README.md") or b"").decode("utf-8", "replace")

    def picture(self, path: str) -> bytes | None:
        return self.ask.hub.previews.document(self.snapshot, path)

    def files(self) -> list[FileLine]:
        base = f"/datasets/{self.snapshot.repo.id}/resolve/{self.snapshot.commit.id}"
        return [FileLine(entry.path, entry.size, entry.sha256, f"{base}/{entry.path}") for entry in self.snapshot.tree.entries]

    def versions(self, releases: Sequence[Release]) -> list[Version]:
        found = []
        for item in releases:
            case = self.ask.hub.cases.get(self.ask.actor, item.case)
            change: Mapping[str, Any] = case.data.get("change") or {}
            published = next((event.at.isoformat() for event in case.history if event.name == "published"), item.day)
            state = item.state if item.state in {"quarantined", "withdrawn"} else ""
            reason = item.tombstone.reason if item.tombstone else ""
            level = str(change.get("level") or "first")
            found.append(
                Version(
                    item.version,
                    item.commit,
                    published,
                    level,
                    change_words(self.ask.t, change),
                    state,
                    reason,
                    rows=item.rows,
                    change=change,
                    case=item.case,
                    scores={
                        outcome["measure"]: outcome["value"]
                        for gate in case.data.get("gates", ())
                        for outcome in gate.get("outcomes", ())
                        if outcome["measure"] in SCORES and outcome["value"] is not None
                    },
                )
            )
        return found

    def comparison(self, releases: Sequence[Release]) -> Safe | None:
        """The two versions of the address side by side, the newest and the one before it by default; None where there is but one."""
        ask, names = self.ask, [item.version for item in releases]
        if len(names) < 2:
            return None
        pair = Pair(
            ask.query["a"] if ask.query.get("a") in names else names[1],
            ask.query["b"] if ask.query.get("b") in names else names[0],
        )
        try:
            found = ask.hub.comparisons.compare(ask.actor, self.snapshot.repo.id, pair.a, pair.b)
        except HubError as error:
            return compared_view(ask, names, pair, refusal(ask.t, error), ())
        try:
            rows = ask.hub.comparisons.rows(ask.actor, self.snapshot.repo.id, pair.a, pair.b)
        except HubError as error:
            return compared_view(ask, names, pair, found.change.to_json(), refusal(ask.t, error))
        return compared_view(ask, names, pair, found.change.to_json(), rows)

    def rows(self) -> Rows:
        """The page of rows asked for; a refusal in its place where the reader's grant does not reach."""
        ask, viewer = self.ask, self.ask.hub.viewer
        stats = self.report("reports/stats.json")
        repo, commit = self.snapshot.repo.id, self.snapshot.commit.id
        counts = {str(file["split"]): int(file["rows"]) for file in stats.get("splits", ())}
        try:
            table = viewer.table(ask.actor, repo, commit, "", ask.query.get("split", ""))
            at = ask.number("page", 1, most=100_000)
            asked = Asked(offset=(at - 1) * ROWS_PER_PAGE, length=ROWS_PER_PAGE, query=ask.query.get("find", "")[:100])
            page = viewer.page(ask.actor, table, asked)
        except NotFound:
            return Rows()
        except HubError as error:
            return Rows(refused=refusal(ask.t, error))
        heads = {str(column["name"]): column for column in stats.get("columns", ())}
        names = list(page.rows[0]) if page.rows else list(heads)
        columns = tuple(head_of(ask.t, name, heads.get(name, {})) for name in names)
        rows = tuple(tuple(row[name] for name in names) for row in page.rows)
        return Rows(columns, rows, page.total, tuple(counts.items()), table.split, first=page.index[0] if page.index else 0)

    def lineage(self) -> Safe:
        t = self.ask.t
        sources, stats = self.report("provenance/sources.json"), self.report("reports/stats.json")
        recipe = (self.ask.hub.previews.document(self.snapshot, "provenance/recipe.yaml") or b"").decode("utf-8", "replace")
        if not sources and not stats:
            return empty(t("dataset.no_lineage"), t("dataset.no_lineage_next"))
        return div(
            card(t("dataset.lineage"), pictures.lineage(t, sources.get("sources", ()), self.snapshot.repo.id)),
            div(
                card(t("reviews.funnel"), pictures.funnel(t, stats.get("steps", ()))),
                card(t("dataset.sources"), div([source_facts(t, row) for row in sources.get("sources", ())], c="stack")),
                c="halves",
            ),
            snippet(t, t("dataset.recipe"), recipe) if recipe else None,
            c="stack",
        )


def source_facts(t: Words, row: Mapping[str, Any]) -> Safe:
    right: Mapping[str, Any] = row.get("right") or {}
    return facts(
        [
            (t("dataset.source"), b(t.of(right.get("title")) or row.get("name", ""))),
            (t("dataset.resource"), code(str(row.get("resource", "")))),
            (t("dataset.registration"), right.get("registration_code")),
            (t("dataset.authorization"), right.get("authorization")),
            (t("dataset.purposes"), t.listed(t.name("choice", str(name)) for name in right.get("purposes", ()))),
            (
                t("dataset.valid"),
                f"{right.get('valid_from', '')} – {right.get('valid_to', '')}" if right.get("valid_to") else None,
            ),
            (t("dataset.rows"), number(row.get("rows", 0))),
            (t("dataset.digest"), digest(str(row.get("digest", "")))),
        ]
    )


def head_of(t: Words, name: str, column: Mapping[str, Any]) -> ColumnHead:
    """A column's head from `reports/stats.json`: histogram, range and nulls where they were measured."""
    bins, ends = pictures.bins_of(column)
    nulls = float(column.get("null_share") or column.get("nulls_share") or 0.0)
    return ColumnHead(name, str(column.get("type", "")), t.of(column.get("description")), bins, ends, nulls)


SCREENS = (Screen("/data/datasets/{owner}/{name}", "datasets", show),)
