"""The command loop of every flow: load the stream, decide, append, fold, save, carry out what follows - one transaction.

Reactions (another case opens, a grant is suspended, an entry changes, somebody is told) run as the system inside the same transaction:
either everything happened or nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from corpushub.base.errors import Conflict, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, digest_of, new_id, system_clock
from corpushub.base.rulebook import Rulebook, load_rulebook
from corpushub.base.settings import Settings
from corpushub.domain.catalog import amend
from corpushub.domain.clocks import Reading, next_wake, read_clocks
from corpushub.domain.flows import flow_named, flows
from corpushub.domain.form import Field
from corpushub.domain.parties import SYSTEM, Actor
from corpushub.domain.readers import OVERSEERS, entries_named, may_read, may_read_all, sight_of
from corpushub.domain.workflow import (
    Act,
    Amend,
    Case,
    Command,
    Context,
    Event,
    Flow,
    Notify,
    Open,
    Reaction,
    Transition,
    authorise,
    begin,
    counted,
    decide,
    evolve,
    fold,
    is_standing,
    private_names,
)
from corpushub.services.facts import Linked, UnitFacts, nothing_linked
from corpushub.store.db import Database, Unit
from corpushub.store.outbox import Notice

_MOST_REACTIONS = 10_000
_PAGE = 200
_MOST_CLOCKS = 30_000  # cases whose clocks are remembered, some 700 bytes each
_MOST_WAITING = 500  # per flow, oldest first: what has waited longest is never the part that is cut


@dataclass(frozen=True, slots=True)
class Page:
    """Cases newest first; `cursor` asks for the next page, empty at the end."""

    items: tuple[Case, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A case that waits for the actor: what they may do now, and the most urgent running clock."""

    case: Case
    commands: tuple[str, ...]
    clock: Reading | None


@dataclass(frozen=True, slots=True)
class Allowed:
    """A command as the actor finds it: its form, why it is refused now (None if it is not), and what a quorum still needs."""

    command: str
    fields: tuple[Field, ...]
    refusal: HubError | None
    missing_people: int = 0
    missing_orgs: int = 0
    missing_seats: tuple[str, ...] = ()


class Cases:
    """Every flow's cases."""

    def __init__(
        self, *, database: Database, clock: Clock = system_clock, settings: Settings | None = None, rules: Rulebook | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.rules = rules or load_rulebook(settings.rulebook if settings else "beijing")
        self.linkage: Linked = nothing_linked  # looks into released data before a grant; put in by the hub
        self.followers: dict[str, Callable[[Unit, Case], None]] = {}  # flow -> what keeps derived state in line, same transaction
        # (flow, command) -> who carries out what is more than the case: no interface does half of it.
        self.carriers: dict[tuple[str, str], Callable[[Actor, str], object]] = {}
        # flow -> what of its opening form the hub itself works out from the record, whoever opens it through whichever interface.
        self.compilers: dict[str, Callable[[Unit, Mapping[str, Any]], Mapping[str, Any]]] = {}
        self._clocks: dict[tuple[str, int, date], tuple[Reading, ...]] = {}  # by case, its version and the day

    # Acting

    def open(self, actor: Actor, flow: str, data: Mapping[str, Any], *, once: str = "") -> Case:
        """Begin a case. `once`: a key of the caller's; asking again with it returns what the first time returned.

        Raises: NotFound("case.unknown_flow"), Forbidden, Invalid("case.form"), Conflict("case.key_reused"), and what the opening refuses with.
        """
        asked = digest_of({"open": flow, "data": dict(data)})
        with self.database.begin() as unit:
            if before := self._before(unit, actor, once, asked):
                return before
            return self._remember(unit, actor, once, asked, self.open_in(unit, actor, flow, data))

    def open_in(self, unit: Unit, actor: Actor, flow: str, data: Mapping[str, Any]) -> Case:
        """`open` inside a transaction of the caller."""
        table = flow_named(flow)
        if compiled := self.compilers.get(flow):
            data = {**data, **compiled(unit, data)}
        event = begin(table, new_id(table.prefix, clock=self.clock), actor, data, self.context(unit))
        return self._happened(unit, table, None, event, table.opening)

    def execute(
        self,
        actor: Actor,
        case_id: str,
        command: str,
        data: Mapping[str, Any] | None = None,
        *,
        expected_version: int | None = None,
        once: str = "",
    ) -> Case:
        """Give a command; the case as it stands afterwards. `once`: see `open`.

        Raises: NotFound("case.unknown" | "case.unknown_command"), Forbidden, Invalid("case.form"),
        Conflict("case.stale" | "case.wrong_state" | "case.key_reused" …).
        """
        asked = digest_of({"case": case_id, "command": command, "data": dict(data or {})})
        carrier = self._carrier(actor, case_id, command, expected_version)
        with self.database.begin() as unit:
            if before := self._before(unit, actor, once, asked):
                return before
            if carrier is None:
                after = self.execute_in(unit, actor, case_id, command, data, expected_version=expected_version)
                return self._remember(unit, actor, once, asked, after)
        carrier(actor, case_id)
        with self.database.begin() as unit:
            return self._remember(unit, actor, once, asked, self._load(unit, case_id))

    def _carrier(
        self, actor: Actor, case_id: str, command: str, expected_version: int | None
    ) -> Callable[[Actor, str], object] | None:
        if all(name != command for _, name in self.carriers):
            return None
        case = self.get(actor, case_id)
        found = self.carriers.get((case.flow, command))
        if found is not None and expected_version not in {None, case.version}:
            raise Conflict("case.stale", case=case_id, version=expected_version)
        return found

    def _before(self, unit: Unit, actor: Actor, once: str, asked: str) -> Case | None:
        """What the same request returned before, folded up to the version it returned."""
        told = unit.documents.get("once", f"{actor.person}/{once}") if once else None
        if told is None:
            return None
        if told["asked"] != asked:
            raise Conflict("case.key_reused", key=once)
        return fold(event for event in unit.events.of(told["case"]) if event.version <= told["version"])

    def _remember(self, unit: Unit, actor: Actor, once: str, asked: str, case: Case) -> Case:
        if once:
            unit.documents.put("once", f"{actor.person}/{once}", {"asked": asked, "case": case.id, "version": case.version})
        return case

    def execute_in(
        self,
        unit: Unit,
        actor: Actor,
        case_id: str,
        command: str,
        data: Mapping[str, Any] | None = None,
        *,
        expected_version: int | None = None,
    ) -> Case:
        """`execute` inside a transaction of the caller, who writes more in it."""
        case = self._load(unit, case_id)
        table = flow_named(case.flow)
        if not _legible(unit, actor, [case]) and not _may_touch(table, case, actor, command):
            raise NotFound("case.unknown", case=case_id)
        if expected_version is not None and expected_version != case.version:
            raise Conflict("case.stale", case=case_id, version=expected_version)
        (event,) = decide(table, case, actor, Command(command, data or {}), self.context(unit))
        rows = [row for row in table.rows(command) if case.state in row.sources and row.event == event.name]
        return self._happened(unit, table, case, event, rows[0] if rows else None)

    def _happened(self, unit: Unit, flow: Flow, case: Case | None, event: Event, row: Transition | None) -> Case:
        """Write an event and everything that follows from it."""
        queue: deque[tuple[Case, Event, Transition]] = deque()
        result = self._write(unit, flow, case, event, row, queue)
        done = 0
        while queue:
            done += 1
            assert done < _MOST_REACTIONS, "reactions go round in circles"
            cause, told, cause_row = queue.popleft()
            for effect in cause_row.effects:
                for reaction in effect(cause, told, self.context(unit)):
                    self._react(unit, cause, reaction, queue)
        return result

    def _write(
        self,
        unit: Unit,
        flow: Flow,
        case: Case | None,
        event: Event,
        row: Transition | None,
        queue: deque[tuple[Case, Event, Transition]],
    ) -> Case:
        unit.events.append(event, private_names(flow) & set(event.data))
        after = evolve(case, event)
        context = self.context(unit)
        unit.cases.save(after, subject=str(after.data.get(flow.subject, "")), wake=next_wake(flow, after, context))
        if follower := self.followers.get(flow.name):
            follower(unit, after)
        if row is not None and "vote" not in event.marks:
            queue.append((after, event, row))
        return after

    def _react(self, unit: Unit, cause: Case, reaction: Reaction, queue: deque[tuple[Case, Event, Transition]]) -> None:
        match reaction:
            case Open(flow, data, person):
                table = flow_named(flow)
                agent = replace(SYSTEM, on_behalf_of=person)
                event = begin(table, new_id(table.prefix, clock=self.clock), agent, data, self.context(unit))
                self._write(unit, table, None, event, table.opening, queue)
            case Act(case_id, command, data):
                case = self._load(unit, case_id)
                table = flow_named(case.flow)
                (event,) = decide(table, case, SYSTEM, Command(command, data), self.context(unit))
                row = next(row for row in table.rows(command) if case.state in row.sources)
                self._write(unit, table, case, event, row, queue)
            case Amend(resource, event_name, changes):
                self.amend_in(unit, SYSTEM, resource, event_name, {**changes}, cause=cause.id)
            case Notify(recipients, topic, facts):
                for recipient in recipients:
                    unit.outbox.add(recipient, topic, facts, case=cause.id)

    def amend_in(
        self, unit: Unit, actor: Actor, resource: str, event: str, changes: Mapping[str, Any], *, cause: str = ""
    ) -> None:
        """Write an event of a catalog entry's stream and its new fold."""
        held = unit.catalog.get(resource)
        after = amend(held, event, changes)
        told = {**changes, **({"cause": cause} if cause and event != "added" else {})}
        stream = f"resource:{resource}"
        version = unit.events.version_of(stream) + 1
        note = Event(
            stream, version, f"resource.{event}", actor.person, actor.org, self.clock(), told, after.state, actor.on_behalf_of
        )
        unit.events.append(replace(note, rules=self.rules.digest))
        unit.catalog.save(after)

    def _load(self, unit: Unit, case_id: str) -> Case:
        """Fold the case's own stream."""
        case = fold(unit.events.of(case_id)) if ":" not in case_id else None
        if case is None:
            raise NotFound("case.unknown", case=case_id)
        return case

    def context(self, unit: Unit) -> Context:
        now = self.clock()
        return Context(now, self.rules, UnitFacts(unit, business_day(now), self.linkage))

    # Asking

    def get(self, actor: Actor, case_id: str) -> Case:
        """Raises: NotFound("case.unknown"), also where the actor may not know of it."""
        with self.database.read() as unit:
            return self._readable(unit, actor, case_id)

    def _readable(self, unit: Unit, actor: Actor, case_id: str) -> Case:
        case = self._load(unit, case_id)
        if not _legible(unit, actor, [case]):
            raise NotFound("case.unknown", case=case_id)
        return case

    def history(self, actor: Actor, case_id: str) -> tuple[Event, ...]:
        """Raises: NotFound("case.unknown")."""
        return self.get(actor, case_id).history

    def list(  # noqa: PLR0913 - filters
        self,
        actor: Actor,
        *,
        flow: str | None = None,
        states: Sequence[str] | None = None,
        mine: bool = False,
        subject: str = "",
        naming: str = "",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Cases the actor may read, newest first; `mine`: opened by the actor's organisation; `naming`: one of whose answers is or lists this."""
        if states is not None and not states:
            return Page(())
        tables = [flow_named(flow)] if flow else list(flows().values())
        within = sight_of(tables, actor)
        found: list[Case] = []
        after = cursor or ""
        with self.database.read() as unit:
            while len(found) <= limit:
                batch = unit.cases.list(
                    flow=flow or "",
                    states=states or (),
                    subject=subject,
                    org=actor.org if mine else "",
                    naming=naming,
                    within=None if len(within.whole) == len(tables) else within,
                    after=after,
                    limit=_PAGE,
                )
                found += _legible(unit, actor, batch)
                if len(batch) < _PAGE:
                    break
                after = batch[-1].id
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else "")

    def tally(self, actor: Actor, flows: Sequence[str]) -> dict[str, Counter[tuple[str, date]]]:
        """How many cases of each flow the actor may read, by state and the day they were opened.

        Where a seat opens all of them the database counts; of others only the newest thousand that can be read are counted.
        """
        whole = [name for name in flows if may_read_all(flow_named(name), actor)]
        found: dict[str, Counter[tuple[str, date]]] = {name: Counter() for name in flows}
        with self.database.read() as unit:
            for (name, state, day), number in unit.cases.tallied(whole).items():
                found[name][state, date.fromisoformat(day)] += number
        for name in set(flows) - set(whole):
            found[name].update((case.state, case.opened_at.date()) for case in self.list(actor, flow=name, limit=1000).items)
        return found

    def clocks(self, actor: Actor, case_id: str) -> tuple[Reading, ...]:
        """Every clock of a case. Raises: NotFound("case.unknown")."""
        case = self.get(actor, case_id)
        return read_clocks(flow_named(case.flow), case, self.rules, business_day(self.clock()))

    def clocks_of(self, actor: Actor, cases: Iterable[Case]) -> dict[str, tuple[Reading, ...]]:
        """Clocks of many cases in one question, without the cases the actor may not know of."""
        with self.database.read() as unit:
            return self.clocks_in(unit, _legible(unit, actor, tuple(cases)), business_day(self.clock()))

    def tasks(self, actor: Actor) -> tuple[Task, ...]:
        """What waits for the actor, most urgent first; standing powers (withdraw, quarantine …) are no tasks until somebody has spoken for one."""
        if actor.is_anonymous:
            return ()
        standing, own = _waiting_states(actor, by_party=False), _waiting_states(actor, by_party=True)
        begun, names = _waiting_states(actor, by_party=False, begun=True), [name for name in (actor.person, actor.org) if name]
        with self.database.read() as unit:
            found = unit.cases.oldest(standing, _MOST_WAITING, own=own, names=names, voted=begun)
            tasks = self._tasks(unit, actor, found)
        return tuple(sorted(tasks, key=lambda task: (task.clock.left if task.clock else 10_000, task.case.id)))

    def waiting(self, actor: Actor, cases: Iterable[Case]) -> dict[str, Task]:
        """Of these cases those that wait for the actor, by their ids: what a list of them costs does not hang on how many others wait."""
        if actor.is_anonymous:
            return {}
        with self.database.read() as unit:
            return {task.case.id: task for task in self._tasks(unit, actor, cases)}

    def _tasks(self, unit: Unit, actor: Actor, cases: Iterable[Case]) -> Sequence[Task]:
        context = self.context(unit)
        theirs = [
            (case, tuple(dict.fromkeys(row.command for row in rows)))
            for case in cases
            if (rows := _open_rows(flow_named(case.flow), case, actor, context))
        ]
        clocks = self.clocks_in(unit, [case for case, _ in theirs], context.day)
        return [Task(case, commands, most_urgent(clocks[case.id])) for case, commands in theirs]

    def clocks_in(self, unit: Unit, cases: Sequence[Case], day: date) -> dict[str, tuple[Reading, ...]]:
        """Every clock of each case. Only an event or another day changes what they say, so a case's record is read once."""
        held = self._clocks
        unread = [case for case in cases if (case.id, case.version, day) not in held]
        if len(held) + len(unread) > _MOST_CLOCKS:
            held = self._clocks = {}  # another one: who reads the old one meanwhile finds it whole
            unread = list(cases)
        streams = unit.events.of_many([case.id for case in unread])
        for case in unread:
            full = replace(case, history=streams[case.id])
            held[case.id, case.version, day] = read_clocks(flow_named(case.flow), full, self.rules, day)
        return {case.id: held[case.id, case.version, day] for case in cases}

    def allowed(self, actor: Actor, case_id: str) -> tuple[Allowed, ...]:
        """Every command the actor's seat covers in the case's state, with its form and, where it would be refused, why.

        Raises: NotFound("case.unknown").
        """
        with self.database.read() as unit:
            case = self._readable(unit, actor, case_id)
            table = flow_named(case.flow)
            context = self.context(unit)
            rows = [
                row for row in table.transitions if case.state in row.sources and any(seat.admits(actor, case) for seat in row.by)
            ]
            return tuple(self._allowed(table, row, case, actor, context) for row in rows)

    def _allowed(self, flow: Flow, row: Transition, case: Case, actor: Actor, context: Context) -> Allowed:
        refusal = authorise(flow, row, case, actor, context)
        if refusal is None:
            refused = (found for guard in row.guards if (found := guard(case, actor, {}, context)))
            # What is wrong with an empty form is no refusal: it is still to be filled in.
            refusal = next((found for found in refused if not (row.fields and isinstance(found, Invalid))), None)
        quorum = row.needed(case, context)
        if quorum is None:
            return Allowed(row.command, row.fields, refusal)
        votes = counted(case, row, context)
        if refusal is None and actor.person in {vote.person for vote in votes}:
            refusal = Conflict("case.already_voted", case=case.id, command=row.command)
        people, orgs, roles = quorum.missing(votes)
        return Allowed(row.command, row.fields, refusal, people, orgs, roles)

    def notices(self, actor: Actor, *, unseen: bool = False, limit: int = 50) -> tuple[Notice, ...]:
        """What the actor or their organisation was told, newest first."""
        if actor.is_anonymous:
            return ()
        with self.database.read() as unit:
            return unit.outbox.for_recipients((actor.person, actor.org), unseen=unseen, limit=limit)

    def mark_seen(self, actor: Actor, notice_id: str) -> bool:
        """Was it the actor's notice?"""
        with self.database.begin() as unit:
            return unit.outbox.mark_seen(notice_id, (actor.person, actor.org))

    def mark_all_seen(self, actor: Actor) -> int:
        """How many notices of the actor were new."""
        if actor.is_anonymous:
            return 0
        with self.database.begin() as unit:
            return unit.outbox.mark_all_seen((actor.person, actor.org))

    def unseen(self, actor: Actor) -> int:
        """How many notices wait to be read."""
        if actor.is_anonymous:
            return 0
        with self.database.read() as unit:
            return unit.outbox.unseen((actor.person, actor.org))

    def openable(self, actor: Actor) -> tuple[str, ...]:
        """Names of the flows the actor's seats may open."""
        return tuple(name for name, table in flows().items() if any(seat.admits(actor, None) for seat in table.opening.by))


def most_urgent(clocks: Iterable[Reading]) -> Reading | None:
    """The running clock that ends first."""
    return min((item for item in clocks if item.state == "running"), key=lambda item: item.left, default=None)


def _legible(unit: Unit, actor: Actor, cases: Sequence[Case]) -> list[Case]:
    """Those of `cases` the actor may know of."""
    named = () if actor.has(*OVERSEERS) else frozenset().union(*map(entries_named, cases))
    secret = unit.catalog.secret(named)
    return [case for case in cases if may_read(flow_named(case.flow), case, actor, secret)]


def _may_touch(flow: Flow, case: Case, actor: Actor, command: str) -> bool:
    """Does some seat of this command cover the actor (a public objection, say)?"""
    return any(seat.admits(actor, case) for row in flow.rows(command) for seat in row.by)


def _open_rows(flow: Flow, case: Case, actor: Actor, context: Context) -> list[Transition]:
    """Rows the case waits for and the actor may carry out."""
    voted = {(vote.person, vote.command) for vote in case.votes}
    begun = {vote.command for vote in case.votes}
    return [
        row
        for row in flow.transitions
        if case.state in row.sources
        and (not is_standing(row.command) or row.command in begun)
        and any(seat.admits(actor, case) and (seat.role or seat.party) for seat in row.by)
        and (actor.person, row.command) not in voted
        and authorise(flow, row, case, actor, context) is None
    ]


def _waiting_states(actor: Actor, *, by_party: bool, begun: bool = False) -> list[tuple[str, str]]:
    """(flow, state) in which a seat of the actor could carry something out before the case is looked at: in any case, or, `by_party`, only in
    those that name the actor's organisation. `begun`: standing powers that take several voices, which wait once somebody has spoken.
    """
    rows = (
        (table.name, row)
        for table in flows().values()
        for row in table.transitions
        if is_standing(row.command) == begun
        and (row.quorum is not None or not begun)
        and any(bool(seat.party) == by_party and (actor.has(seat.role) if seat.role else by_party) for seat in row.by)
    )
    return list(dict.fromkeys((name, state) for name, row in rows for state in row.sources))
