"""Does what is derived still say what the events say? Folded cases, private answers, and the files of published releases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

from corpushub.base.errors import HubError, NotFound, Problem
from corpushub.base.identity import business_day, canonical, sha256
from corpushub.domain.catalog import Resource, amend
from corpushub.domain.workflow import Case, Event, fold
from corpushub.store.db import Unit
from corpushub.store.objects import Objects

_PAGE = 500
_COMPARED = (
    "flow",
    "state",
    "version",
    "data",
    "votes",
    "persons",
    "orgs",
    "opened_by",
    "opened_org",
    "opened_at",
    "updated_at",
    "entered_at",
)
_PUBLISHED = ("released", "superseded")


def folds(unit: Unit, opened: Iterable[str]) -> Iterator[Problem]:
    """Cases, catalog entries, organisations and people whose stored state is not the fold of their events, and private answers that are not those once given."""
    streams = iter(opened)
    while page := list(islice(streams, _PAGE)):
        yield from case_problems(unit, [stream for stream in page if ":" not in stream])
        yield from resource_problems(unit, [stream for stream in page if stream.startswith("resource:")])
        yield from party_problems(unit, [stream for stream in page if stream.startswith(("org:", "person:"))])
    for key, answers in unit.documents.list("private"):
        stream, _, version = key.rpartition(":")
        if not answers_fit(unit, stream, int(version), answers):
            yield Problem("audit.private_changed", {}, path=f"events/{stream}@{version}")


def case_problems(unit: Unit, streams: Sequence[str]) -> Iterator[Problem]:
    histories = unit.events.of_many(streams)
    for stream in streams:
        kept, folded = unit.cases.get(stream), fold(histories[stream])
        if kept is None:
            yield Problem("audit.case_missing", {}, path=f"cases/{stream}")
        elif folded is not None and (fields := differing(kept, folded)):
            yield Problem("audit.case_changed", {"fields": ", ".join(fields)}, path=f"cases/{stream}")


def resource_problems(unit: Unit, streams: Sequence[str]) -> Iterator[Problem]:
    for stream, history in unit.events.of_many(streams).items():
        folded: Resource | None = None
        for event in history:
            folded = amend(folded, event.name, {name: value for name, value in event.data.items() if name != "cause"})
        kept = unit.catalog.get(stream.partition(":")[2])
        if kept is None or folded is None:
            yield Problem("audit.case_missing", {}, path=f"resources/{stream}")
        elif plain(kept.to_json()) != plain(folded.to_json()):
            before, after = kept.to_json(), folded.to_json()
            fields = [name for name in after if plain(before.get(name)) != plain(after[name])]
            yield Problem("audit.case_changed", {"fields": ", ".join(fields)}, path=f"resources/{stream}")


def party_problems(unit: Unit, streams: Sequence[str]) -> Iterator[Problem]:
    """Organisations, people and seats as their events tell them, against the rows everybody reads. Names of people may have been erased."""
    for stream, history in unit.events.of_many(streams).items():
        kind, _, name = stream.partition(":")
        told, kept = (
            (org_told(history), org_kept(unit, name)) if kind == "org" else (person_told(history), person_kept(unit, name))
        )
        if kept is None:
            yield Problem("audit.case_missing", {}, path=f"parties/{stream}")
        elif fields := [field for field in told if plain(told[field]) != plain(kept[field])]:
            yield Problem("audit.case_changed", {"fields": ", ".join(fields)}, path=f"parties/{stream}")


def org_told(history: Iterable[Event]) -> dict[str, object]:
    first = next(event for event in history if event.name == "added")
    return {name: first.data.get(name, "") for name in ("credit_code", "kind", "region", "name", "parent")}


def org_kept(unit: Unit, name: str) -> dict[str, object] | None:
    org = unit.parties.org(name)
    return {field: getattr(org, field) for field in ("credit_code", "kind", "region", "name", "parent")} if org else None


def person_told(history: Iterable[Event]) -> dict[str, object]:
    org, state = "", "active"
    seats: dict[str, list[str]] = {}
    for event in history:
        if event.name == "added":
            org = str(event.data["org"])
        elif event.name == "seated":
            seats[str(event.data["binding"])] = [str(event.data[field]) for field in ("role", "valid_from", "valid_to")]
        elif event.name == "unseated":
            seats[str(event.data["binding"])][2] = (business_day(event.at) - timedelta(days=1)).isoformat()
        elif event.name == "departed":
            state = "departed"
    return {"org": org, "state": state, "seats": seats}


def person_kept(unit: Unit, name: str) -> dict[str, object] | None:
    person = unit.parties.person(name)
    seats = {seat.id: [seat.role.value, seat.valid_from, seat.valid_to] for seat in unit.parties.bindings(person=name)}
    return {"org": person.org, "state": person.state, "seats": seats} if person else None


def differing(kept: Case, folded: Case) -> list[str]:
    """Names of fields that differ once both are plain JSON (a fold has tuples where a row has lists)."""
    return [name for name in _COMPARED if plain(getattr(kept, name)) != plain(getattr(folded, name))]


def plain(value: object) -> str:
    if isinstance(value, frozenset):
        value = sorted(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def answers_fit(unit: Unit, stream: str, version: int, answers: dict[str, object]) -> bool:
    """Does each kept answer open the commitment its event recorded?"""
    try:
        data = json.loads(unit.ledger.entry(unit.ledger.find(stream, version)))["data"]
    except (NotFound, KeyError):
        return False
    return all(unit.ledger.opens(data[name]["commitment"], canonical(value).decode()) for name, value in answers.items())


def publications(unit: Unit, objects: Objects) -> Iterator[Problem]:
    """Published releases whose tag does not hold the files of the approved manifest (INV-07)."""
    for case in unit.cases.list(flow="release", states=_PUBLISHED):
        dataset, tag = str(case.data["dataset"]), f"v{case.data['version']}"
        place = f"releases/{dataset}@{tag}"
        data = manifest_bytes(unit, objects, str(case.data["manifest_digest"]))
        if data is None:
            yield Problem("audit.manifest_missing", {"digest": str(case.data["manifest_digest"])}, path=place)
            continue
        try:
            manifest = json.loads(data)
            commit = unit.repos.resolve(dataset, tag)
            held = {entry.path: entry.sha256 for entry in unit.repos.entries(commit)} if commit else {}
        except HubError as error:
            yield Problem(error.code, dict(error.facts), path=place)
            continue
        wrong = [item["path"] for item in manifest["files"] if held.get(item["path"]) != item["sha256"]]
        if wrong:
            yield Problem("audit.release_changed", {"files": ", ".join(wrong[:5]), "count": len(wrong)}, path=place)


def manifest_bytes(unit: Unit, objects: Objects, digest: str) -> bytes | None:
    """The canonical manifest of this digest, from the proposals kept or the object store; None where neither has it whole."""
    kept = unit.documents.get("manifest", digest)
    if kept is not None:
        data = canonical(kept["manifest"])
        return data if sha256(data) == digest else None
    try:
        return objects.read(digest)
    except NotFound:
        return None
