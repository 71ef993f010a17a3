"""What oversight asks of the record: indicators, disclosure packs, unusual approvals, who holds what, lists, and the resolver of ids.

Everything here is computed from events and folds at the moment of asking; only the tallies of indicators are kept (`services/tallies.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound
from corpushub.base.identity import BEIJING, Clock, business_day, digest_of, iso, system_clock
from corpushub.domain.catalog import Resource, incomplete
from corpushub.domain.disclosing import FLOWS, due_day, pack
from corpushub.domain.findings import DECISIONS, Finding, unusual
from corpushub.domain.flows import flow_named, flows
from corpushub.domain.flows.entitlement import ACTIVE, models_of
from corpushub.domain.flows.incident import KINDS
from corpushub.domain.flows.revenue import ceiling
from corpushub.domain.indicators import Indicator, Tally, counted_types, indicators, indicators_of
from corpushub.domain.market import market
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.pricing import meter
from corpushub.domain.readers import entries_named
from corpushub.domain.registers import PRODUCTS
from corpushub.domain.workflow import Case, Event, fold
from corpushub.services.cases import Cases
from corpushub.services.first_steps import FirstStep, first_steps
from corpushub.services.tallies import Tallies
from corpushub.store.db import Database, Unit
from corpushub.store.watch import Watch

ALERTS = "alert_subscription"
RECORD_DAYS = (date(2000, 1, 1), date(2999, 1, 1))  # nothing on record lies outside
OVERSIGHT = (Role.AUTHORITY, Role.AUDITOR, Role.SUPERVISOR, Role.IMPLEMENTER, Role.CDO, Role.SYSTEM)


@dataclass(frozen=True, slots=True)
class Holder:
    """An organisation that may use, or has taken, a dataset; of a version, one that has taken it, with the time it last did."""

    org: str
    entitlement: str
    state: str
    purpose: str
    valid_to: str
    deliveries: int
    bytes: int
    last: str = ""
    models: tuple[str, ...] = ()  # it reported as made with the dataset


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an id of the network stands for, for ever: a live object, or a tombstone with its successor."""

    id: str
    kind: str
    state: str
    title: Mapping[str, str]
    successor: str = ""
    reason: str = ""


class Oversight:
    def __init__(self, *, database: Database, cases: Cases, clock: Clock = system_clock) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock
        self.tallies = Tallies(database=database, cases=cases)
        cases.compilers["disclosure"] = self._compiled

    def first_steps(self, actor: Actor) -> tuple[FirstStep, ...]:
        """What is still missing before the first dataset is out, for whoever sets the hub up."""
        return first_steps(self.database, self.clock, actor)

    # Indicators and findings

    def indicators(self, actor: Actor, *, first: date | None = None, last: date | None = None) -> tuple[Indicator, ...]:
        """Indicators of a span of days, both included; by default of everything, from what is kept. Anybody may ask: they are public numbers.

        Events of entries that are secret count, and are not named but to who oversees.
        """
        with self.database.read() as unit:
            if first is None and last is None:
                found = indicators_of(self.tallies.current(unit).everything)
            else:
                found = indicators(_events(unit, first, last, counted_types(flows())), self.cases.rules)
            return found if actor.has(*OVERSIGHT) else tuple(_unnamed(unit, found))

    def trend(self, actor: Actor, months: int) -> Mapping[str, tuple[Indicator, ...]]:
        """Indicators of each of the last months up to this one (`2026-11`), oldest first, each from the events of that month alone."""
        del actor
        today = business_day(self.clock())
        count = today.year * 12 + today.month - 1
        names = [f"{number // 12}-{number % 12 + 1:02}" for number in range(count - months + 1, count + 1)]
        with self.database.read() as unit:
            kept = self.tallies.current(unit).months
        return {name: indicators_of(kept.get(name, Tally())) for name in names}

    def unusual(self, actor: Actor, *, first: date | None = None, last: date | None = None) -> tuple[Finding, ...]:
        """Approvals worth a look (article 16), by default those of the last `separation.unusual_days`. Raises: Forbidden("oversight.only")."""
        _overseer(actor)
        rules, last = self.cases.rules, last or business_day(self.clock())
        span = _span(first or max(last, RECORD_DAYS[0]) - timedelta(days=rules.number("separation.unusual_days")), last)
        with self.database.read() as unit:
            conflicts: dict[str, set[str]] = defaultdict(set)
            for _, value in unit.documents.list("conflict"):
                conflicts[value["person"]].add(value["org"])
            frozen = {person: frozenset(orgs) for person, orgs in conflicts.items()}
            types = [f"{flow}.{name}" for flow in flows() for name in DECISIONS]
            found = unusual(Watch(unit.connection).decided(*span, types), rules, frozen, unit.parties.bindings(), span)
            return (*found, *self._market(unit))

    def recheck_conflicts(self) -> int:
        """Where an interest was declared after an approval, the voice stops counting: what is approved goes back to review, what is out is
        quarantined if its quorum is lost (revocation effects). Runs as upkeep; each declaration is looked at once. How many cases were stopped.
        """
        with self.database.read() as unit:
            after = int(unit.documents.get("cursor", "conflicts") or 0)
            if not unit.events.since(after, types=("person.conflict_declared",), limit=1):
                return 0
        with self.database.begin() as unit:
            after = int(unit.documents.get("cursor", "conflicts") or 0)
            declared = unit.events.since(after, types=("person.conflict_declared",))
            stopped = sum(self._stop_conflicted(unit, event) for _, event in declared)
            if declared:
                unit.documents.put("cursor", "conflicts", declared[-1][0])
        return stopped

    def _stop_conflicted(self, unit: Unit, event: Event) -> int:
        person, org = event.stream.removeprefix("person:"), str(event.data["org"])
        rules, stopped = self.cases.rules, 0
        for case in unit.cases.list(flow="release", states=("approved", "released")):
            voices = case.data.get("approvals", ())
            involved = org in case.orgs | {str(case.data["builder_org"])} and person in {vote["person"] for vote in voices}
            standing = [vote for vote in voices if vote["person"] != person]
            people, orgs = {vote["person"] for vote in standing}, {vote["org"] for vote in standing}
            lost = len(people) < rules.number("release.approvers") or len(orgs) < rules.number("release.approver_orgs")
            if involved and lost:
                command = "unapprove" if case.state == "approved" else "quarantine"
                self.cases.execute_in(unit, SYSTEM, case.id, command, {"reason": f"{event.stream}@{event.version}"})
                stopped += 1
        return stopped

    def subscribe(self, actor: Actor, kinds: Iterable[str]) -> tuple[str, ...]:
        """Tell the actor of every new incident of these kinds from now on; none ends it (article 15). Raises: Forbidden("oversight.only")."""
        _overseer(actor)
        wanted = tuple(dict.fromkeys(kinds))
        if unknown := [kind for kind in wanted if kind not in KINDS]:
            raise Invalid("form.not_choice", field=unknown[0], choices=", ".join(KINDS))
        with self.database.begin() as unit:
            unit.documents.put(ALERTS, actor.person, list(wanted))
        return wanted

    def subscribed(self, actor: Actor) -> tuple[str, ...]:
        """Kinds of incidents the actor is told of."""
        with self.database.read() as unit:
            return tuple(unit.documents.get(ALERTS, actor.person) or ())

    def alert(self, unit: Unit, case: Case) -> None:
        """Follows the incident flow: a new one is told to whoever subscribed to its kind."""
        for person, kinds in unit.documents.list(ALERTS) if case.version == 1 else ():
            if case.data["kind"] in kinds:
                unit.outbox.add(person, "notice.alert", {"case": case.id, "kind": case.data["kind"]}, case=case.id)

    def end_exhausted(self) -> int:
        """Fire `exhaust` on every right whose rows are used up. Runs as upkeep; looks only at rights used since the last round."""
        with self.database.read() as unit:
            before = str(unit.documents.get("cursor", "exhausted") or "")
            last, used = Watch(unit.connection).used_since(before)
            if last == before:
                return 0
            held = [case for name in sorted(used) if (case := unit.cases.get(name)) is not None and case.flow == "entitlement"]
            rows = {
                case.id: unit.deliveries.used(case.id)["rows"]
                for case in held
                if case.data.get("max_rows") and case.state in ACTIVE
            }
            spent = {case.id: rows[case.id] for case in held if case.id in rows and rows[case.id] >= int(case.data["max_rows"])}
        with self.database.begin() as unit:
            for name, number in spent.items():
                self.cases.execute_in(unit, SYSTEM, name, "exhaust", {"rows": number})
            unit.documents.put("cursor", "exhausted", last)
        return len(spent)

    def _market(self, unit: Unit) -> tuple[Finding, ...]:
        books = unit.cases.list(flow="revenue")
        sales = [event for book in books for event in unit.events.of(book.id) if event.name == "sale_recorded"]
        return market(
            products=[entry for kind in PRODUCTS for entry in unit.catalog.search(limit=0, kind=kind)],
            prices=unit.cases.list(flow="price"),
            sales=sales,
            rights=unit.cases.list(flow="entitlement", states=ACTIVE),
            refused=unit.cases.list(flow="access", states=("rejected",)),
            least=self.cases.rules.number("fairness.tying_customers"),
        )

    # Disclosure

    def disclosure_pack(self, actor: Actor, year: int, *, org: str = "") -> dict[str, Any]:
        """The pack of a year, from events up to its end, without what is secret by now. Public. Raises: Invalid("oversight.future_year")."""
        del actor
        with self.database.read() as unit:
            return self._pack(unit, year, org)

    def _pack(self, unit: Unit, year: int, org: str) -> dict[str, Any]:
        if not RECORD_DAYS[0].year <= year <= business_day(self.clock()).year:
            raise Invalid("oversight.future_year", year=year)
        end = datetime.combine(date(year, 12, 31), time(23, 59, 59, 999999), BEIJING)
        orgs = {item.id: item for item in unit.parties.orgs()}
        cases = [case for name in FLOWS for case in _as_of(unit, name, end)]
        secret = unit.catalog.secret(frozenset().union(*map(entries_named, cases)))
        return pack(cases, orgs, year=year, org=org, secret=secret)

    def _compiled(self, unit: Unit, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        """The pack of a disclosure that is opened: the record's numbers, and no others (article 8).

        Raises: Conflict("oversight.not_the_record") for a pack that somebody brings and that says something else.
        """
        year, org = stated.get("year"), stated.get("subject_org") or ""
        if isinstance(year, bool) or not str(year).isdecimal() or not 2000 <= int(str(year)) <= 2999 or not isinstance(org, str):
            return {}  # the form says what is wrong with it
        told = self._pack(unit, int(str(year)), org)
        digest = digest_of(told)
        if stated.get("pack_digest") not in {None, "", digest} or stated.get("pack") not in (None, {}, told):
            raise Conflict("oversight.not_the_record", year=year, digest=digest)
        return {"pack": told, "pack_digest": digest, "upto": unit.events.count()}

    def disclose(self, actor: Actor, year: int, *, kind: str = "city", org: str = "", replaces: str = "") -> Case:
        """Open the disclosure of a year with its compiled pack, for review by somebody else."""
        data = {"year": year, "kind": kind, "subject_org": org, "replaces": replaces}
        return self.cases.open(actor, "disclosure", {name: value for name, value in data.items() if value})

    def disclosure_due(self, year: int) -> date:
        return due_day(year, self.cases.rules)

    # Who has what

    def holders(self, actor: Actor, dataset: str) -> tuple[Holder, ...]:
        """Who may use and who has taken a dataset; of `owner/name@1.0.0`, who has taken that version, in one query (article 6).

        Raises: Forbidden("oversight.only").
        """
        if not actor.has(*OVERSIGHT, Role.OPERATOR):
            raise Forbidden("oversight.only")
        name, _, version = dataset.partition("@")
        if version:
            with self.database.read() as unit:
                found = unit.deliveries.takers(name, f"v{version.removeprefix('v')}")
            return tuple(
                Holder(**{**row, "state": row["state"] or "", "valid_to": "", "bytes": row["bytes"] or 0}) for row in found
            )
        with self.database.read() as unit:
            rights = unit.cases.list(flow="entitlement", subject=dataset)
            rows = []
            for case in rights:
                used = unit.deliveries.used(case.id)
                rows.append(
                    Holder(
                        org=str(case.data["holder"]),
                        entitlement=case.id,
                        state=case.state,
                        purpose=str(case.data["purpose"]),
                        valid_to=str(case.data["valid_to"]),
                        deliveries=used["requests"],
                        bytes=used["bytes"],
                        models=tuple(models_of(case)),
                    )
                )
        return tuple(rows)

    def resolve(self, actor: Actor, name: str) -> Resolved:
        """What an id or registration code stands for; a withdrawn version answers with its tombstone for ever (INV-13). The number of an
        application for registration tells whoever holds it how far it is (article 3).

        Raises: NotFound("oversight.unknown_id").
        """
        with self.database.read() as unit:
            applied = unit.cases.get(name) if name.startswith(f"{flow_named('registration').prefix}-") else None
            entry = unit.catalog.get(str(applied.data["resource"]) if applied else name) or unit.catalog.by_code(name)
            if applied is not None and entry is not None and (not entry.secrecy or actor.has(*OVERSIGHT)):
                return Resolved(applied.id, applied.flow, applied.state, entry.title)
            if entry is not None and (not entry.secrecy or actor.has(*OVERSIGHT)):
                return Resolved(entry.id, entry.kind, entry.state, entry.title)
            dataset, _, version = name.partition("@")
            for case in unit.cases.list(
                flow="release", subject=dataset, states=("released", "superseded", "quarantined", "withdrawn")
            ):
                if not version or case.data["version"] == version.removeprefix("v"):
                    stone = case.data.get("tombstone", {})
                    title = case.data.get("title") or {"en": dataset, "zh": dataset}
                    full = f"{dataset}@{case.data['version']}"
                    return Resolved(
                        full, "release", case.state, title, str(stone.get("successor", "")), str(stone.get("reason", ""))
                    )
        raise NotFound("oversight.unknown_id", id=name)

    # Lists and reports

    def sharing_list(self, actor: Actor, *, partner: str = "") -> tuple[Mapping[str, Any], ...]:
        """The sharing responsibility list (article 4), or what of it a partner region is shown (article 11)."""
        page = self.cases.list(actor, flow="share_item", states=("effective", "breached"), limit=10_000)
        keys = ("scenario", "demander", "supplier", "resources", "mode", "frequency", "sla_days", "basis", "valid_to", "partner")
        rows = [
            {"id": case.id, "state": case.state, **{key: case.data[key] for key in keys if key in case.data}}
            for case in page.items
        ]
        return tuple(row for row in rows if not partner or row.get("partner") == partner)

    def opening_plan(self, actor: Actor, year: int) -> dict[str, Any]:
        """The yearly opening plan with its completion, recomputed from the items' events (article 5)."""
        items = [case for case in self.cases.list(actor, flow="plan_item", limit=10_000).items if case.data["year"] == year]
        done = sum(case.state == "done" for case in items)
        rows = [
            {
                "id": case.id,
                "state": case.state,
                **{
                    key: case.data[key]
                    for key in ("quarter", "resource", "owner", "action", "due", "evidence")
                    if key in case.data
                },
            }
            for case in items
        ]
        kept = [case for case in items if case.state != "dropped"]
        return {
            "year": year,
            "items": sorted(rows, key=lambda row: (row["quarter"], row["id"])),
            "done_percent": round(100 * done / len(kept), 1) if kept else 0.0,
        }

    def catalog_gaps(self, actor: Actor, *, systems: Iterable[str] = ()) -> dict[str, Any]:
        """Completeness of the catalog (articles 1 and 19): systems without entries, entries with something missing, elements without a source."""
        _overseer(actor)
        with self.database.read() as unit:
            entries = unit.catalog.search(limit=0)
            known = {org.id for org in unit.parties.orgs()}
        covered = {entry.system for entry in entries if entry.system}
        return {
            "entries": len(entries),
            "systems_without_entries": sorted(set(systems) - covered),
            "entries_without_owner": sorted(entry.id for entry in entries if entry.owner not in known),
            "incomplete": {entry.id: list(missing) for entry in entries if (missing := incomplete(entry))},
            "elements_without_source": sorted(_orphan_elements(entries)),
        }

    def revenue_meters(self, actor: Actor) -> tuple[Mapping[str, Any], ...]:
        """Earned against the ceiling for every period, with its light (article 7)."""
        warn = self.cases.rules.number("price.warn_percent")
        rows = []
        for case in self.cases.list(actor, flow="revenue", limit=1000).items:
            earned, permitted = int(case.data.get("earned_fen", 0)), ceiling(case)
            rows.append(
                {
                    "id": case.id,
                    "operator": case.data["operator"],
                    "earned_fen": earned,
                    "permitted_fen": permitted,
                    "light": meter(earned, permitted, warn),
                }
            )
        return tuple(rows)

    def changes(self, actor: Actor, *, after: int = 0, limit: int = 100) -> tuple[Mapping[str, Any], ...]:
        """The catalog's public change feed: every event of an entry after number `after`."""
        with self.database.read() as unit:
            found = []
            for seq, event in unit.events.since(after, types=_FEED, limit=limit):
                entry = unit.catalog.get(event.stream.removeprefix("resource:"))
                if entry is not None and (not entry.secrecy or actor.has(*OVERSIGHT)):
                    found.append(
                        {"seq": seq, "resource": entry.id, "type": event.type, "at": iso(event.at), "version": event.version}
                    )
        return tuple(found)

    def report(self, actor: Actor, *, first: date, last: date) -> dict[str, Any]:
        """The periodic report to the city (article 17): every number with the events behind it. Raises: Forbidden("oversight.only")."""
        _overseer(actor)
        with self.database.read() as unit:
            upto, size = unit.events.count(), unit.ledger.size()
        rows = [asdict(item) for item in self.indicators(actor, first=first, last=last)]
        body = {"first": first.isoformat(), "last": last.isoformat(), "upto": upto, "ledger_size": size, "indicators": rows}
        return {**body, "digest": digest_of(body)}


_FEED = (
    "resource.added",
    "resource.revised",
    "resource.registered",
    "resource.registration_ended",
    "resource.attribute_changed",
    "resource.classified",
)


def _overseer(actor: Actor) -> None:
    if not actor.has(*OVERSIGHT):
        raise Forbidden("oversight.only")


def _orphan_elements(entries: Iterable[Resource]) -> set[str]:
    sourced: set[str] = set()
    used: set[str] = set()
    for entry in entries:
        sourced |= set(entry.elements)
        used |= {item.element for item in entry.items if item.element}
    return used - sourced


def _events(unit: Unit, first: date | None, last: date | None, types: Iterable[str] = ()) -> tuple[Event, ...]:
    """Events of a span of days, in the order of the record; of all types, or of those named."""
    return unit.events.between(*_span(first or RECORD_DAYS[0], last or RECORD_DAYS[1]), types=sorted(types))


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    """From the first moment of a day to the last of another, in Beijing."""
    first, last = max(first, RECORD_DAYS[0]), min(last, RECORD_DAYS[1])
    return datetime.combine(first, time(0), BEIJING), datetime.combine(last, time(23, 59, 59, 999999), BEIJING)


def _unnamed(unit: Unit, found: Iterable[Indicator]) -> Iterable[Indicator]:
    """Indicators that do not name the events of secret entries."""
    of = {event: event.removeprefix("resource:").rpartition("@")[0] for item in found for event in item.events}
    secret = unit.catalog.secret(set(of.values()))
    for item in found:
        yield replace(item, events=tuple(event for event in item.events if of[event] not in secret))


def _as_of(unit: Unit, flow: str, end: datetime) -> Iterable[Case]:
    """Every case of a flow as it stood at `end`."""
    streams = unit.events.of_many([case.id for case in unit.cases.list(flow=flow)])
    for events in streams.values():
        case = fold(event for event in events if event.at <= end)
        if case is not None:
            yield case
