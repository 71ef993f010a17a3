"""Bringing demands and data together (articles 5 and 10): search in everyday words, matches kept with their reasons, the other direction
when a resource is new, pools of like demands, and the rule that turns an unmet demand into a work order.

What is searched stands on the `Shelf`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, iso, sha256, system_clock
from corpushub.base.rulebook import load_rulebook
from corpushub.base.settings import Settings
from corpushub.domain.parties import SYSTEM, Actor, Role
from corpushub.domain.workflow import Case
from corpushub.domain.workflow import fold as fold_events
from corpushub.engine.matching.demand import Demand, parse_demand
from corpushub.engine.matching.pool import mine, pool
from corpushub.engine.matching.rank import Match, Result
from corpushub.engine.matching.rules import matching_rules
from corpushub.engine.matching.search import Matcher
from corpushub.engine.matching.text import fold
from corpushub.services.cases import Cases
from corpushub.services.shelf import SYNONYM, Shelf, thesaurus, touched
from corpushub.store.db import Database, Unit

OPEN = ("submitted", "acknowledged", "matching", "pooled", "unmet", "reopened")
DESK = (Role.OPERATOR, Role.PROVIDER, Role.IMPLEMENTER, Role.AUTHORITY, Role.SYSTEM)
_TOLD_AT_ONCE = 200  # people wait while a transaction writes
_KEPT, _POOL, _TOLD, _ROUND = "match", "pool", "match_told", "match_round"


@dataclass(frozen=True, slots=True)
class Pool:
    """Like demands of several organisations, without their names: members are told to those who work the desk only."""

    id: str
    title: str
    demands: int
    orgs: int
    budget: int
    earliest: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a demand should be made to order, and which organisations could supply it. `reasons`: score, no_acceptance, pool, public."""

    demand: str
    reasons: tuple[str, ...]
    holders: tuple[str, ...]


class Matching:
    """Matches demands with resources and released datasets."""

    def __init__(
        self,
        *,
        database: Database,
        cases: Cases,
        settings: Settings | None = None,
        clock: Clock = system_clock,
        home_region: str = "110000",
        shelf: Shelf | None = None,
    ) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock
        self.home_region = home_region
        self.rules = load_rulebook(settings.rulebook if settings else "beijing")
        self.shelf = shelf or Shelf(clock=clock, engine=settings.search_engine if settings else "numpy")

    @property
    def today(self) -> date:
        return business_day(self.clock())

    # Finding

    def parse(self, text: str, *, without: Sequence[str] = (), given: Mapping[str, Any] | None = None) -> Demand:
        """What the words mean, as chips a person may take away (`without`) or set (`given`).

        Raises: Invalid("matching.empty").
        """
        if not text.strip():
            raise Invalid("matching.empty")
        return parse_demand(text, today=self.today, home=self.home_region, without=without, given=given)

    def search(
        self, actor: Actor, text: str, *, without: Sequence[str] = (), given: Mapping[str, Any] | None = None, limit: int = 10
    ) -> Result:
        """Entries for everyday words; what is secret is never among them. The same words and grants give everybody the same ranking."""
        demand = self.parse(text, without=without, given=given)
        with self.database.read() as unit:
            matcher = self.shelf.current(unit).matcher
            cleared = replace(demand, rank=max(demand.rank, self._clearance(unit, actor)))
        return matcher.match(cleared, limit)

    def match(self, actor: Actor, case_id: str, limit: int = 10) -> Result:
        """Match a demand case and keep the result with its reasons. Raises: NotFound, Invalid("matching.no_demand")."""
        case = self._demand_case(actor, case_id)
        with self.database.read() as unit:
            matcher = self.shelf.current(unit).matcher
        result = matcher.match(self._demand(case), limit)
        with self.database.begin() as unit:
            unit.documents.put(_KEPT, case.id, {"at": iso(self.clock()), **result.to_json()})
        return result

    def kept(self, actor: Actor, case_id: str) -> Mapping[str, Any]:
        """The kept result of the last `match` of a demand. Raises: NotFound("matching.none_kept")."""
        case = self._demand_case(actor, case_id)
        with self.database.read() as unit:
            held = unit.documents.get(_KEPT, case.id)
        if held is None:
            raise NotFound("matching.none_kept", case=case_id)
        return dict(held)

    def _demand_case(self, actor: Actor, case_id: str) -> Case:
        case = self.cases.get(actor, case_id)
        if case.flow != "demand":
            raise Invalid("matching.no_demand", case=case_id)
        return case

    def _demand(self, case: Case) -> Demand:
        """A case as a parsed demand; `parsed` holds what the requester corrected: `chips` that were set, kinds taken away in `without`."""
        told: Mapping[str, Any] = case.data.get("parsed") or {}
        given: dict[str, Any] = {}
        for chip in told.get("chips", ()):
            kind, value = chip["kind"], chip["value"]
            several = isinstance(value, list) and kind in given and kind != "period"
            given[kind] = [*given[kind], *value] if several else value
        if case.data.get("purpose"):
            given["purpose"] = case.data["purpose"]
        if case.data.get("budget"):
            given["price"] = float(case.data["budget"])
        text = case.data.get("text")
        words = f"{case.data['title']}。{text if isinstance(text, str) else ''}"
        return parse_demand(words, today=self.today, home=self.home_region, without=tuple(told.get("without", ())), given=given)

    def _clearance(self, unit: Unit, actor: Actor) -> int:
        """The strictest rank among resources the actor's organisation may operate today."""
        if actor.is_anonymous:
            return 0
        running = unit.cases.list(flow="authorization", states=("active", "amending"))
        named = {name for case in running if case.data.get("operator") == actor.org for name in case.data.get("resources", ())}
        held = [entry.classification.rank for name in named if (entry := unit.catalog.get(name)) is not None]
        return max(held, default=0)

    # The other direction

    def announce(self, *resources: str) -> tuple[tuple[str, Match], ...]:
        """Run entries against all open demands and tell the owners of those they fit; each is told of an entry once.

        All entries at once: every demand is read a single time, however many came. Raises: NotFound("resource.unknown").
        """
        with self.database.read() as unit:
            matcher = self.shelf.current(unit).matcher
            cases = [self._opened(unit, case) for case in unit.cases.list(flow="demand", states=OPEN)]
            told = {name for name, _ in unit.documents.list(_TOLD)}
        if unknown := set(resources).difference(entry.id for entry in matcher.living()):
            raise NotFound("resource.unknown", resource=min(unknown))
        few = matcher.among(resources)
        good = matching_rules()["thresholds"]["good"]
        found = [
            (case, match)
            for case in cases
            for match in few.best(self._demand(case), len(resources))
            if match.reason("text") >= good
        ]
        new = [(case, match.id, key) for case, match in found if (key := told_of(case.id, match.id)) not in told]
        for start in range(0, len(new), _TOLD_AT_ONCE):
            with self.database.begin() as unit:
                for case, name, key in new[start : start + _TOLD_AT_ONCE]:
                    facts = {"case": case.id, "resource": name}
                    unit.documents.put(_TOLD, key, facts)
                    unit.outbox.add(case.opened_org, "notice.match_found", facts, case=case.id)
        return tuple((case.id, match) for case, match in found)

    @staticmethod
    def _opened(unit: Unit, case: Case) -> Case:
        """With the private answers, for the matching itself; nothing of them is shown to others."""
        return fold_events(unit.events.of(case.id)) or case

    def keep_up(self) -> int:
        """Announce entries that came or changed since the last round, and pool anew when a day begins; how many owners were told."""
        with self.database.read() as unit:
            matcher = self.shelf.current(
                unit
            ).matcher  # also where nothing is to be told: nobody who searches first has to wait for it
            size, kept = unit.ledger.size(), unit.documents.get(_ROUND, _ROUND) or {"size": 0, "day": ""}
            if size == kept["size"] and kept["day"] == self.today.isoformat():
                return 0
            changed = sorted(touched(unit, kept["size"])) if kept["day"] else []
            living = {entry.id for entry in matcher.living()}
        told = len(self.announce(*(name for name in changed if name in living)))
        if kept["day"] != self.today.isoformat():
            self.rebuild_pools()
        with self.database.begin() as unit:
            unit.documents.put(_ROUND, _ROUND, {"size": size, "day": self.today.isoformat()})
        return told

    # Pools

    def rebuild_pools(self, actor: Actor = SYSTEM) -> int:
        """Pool all open demands anew (nightly); how many pools there are. Raises: Forbidden("matching.desk_only")."""
        if actor != SYSTEM and not actor.has(*DESK):
            raise Forbidden("matching.desk_only")
        with self.database.read() as unit:
            cases = [self._opened(unit, case) for case in unit.cases.list(flow="demand", states=OPEN)]
            names = thesaurus(unit)
        groups = pool([self._demand(case) for case in cases], names)
        with self.database.begin() as unit:
            for name, _ in unit.documents.list(_POOL):
                unit.documents.delete(_POOL, name)
            for group in groups:
                held = pooled([cases[number] for number in group])
                unit.documents.put(_POOL, held.id, asdict(held))
        return len(groups)

    def pools(self, actor: Actor) -> tuple[Pool, ...]:
        """All pools; who is in them is shown to the desk and to nobody else."""
        with self.database.read() as unit:
            held = [Pool(**{**value, "members": tuple(value["members"])}) for _, value in unit.documents.list(_POOL)]
        seen = held if actor.has(*DESK) else [replace(one, members=()) for one in held]
        return tuple(sorted(seen, key=lambda one: (-one.orgs, one.id)))

    # Unmet demands

    def unmet(self, actor: Actor, case_id: str) -> Unmet | None:
        """Why a demand should be evaluated for a work order, with the organisations that could supply it; None where it should not.

        Raises: Forbidden("matching.desk_only"), NotFound, Invalid("matching.no_demand").
        """
        if not actor.has(*DESK):
            raise Forbidden("matching.desk_only")
        case = self._demand_case(actor, case_id)
        rules = matching_rules()["thresholds"]
        with self.database.read() as unit:
            matcher = self.shelf.current(unit).matcher
            result = matcher.match(self._demand(self._opened(unit, case)), 50)
            pools = [value for _, value in unit.documents.list(_POOL) if case.id in value["members"]]
        waited = self.rules.working_days(business_day(case.opened_at), self.today)
        reasons = {
            "score": result.best < rules["good"],
            "no_acceptance": case.state not in {"accepted", "fulfilled", "closed"} and waited >= rules["work_days"],
            "pool": any(value["orgs"] >= rules["pool_orgs"] for value in pools),
            "public": bool(case.data.get("public")),
        }
        named = tuple(name for name, holds in reasons.items() if holds)
        return Unmet(case.id, named, likely_holders(matcher, result)) if named else None

    # Synonyms

    def suggestions(self, actor: Actor, limit: int = 50) -> tuple[tuple[str, str, float], ...]:
        """Pairs of words that accepted offers suggest mean the same. Raises: Forbidden("matching.desk_only")."""
        if not actor.has(*DESK):
            raise Forbidden("matching.desk_only")
        with self.database.read() as unit:
            matcher = self.shelf.current(unit).matcher
            entries = {entry.id: entry for entry in matcher.living()}
            pairs = [
                (case.data["title"], " ".join(entries[name].texts().values()))
                for case in unit.cases.list(flow="demand", states=("accepted", "fulfilled", "closed"))
                if (name := str(case.data.get("chosen", ""))) in entries
            ]
        folded = list(zip(fold([asked for asked, _ in pairs]), fold([given for _, given in pairs]), strict=True))
        return tuple(mine(folded, matcher.thesaurus)[:limit])

    def approve_synonym(self, actor: Actor, one: str, other: str) -> None:
        """From now on the two mean the same to matching. Raises: Forbidden("matching.desk_only"), Invalid("matching.synonym")."""
        if not actor.has(*DESK) or actor is SYSTEM:
            raise Forbidden("matching.desk_only")
        pair = sorted(fold([one, other]))
        if not all(1 < len(word) <= 40 for word in pair) or pair[0] == pair[1]:
            raise Invalid("matching.synonym")
        with self.database.begin() as unit:
            unit.documents.put(
                SYNONYM, sha256(" ".join(pair).encode()), {"pair": pair, "by": actor.person, "at": iso(self.clock())}
            )
            self.shelf.learn(unit)


def told_of(case: str, resource: str) -> str:
    """The key under which it stands that a demand was told of an entry."""
    return sha256(f"{case} {resource}".encode())


def pooled(cases: Sequence[Case]) -> Pool:
    """A pool of these demands; the oldest gives the title."""
    first = min(cases, key=lambda case: case.opened_at)
    members = tuple(sorted(case.id for case in cases))
    deadlines = sorted(str(case.data["deadline"]) for case in cases if case.data.get("deadline"))
    return Pool(
        id=f"pool-{sha256(first.id.encode())[:16]}",
        title=str(first.data["title"]),
        demands=len(cases),
        orgs=len({case.opened_org for case in cases}),
        budget=sum(int(case.data.get("budget") or 0) for case in cases),
        earliest=deadlines[0] if deadlines else "",
        members=members,
    )


def likely_holders(matcher: Matcher, result: Result) -> tuple[str, ...]:
    """Owners of what nearly fits, and of the domain the best matches are from; most likely first."""
    by_id = {entry.id: entry for entry in matcher.living()}
    close = [by_id[match.id] for match in (*result.matches, *result.near)]
    domains = [entry.domain for entry in close[:5] if entry.domain]
    counted = Counter({entry.owner: 3 for entry in close[:5]})
    counted.update(entry.owner for entry in matcher.living() if entry.domain in domains)
    return tuple(owner for owner, _ in counted.most_common(5) if owner)
