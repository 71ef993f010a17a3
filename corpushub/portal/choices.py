"""What may be chosen in a form: organisations, catalog entries and datasets by name, so that nobody types an id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from corpushub.domain.form import Field
from corpushub.domain.workflow import Case
from corpushub.portal import casework
from corpushub.portal.forms import PARTED, TOO_MANY, Choices
from corpushub.portal.pages import Ask
from corpushub.services.repositories import Query

MOST = 300
PUBLISHED = ("released", "superseded")
EVER_PUBLISHED = (*PUBLISHED, "quarantined", "withdrawn")  # what was used may be withheld since
ABOUT = ("about", "product")  # an entry of the catalog or a dataset


def all_of(ask: Ask, fields: Iterable[Field], case: Case | None = None) -> Choices:
    """Choices for the kinds and names these fields use, and for commands of `case` those it leaves; each list is asked once."""
    asked = [part for item in fields for part in (item, *PARTED.get(item.name, ()))]
    kinds = {item.kind for item in asked}
    names = {item.name for item in asked}
    found: dict[str, Sequence[tuple[str, str]]] = {}
    if kinds & {"org", "orgs"}:
        orgs = [(org.id, ask.t.of(org.name)) for org in ask.hub.parties.orgs()]
        found |= {"org": orgs, "orgs": orgs}
    if kinds & {"resource", "resources"}:
        found |= dict.fromkeys(("resource", "resources"), all_or_none(entries(ask)))
    if names & {"dataset", "datasets"}:
        found |= dict.fromkeys(("dataset", "datasets"), all_or_none(datasets(ask)))
    if any(item.required and item.name in ABOUT for item in asked):
        found |= dict.fromkeys(ABOUT, all_or_none([*datasets(ask), *entries(ask)]))
    if "demand" in names:
        found["demand"] = listed(
            ask, "demand", lambda case: f"{casework.title_of(ask, case)} · {case.id}", states=casework.running("demand")
        )
    if "contest" in names:
        found["contest"] = listed(ask, "record", partial(casework.title_of, ask), states=("confirmed",), subject="contest")
    if "copied_from" in names:
        found["copied_from"] = listed(
            ask, "access", lambda case: f"{casework.title_of(ask, case)} · {ask.t.moment(case.opened_at, day=True)}", mine=True
        )
    if "entitlements" in names:
        found["entitlements"] = listed(
            ask,
            "entitlement",
            lambda case: f"{holder(ask, case)} · {casework.title_of(ask, case)}",
            states=("active", "expiring"),
        )
    if "parent" in names:
        pairs = [
            listed(
                ask,
                flow,
                lambda case: f"{ask.t.name('name', case.flow)} · {casework.title_of(ask, case)} · {holder(ask, case)}",
                states=("active",),
            )
            for flow in ("authorization", "delegation")
        ]
        found["parent"] = TOO_MANY if TOO_MANY in pairs else all_or_none([*pairs[0], *pairs[1]])
    return found if case is None else found | releases_for(ask, names, case)


def releases_for(ask: Ask, names: Collection[str], case: Case) -> dict[str, Sequence[tuple[str, str]]]:
    """What a command may name of what was released: versions of a right's dataset, later ones that may hold a correction, the maker's own
    since the order, others of a version's dataset that may replace it.
    """
    found: dict[str, Sequence[tuple[str, str]]] = {}
    if "versions_used" in names:
        found["versions_used"] = by_number(ask, releases(ask, states=EVER_PUBLISHED, subject=str(case.data["dataset"])))
    if "corrected_in" in names:
        later = releases(ask, since=case, states=PUBLISHED, subject=str(case.data["about"]))
        found["corrected_in"] = by_number(ask, later)
    if "successor" in names:
        others = [item for item in releases(ask, states=PUBLISHED, subject=str(case.data["dataset"])) if item.id != case.id]
        found["successor"] = [(f"{item.data['dataset']}@{item.data['version']}", dated(ask, item)) for item in others]
    if "release" in names:
        made = releases(ask, since=case, mine=True)
        found["release"] = all_or_none([(held.id, f"{casework.title_of(ask, held)} · {dated(ask, held)}") for held in made])
    return found


def releases(ask: Ask, since: Case | None = None, **which: Any) -> list[Case]:
    held = ask.hub.cases.list(ask.actor, flow="release", limit=MOST + 1, **which).items
    return [release for release in held if since is None or release.opened_at >= since.opened_at]


def by_number(ask: Ask, held: Iterable[Case]) -> Sequence[tuple[str, str]]:
    return all_or_none([(str(release.data["version"]), dated(ask, release)) for release in held])


def dated(ask: Ask, release: Case) -> str:
    """A version with its day and where it stands."""
    day, state = ask.t.moment(release.updated_at, day=True), ask.t.name("state", release.state)
    return f"v{release.data['version']} · {day} · {state}"


def listed(ask: Ask, flow: str, words: Callable[[Case], str], **which: Any) -> Sequence[tuple[str, str]]:
    """Cases the reader sees, by words and id; none where there are too many to choose from."""
    held = ask.hub.cases.list(ask.actor, flow=flow, limit=MOST + 1, **which).items
    return all_or_none([(case.id, words(case)) for case in held])


def holder(ask: Ask, case: Case) -> str:
    """Whose rights an agreement or a delegation states."""
    return casework.org_name(ask, str(case.data.get("holder") or case.data.get("operator", "")))


def all_or_none(pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """A list that ends before what somebody looks for is worse than none: with more than `MOST` its id is written instead."""
    return pairs if len(pairs) <= MOST else TOO_MANY


def entries(ask: Ask) -> list[tuple[str, str]]:
    """Entries the reader sees, by title and id; one more than `MOST` where there are more."""
    found = ask.hub.catalog.search(ask.actor, limit=MOST + 1).items
    return [(entry.id, f"{ask.t.of(entry.title)} · {entry.id}") for entry in found]


def datasets(ask: Ask) -> list[tuple[str, str]]:
    """Datasets the reader sees, by title and name; one more than `MOST` where there are more."""
    repos = ask.hub.repositories.search(ask.actor, Query(limit=MOST + 1))
    return [(repo.id, f"{casework.localized(ask.t, str(repo.facts.get('title') or ''))} · {repo.id}") for repo in repos]
