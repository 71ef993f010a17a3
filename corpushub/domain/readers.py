"""Who may read a case, and who every case of a flow."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import Case, Flow, Seat, stakeholders

OVERSEERS = (Role.AUTHORITY, Role.AUDITOR, Role.SUPERVISOR, Role.SYSTEM)


def may_read(flow: Flow, case: Case, actor: Actor, secret: AbstractSet[str] = frozenset()) -> bool:
    """The public sees public states; everybody sees what their organisation has a part in or their seat may act on; oversight sees all.

    What names one of the `secret` entries is public no more (article 15).
    """
    if actor.has(*OVERSEERS) or (case.state in flow.public_states and secret.isdisjoint(entries_named(case))):
        return True
    if actor.is_anonymous:
        return False
    if actor.person in case.persons or actor.org in case.orgs or actor.org in stakeholders(flow, case)[1]:
        return True
    return any(seat.admits(actor, case) for seat in _reading(flow))


def entries_named(case: Case) -> frozenset[str]:
    """Ids of the catalog entries a case may be about."""
    return frozenset(str(case.data.get(name, "")) for name in ("resource", "about")) | frozenset(case.data.get("resources", ()))


def may_read_all(flow: Flow, actor: Actor) -> bool:
    """Does one of the actor's seats open every case of this flow, whoever has a part in it?"""
    seats = () if actor.is_anonymous else _reading(flow)
    return actor.has(*OVERSEERS) or any(not seat.party and seat.admits(actor, None) for seat in seats)


@dataclass(frozen=True, slots=True)
class Sight:
    """All an actor may read lies within: every case of the flows `whole`, cases in `public` (flow, state), and those that name `names`."""

    whole: tuple[str, ...]
    public: tuple[tuple[str, str], ...]
    names: tuple[str, ...]


def sight_of(flows: Collection[Flow], actor: Actor) -> Sight:
    """What can be told of `may_read` before a case is looked at, so that nobody goes through what he will not see."""
    whole = tuple(flow.name for flow in flows if may_read_all(flow, actor))
    public = tuple((flow.name, state) for flow in flows if flow.name not in whole for state in flow.public_states)
    return Sight(whole, public, () if actor.is_anonymous else tuple(name for name in (actor.person, actor.org) if name))


def _reading(flow: Flow) -> tuple[Seat, ...]:
    """Seats that read a case because they may, or because they may act on it."""
    acting = (seat for row in flow.transitions for seat in row.by if seat.role not in {None, Role.PUBLIC} or seat.party)
    return (*flow.readers, *acting)
