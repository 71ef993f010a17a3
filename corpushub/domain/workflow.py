"""The flow kernel: a flow is a table, `decide` reads it, `evolve` folds what happened.

* Authorise first: seat, separation of duties and conflicts of interest are judged before state, form or guards.
* Nobody decides on what they requested, built, proposed or priced, nor (where the flow says so) anybody of their organisation; there is
  no exemption, for administrators and bots neither; a bot counts as the person it acts for (INV-02).
* A quorum counts people and organisations whose seats are still in force (INV-18).
* An event carries the state it leads to, so folding never asks the table, and a table may change without rewriting history (INV-01).
* Expiry and escalation are events too: a transition with `due` is carried out by the clock (INV-09).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from corpushub.base.errors import Conflict, Forbidden, HubError, NotFound
from corpushub.base.identity import business_day
from corpushub.base.rulebook import Rulebook
from corpushub.domain.catalog import Resource
from corpushub.domain.form import Field, read_form
from corpushub.domain.parties import Actor, Org, Role

_SKEW = timedelta(seconds=5)  # hosts that share a database disagree by this much
Data = Mapping[str, Any]
Separation = Literal["", "person", "org"]


@dataclass(frozen=True, slots=True)
class Command:
    """What an actor wants, with the form's answers."""

    name: str
    data: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `state` is the state after it; `marks` say how it folds: `open`, `vote`, `party` (its actor has a stake from now on)."""

    stream: str
    version: int
    type: str
    actor: str
    org: str
    at: datetime
    data: Data
    state: str
    on_behalf_of: str = ""
    marks: tuple[str, ...] = ()
    rules: str = ""

    @property
    def name(self) -> str:
        """`approved` of `release.approved`."""
        return self.type.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Vote:
    """One voice of a quorum."""

    person: str
    org: str
    roles: tuple[str, ...]
    command: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One running instance of a flow: the fold of its events. `history` is empty where the case came from the index of open cases."""

    id: str
    flow: str
    state: str
    version: int
    data: Data
    opened_by: str
    opened_org: str
    opened_at: datetime
    updated_at: datetime
    entered_at: datetime  # when the present state began
    votes: tuple[Vote, ...] = ()
    persons: frozenset[str] = frozenset()
    orgs: frozenset[str] = frozenset()
    history: tuple[Event, ...] = ()


class Facts(Protocol):
    """What a guard may ask about the rest of the world; every answer is as of the running transaction."""

    def case(self, case_id: str) -> Case | None: ...
    def cases(self, flow: str, *, subject: str = "", states: Sequence[str] = ()) -> Sequence[Case]: ...
    def resource(self, resource_id: str) -> Resource | None: ...
    def org(self, org_id: str) -> Org | None: ...
    def roles_of(self, person: str) -> frozenset[Role]: ...
    def roles_in(self, org_id: str) -> frozenset[Role]: ...
    def org_of(self, person: str) -> str: ...
    def conflicts_of(self, person: str) -> frozenset[str]: ...
    def linked(self, dataset: str, org: str) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The moment, the rules in force and the facts: all a decision may depend on besides case, actor and command."""

    at: datetime
    rules: Rulebook
    facts: Facts

    @property
    def day(self) -> date:
        return business_day(self.at)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who may act: somebody with `role` (any, if None) whose organisation the case names under `party` (any, if empty)."""

    role: Role | None = None
    party: str = ""

    def admits(self, actor: Actor, case: Case | None) -> bool:
        if actor.is_anonymous and self.role is not Role.PUBLIC:
            return False
        if self.role is not None and self.role is not Role.PUBLIC and not actor.has(self.role):
            return False
        return not self.party or (case is not None and actor.org in party_orgs(case, self.party))

    def label(self) -> str:
        """`operator`, `provider@owner`, `@opener`: how the permission table names the seat."""
        return f"{self.role.value if self.role else ''}{'@' + self.party if self.party else ''}" or "signed_in"


OPENER = Seat(party="opener")
ANYBODY = Seat(role=Role.PUBLIC)
SIGNED_IN = Seat()
CLOCK = Seat(role=Role.SYSTEM)


def party_orgs(case: Case, party: str) -> frozenset[str]:
    """Organisations a case names under `party` ("opener", or a key of its data holding an id or a list of ids)."""
    if party == "opener":
        return frozenset({case.opened_org})
    named = case.data.get(party, ())
    return frozenset({named} if isinstance(named, str) else named)


Guard = Callable[[Case, Actor, Data, Context], HubError | None]
"""A reason to refuse, or None. `data` is empty while the portal only asks which buttons to show."""
Derive = Callable[[Case, Actor, Data, Context], Data]
Due = Callable[[Case, Context], datetime | None]


@dataclass(frozen=True, slots=True)
class Open:
    """Reaction: a case follows from this one, opened by the system on behalf of `person`."""

    flow: str
    data: Data
    person: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Reaction: the same happens to another case."""

    case: str
    command: str
    data: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Amend:
    """Reaction: the catalog entry changes."""

    resource: str
    event: str
    changes: Data


@dataclass(frozen=True, slots=True)
class Notify:
    """Reaction: somebody has to know. Recipients are organisation or person ids."""

    recipients: tuple[str, ...]
    topic: str
    facts: Data = field(default_factory=dict)


Reaction = Open | Act | Amend | Notify
Effect = Callable[[Case, Event, Context], Iterable[Reaction]]


@dataclass(frozen=True, slots=True)
class Quorum:
    """Voices needed: distinct people, distinct organisations, and seats that have to be among them."""

    people: int = 1
    orgs: int = 1
    including: frozenset[Role] = frozenset()

    def missing(self, votes: Sequence[Vote]) -> tuple[int, int, tuple[str, ...]]:
        """People, organisations and seats still wanting."""
        held = {role for vote in votes for role in vote.roles}
        return (
            max(0, self.people - len({vote.person for vote in votes})),
            max(0, self.orgs - len({vote.org for vote in votes})),
            tuple(sorted(role.value for role in self.including if role.value not in held)),
        )

    def reached(self, votes: Sequence[Vote]) -> bool:
        return self.missing(votes) == (0, 0, ())


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of a flow's table. `target` empty: the state stays. `voices` names the fact that keeps who made up the quorum."""

    command: str
    sources: tuple[str, ...]
    target: str
    event: str
    by: tuple[Seat, ...]
    fields: tuple[Field, ...] = ()
    guards: tuple[Guard, ...] = ()
    decides: Separation = ""
    quorum: Quorum | Callable[[Case, Context], Quorum] | None = None
    voices: str = "approvals"
    derive: Derive | None = None
    route: Callable[[Case, Data, Context], str] | None = None
    effects: tuple[Effect, ...] = ()
    due: Due | None = None
    involves: bool = False

    def needed(self, case: Case, context: Context) -> Quorum | None:
        return self.quorum(case, context) if callable(self.quorum) else self.quorum


_STANDING = frozenset(
    {
        "withdraw", "cancel", "suspend", "quarantine", "revoke", "void", "give_up", "begin_exit", "unapprove", "extend", "forward", "edit",
        "report_use", "object", "propose_amendment", "delete", "drop_amendment", "appeal", "refuse_upheld", "retire", "freeze", "comment",
        "reopen", "adjust", "correct", "drop", "renew", "shrink", "reject", "refuse", "decline",
    }
)  # fmt: skip


def is_standing(command: str) -> bool:
    """A power one always has, not something a case waits for."""
    return command in _STANDING


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline that starts when a case enters one of `starts`, stops at `stops`, and rests in `pauses`; `rule` names its length.

    What is owed beside the case's way through its states is met by the event that says so: it sets `answer`.
    """

    name: str
    rule: str
    starts: tuple[str, ...]
    stops: tuple[str, ...]
    pauses: tuple[str, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A table of transitions. `subject` is the data key that names what the case is about; `persons` and `orgs` are data keys with a stake."""

    name: str
    prefix: str
    opening: Transition
    transitions: tuple[Transition, ...]
    subject: str = ""
    persons: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    readers: tuple[Seat, ...] = ()
    public_states: tuple[str, ...] = ()
    clocks: tuple[Clock, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """All states, in the order of the table."""
        order = [self.opening.target]
        for row in self.transitions:
            order += [*row.sources, row.target]
        return tuple(dict.fromkeys(state for state in order if state))

    @property
    def finals(self) -> frozenset[str]:
        """States nothing leads out of."""
        return frozenset(self.states) - {source for row in self.transitions for source in row.sources}

    def rows(self, command: str) -> tuple[Transition, ...]:
        return tuple(row for row in self.transitions if row.command == command)


def seats(*who: Seat | Role) -> tuple[Seat, ...]:
    return tuple(item if isinstance(item, Seat) else Seat(item) for item in who)


def step(command: str, way: str, event: str, *who: Seat | Role, **rest: Any) -> Transition:
    """A row as it reads: `step("submit", "draft, fix -> submitted", "submitted", OPENER)`."""
    sources, _, target = way.partition("->")
    return Transition(
        command, tuple(name.strip() for name in sources.split(",") if name.strip()), target.strip(), event, seats(*who), **rest
    )


def stakeholders(flow: Flow, case: Case) -> tuple[frozenset[str], frozenset[str]]:
    """People and organisations who must not decide on this case."""
    named = frozenset(str(case.data[key]) for key in flow.persons if case.data.get(key))
    orgs = frozenset(org for key in flow.orgs for org in party_orgs(case, key))
    return case.persons | named, (case.orgs | orgs) - {""}


def authorise(flow: Flow, row: Transition, case: Case, actor: Actor, context: Context) -> HubError | None:
    """Why `actor` may not, whatever the form says; None if nothing speaks against it."""
    if not any(seat.admits(actor, case) for seat in row.by):
        wanted = ", ".join(seat.label() for seat in row.by)
        return Forbidden("case.wrong_seat", command=row.command, flow=flow.name, seats=wanted)
    if not row.decides:
        return None
    persons, orgs = stakeholders(flow, case)
    if {actor.person, actor.on_behalf_of} & (persons - {""}):
        return Forbidden("case.own_act", command=row.command, case=case.id)
    if row.decides == "org" and (actor.org in orgs or context.facts.org_of(actor.on_behalf_of) in orgs):
        return Forbidden("case.own_org", command=row.command, case=case.id, org=actor.org)
    conflicts = context.facts.conflicts_of(actor.person) & orgs
    if conflicts:
        return Forbidden("case.conflict_of_interest", command=row.command, case=case.id, org=min(conflicts))
    return None


def find_row(flow: Flow, case: Case, actor: Actor, command: str, context: Context) -> Transition:
    """The row `command` means now.

    Raises: NotFound("case.unknown_command"), Forbidden("case.…"), Conflict("case.wrong_state").
    """
    rows = flow.rows(command)
    if not rows:
        raise NotFound("case.unknown_command", command=command, flow=flow.name)
    here = [row for row in rows if case.state in row.sources]
    refusals = [authorise(flow, row, case, actor, context) for row in here or rows]
    if all(refusals):
        raise next(refusal for refusal in refusals if refusal)
    if not here:
        raise Conflict("case.wrong_state", command=command, case=case.id, state=case.state)
    return here[refusals.index(None)]


def counted(case: Case, row: Transition, context: Context) -> tuple[Vote, ...]:
    """Votes for this row whose voter still holds one of the seats it was cast from."""
    roles = context.facts.roles_of
    return tuple(
        vote
        for vote in case.votes
        if vote.command == row.command and (vote.person == "system" or not set(vote.roles).isdisjoint(roles(vote.person)))
    )


def decide(flow: Flow, case: Case, actor: Actor, command: Command, context: Context) -> tuple[Event, ...]:
    """What happens when `actor` gives `command`: one event, of the row's name or `voted` while a quorum is wanting.

    Raises: NotFound, Forbidden, Conflict (see `find_row`), Invalid("case.form") with every problem, Conflict("case.already_voted"),
    and whatever the row's guards refuse with.
    """
    if context.at < case.updated_at - _SKEW:
        raise Conflict("case.clock_back", case=case.id)
    row = find_row(flow, case, actor, command.name, context)
    data = dict(read_form(row.fields, command.data))
    for guard in row.guards:
        if refusal := guard(case, actor, data, context):
            raise refusal
    quorum = row.needed(case, context)
    if quorum is not None:
        voices = (
            *counted(case, row, context),
            Vote(actor.person, actor.org, tuple(sorted(actor.roles)), row.command, actor.on_behalf_of),
        )
        if actor.person in {vote.person for vote in voices[:-1]}:
            raise Conflict("case.already_voted", case=case.id, command=row.command)
        if not quorum.reached(voices):
            return (_event(flow, case, actor, row, context, name="voted", data=data, marks=("vote",)),)
        data[row.voices] = [{"person": vote.person, "org": vote.org, "on_behalf_of": vote.on_behalf_of} for vote in voices]
    if row.derive is not None:
        data.update(row.derive(case, actor, data, context))
    target = row.route(case, data, context) if row.route else row.target
    marks = ("party",) if row.involves else ()
    return (_event(flow, case, actor, row, context, name=row.event, data=data, marks=marks, state=target or case.state),)


def _event(  # noqa: PLR0913 - one place that fills an event
    flow: Flow,
    case: Case,
    actor: Actor,
    row: Transition,
    context: Context,
    *,
    name: str,
    data: Data,
    marks: tuple[str, ...],
    state: str = "",
) -> Event:
    noted = {**data, "command": row.command} if "vote" in marks else data
    return Event(
        stream=case.id,
        version=case.version + 1,
        type=f"{flow.name}.{name}",
        actor=actor.person,
        org=actor.org,
        at=max(context.at, case.updated_at),
        data=dict(noted),
        state=state or case.state,
        on_behalf_of=actor.on_behalf_of,
        marks=(*marks, *(f"role:{role}" for role in sorted(actor.roles))) if "vote" in marks else marks,
        rules=context.rules.digest,
    )


def begin(flow: Flow, case_id: str, actor: Actor, data: Data, context: Context) -> Event:
    """The first event of a case.

    Raises: Forbidden("case.wrong_seat"), Invalid("case.form"), and what the opening's guards refuse with.
    """
    blank = blank_case(flow, case_id, actor, context)
    row = flow.opening
    if refusal := authorise(flow, row, blank, actor, context):
        raise refusal
    form = dict(read_form(row.fields, data))
    for guard in row.guards:
        if refusal := guard(blank, actor, form, context):
            raise refusal
    if row.derive is not None:
        form.update(row.derive(blank, actor, form, context))
    state = row.route(blank, form, context) if row.route else row.target
    return _event(flow, blank, actor, row, context, name=row.event, data=form, marks=("open", "party"), state=state)


def blank_case(flow: Flow, case_id: str, actor: Actor, context: Context) -> Case:
    return Case(case_id, flow.name, "", 0, {}, actor.person, actor.org, context.at, context.at, context.at)


def evolve(case: Case | None, event: Event) -> Case:
    """`case` after `event`; never refuses, because what happened, happened. A move clears the votes of the state it leaves."""
    history = (*(case.history if case else ()), event)
    if case is None:
        flow = event.type.partition(".")[0]
        case = Case(event.stream, flow, "", 0, {}, event.actor, event.org, event.at, event.at, event.at)
    party = "party" in event.marks
    case = replace(
        case,
        version=event.version,
        updated_at=event.at,
        history=history,
        persons=case.persons | ({event.actor, event.on_behalf_of} - {"", "system"} if party else frozenset()),
        orgs=case.orgs | ({event.org} - {"", "system"} if party else frozenset()),
    )
    if "vote" in event.marks:
        roles = tuple(mark.removeprefix("role:") for mark in event.marks if mark.startswith("role:"))
        vote = Vote(event.actor, event.org, roles, str(event.data.get("command", "")), event.on_behalf_of)
        return replace(case, votes=(*case.votes, vote))
    votes = case.votes if event.state == case.state else ()
    entered = case.entered_at if event.state == case.state else event.at
    return replace(case, state=event.state, data={**case.data, **event.data}, votes=votes, entered_at=entered)


def fold(events: Iterable[Event]) -> Case | None:
    case: Case | None = None
    for event in events:
        case = evolve(case, event)
    return case


def private_names(flow: Flow) -> frozenset[str]:
    """Answers of a flow that are personal and stay out of the ledger in clear."""
    return frozenset(item.name for row in (flow.opening, *flow.transitions) for item in row.fields if item.private)
