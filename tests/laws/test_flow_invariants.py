"""Random people give random commands to random cases; whatever happens, the invariants of governance hold (INV-01 to INV-18), on both databases."""

from __future__ import annotations

import re
import shutil
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from corpushub.base.errors import HubError
from corpushub.base.identity import business_day
from corpushub.base.merkle import Checkpoint
from corpushub.base.messages import LANGS
from corpushub.domain.clocks import read_clocks
from corpushub.domain.flows import flow_named, flows
from corpushub.domain.flows.authorization import terms_of
from corpushub.domain.flows.delegation import effective_terms
from corpushub.domain.flows.entitlement import link_of
from corpushub.domain.form import Field
from corpushub.domain.parties import SYSTEM, Actor, Role, exclusive
from corpushub.domain.policy import CHANNELS, FREE_PURPOSES, Delivered, Link, Terms, Use, decide_delivery, excess
from corpushub.domain.workflow import Case, fold
from corpushub.services.delivery import links_of
from corpushub.services.facts import UnitFacts
from tests.kit.gov import PEOPLE, RESOURCE, City, a_city, a_released_city, an_entry, draft, entitled, registered, released, terms
from tests.kit.postgres import a_database

DECIDING = {f"{flow.name}.{row.event}" for flow in flows().values() for row in flow.transitions if row.decides}
MARK = "grandmother"
FILL: dict[str, Any] = {
    "date": "2026-12-31",
    "int": 3,
    "number": 1.0,
    "bool": True,
    "digest": "d" * 64,
    "record": {"purposes": ["model-training"]},
    "records": [{"from_units": 0, "unit_price_fen": 1}],
    "words": ["city/notices"],
    "resource": RESOURCE,
    "resources": [RESOURCE],
    "org": "beichen",
    "orgs": ["beichen"],
    "person": "developer",
    "case": "rel-x",
}


def fill(fields: tuple[Field, ...], pick: Any) -> dict[str, Any]:
    """An answer to every question; choices are drawn."""
    answers: dict[str, Any] = {}
    for item in fields:
        if item.choices:
            choice = pick(st.sampled_from(item.choices))
            answers[item.name] = [choice] if item.kind == "choices" else choice
        else:
            answers[item.name] = FILL.get(
                item.kind, "city/notices" if item.name in {"about", "dataset", "product"} else "some plain words"
            )
    return answers


def sellable(city: City) -> tuple[str, str]:
    """A listed price and an open revenue period."""
    item = {"product": "city/notices", "operator": "data-group", "implementer": "econ-bureau", "unit": "call"}
    case = city.cases.open(city["operator"], "price", item | {"statement": {"costs": {"labour": 9000}}, "expected_units": 10})
    cap = {"cap_fen": 900, "kind": "trial", "valid_from": "2026-01-01", "valid_to": "2028-12-31"}
    for person, command, data in (
        ("implementer", "check_cost", {}),
        ("implementer", "cap", cap),
        ("operator", "list", {"tiers": [{"from_units": 0, "unit_price_fen": 900}]}),
    ):
        city.do(person, case, command, **data)
    period = {"operator": "data-group", "implementer": "econ-bureau", "valid_from": "2026-01-01", "valid_to": "2028-12-31"}
    return case.id, city.cases.open(city["implementer"], "revenue", period | {"permitted_fen": 9000}).id


class Governance(RuleBasedStateMachine):
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.city = self.make()
        entitled(self.city)
        self.case_ids: list[str] = []
        self.size = 0
        self.root = b""
        self.version = 0
        self.left: dict[str, datetime] = {}
        self.price, self.book = sellable(self.city)
        self.refresh()

    def make(self) -> City:
        return a_released_city(self.folder)

    def refresh(self) -> None:
        with self.city.database.read() as unit:
            self.case_ids = sorted(case.id for name in flows() for case in unit.cases.list(flow=name))

    def teardown(self) -> None:
        self.city.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def actor(self, person: str, bot_for: str) -> Actor:
        return self.city.parties.actor_of(person, on_behalf_of=bot_for)

    def attempt(self, work: Any) -> None:
        """Do it; a refusal must leave no trace."""
        with self.city.database.read() as unit:
            before = unit.events.count()
        try:
            work()
        except HubError as refused:
            explained = [refused.explain(lang) for lang in LANGS]
            with self.city.database.read() as unit:
                assert (unit.events.count(), all(explained)) == (before, True), "a refusal changed something"
        self.refresh()

    @rule(data=st.data(), person=st.sampled_from(sorted(PEOPLE)), bot=st.sampled_from(("", "", "", "operator", "developer")))
    def command(self, data: st.DataObject, person: str, bot: str) -> None:
        case = self.case(data.draw(st.sampled_from(self.case_ids)))
        rows = [row for row in flow_named(case.flow).transitions if case.state in row.sources]
        if rows:
            row = data.draw(st.sampled_from(rows))
            self.attempt(
                lambda: self.city.cases.execute(self.actor(person, bot), case.id, row.command, fill(row.fields, data.draw))
            )

    @rule(data=st.data())
    def fitting_command(self, data: st.DataObject) -> None:
        """Somebody whose seat fits, so that cases get on."""
        case = self.case(data.draw(st.sampled_from(self.case_ids)))
        flow = flow_named(case.flow)
        fitting = [
            (row, person)
            for row in flow.transitions
            if case.state in row.sources
            for person in sorted(set(PEOPLE) - set(self.left))
            if any(seat.admits(self.city[person], case) for seat in row.by)
        ]
        if fitting:
            row, person = data.draw(st.sampled_from(fitting))
            self.attempt(lambda: self.city.cases.execute(self.city[person], case.id, row.command, fill(row.fields, data.draw)))

    @rule(data=st.data(), person=st.sampled_from(sorted(PEOPLE)))
    def open(self, data: st.DataObject, person: str) -> None:
        flow = flows()[data.draw(st.sampled_from(sorted(flows())))]
        self.attempt(lambda: self.city.cases.open(self.city[person], flow.name, fill(flow.opening.fields, data.draw)))

    @rule(number=st.integers(2, 30))
    def propose(self, number: int) -> None:
        self.attempt(lambda: self.city.cases.open(self.city["operator"], "release", draft(self.city, version=f"{number}.0.0")))

    @rule(purpose=st.sampled_from(("model-training", "research", "contest")))
    def ask(self, purpose: str) -> None:
        data = {"dataset": "city/notices", "purpose": purpose, "plan": "train a small model", "terms_accepted": True}
        self.attempt(lambda: self.city.cases.open(self.city["developer"], "access", data))

    @rule(
        purposes=st.sampled_from((["research"], ["contest"], ["model-training"])),
        holder=st.sampled_from(("district", "beichen", "econ-bureau")),
    )
    def delegate(self, purposes: list[str], holder: str) -> None:
        parents = [name for name in self.case_ids if name.startswith(("aut-", "del-"))]
        content = {
            "parent": parents[-1],
            "holder": holder,
            "resources": [RESOURCE],
            "fields": {RESOURCE: ["id"]},
            "purposes": purposes,
        }
        content |= {"channels": ["query"], "valid_from": "2026-03-02", "valid_to": "2027-03-01", "regions": ["990101"]}
        for person in ("implementer", "district"):
            self.attempt(lambda person=person: self.city.cases.open(self.city[person], "delegation", content))

    @rule(bot=st.booleans(), secret=st.booleans())
    def decide_on_ones_own(self, bot: bool, secret: bool) -> None:
        """Whoever proposed a change tries to decide it, in person or through a bot."""
        change = {
            "resource": RESOURCE,
            "category": "general",
            "grade": "2",
            "secrecy": secret,
            "basis": "a basis",
            "reason": "a reason",
        }
        self.attempt(lambda: self.city.cases.open(self.city["authority"], "classification", change))
        mine = [name for name in self.case_ids if name.startswith("cls-")]
        actor = self.actor("provider", "authority") if bot else self.city["authority"]
        if mine:
            self.attempt(lambda: self.city.cases.execute(actor, mine[-1], "approve"))

    @rule(days=st.sampled_from((1, 12, 40, 200)))
    def time_passes(self, days: int) -> None:
        self.city.clock.forward(days=days)
        self.city.tick()
        self.refresh()

    @rule(person=st.sampled_from(sorted(PEOPLE)), role=st.sampled_from(("operator", "reviewer", "implementer", "registrar")))
    def seat(self, person: str, role: str) -> None:
        self.attempt(lambda: self.city.parties.bind(self.city["keeper"], person, role))

    @rule(
        units=st.integers(-1, 50),
        amount=st.none() | st.integers(-1, 60_000),
        purpose=st.sampled_from(("model-training", "public-welfare", "public-governance")),
    )
    def sell(self, units: int, amount: int | None, purpose: str) -> None:
        sale = {"price": self.price, "customer": "beichen", "units": units, "purpose": purpose}
        sale |= {} if amount is None else {"amount_fen": amount}
        self.attempt(lambda: self.city.cases.execute(self.city["operator"], self.book, "record_sale", sale))

    @rule(person=st.sampled_from(("operator", "operator2", "developer")))
    def derive(self, person: str) -> None:
        made = {"name": "product", "kind": "model", "parents": ["city/notices"], "description": "made from the notices"}
        self.attempt(lambda: self.city.cases.open(self.city[person], "derived", made))

    @rule(grade=st.integers(1, 4), secret=st.booleans())
    def enter_a_product(self, grade: int, secret: bool) -> None:
        number = len(self.city.catalog.search(SYSTEM, limit=500).items)
        entry = an_entry(id=f"990100/group/p{number}", kind="product", owner="data-group", parents=[RESOURCE], secrecy=secret)
        entry["classification"] = {"category": "general", "grade": grade, "assessment": ""}
        self.attempt(lambda: self.city.catalog.add(self.city["operator"], entry))

    @rule(text=st.sampled_from((MARK, f"{MARK} call 13812345678")))
    def tell_something_personal(self, text: str) -> None:
        self.attempt(lambda: self.city.cases.open(self.city["developer"], "demand", {"title": "tides", "text": text}))

    @rule(person=st.sampled_from(("implementer2", "registrar2", "reviewer")))
    def leave(self, person: str) -> None:
        if person not in self.left:
            self.attempt(lambda: self.city.parties.depart(self.city["keeper"], person))
            self.left[person] = self.city.clock()

    @rule(days=st.sampled_from((1, 400)), data=st.data())
    def clock_runs_backwards(self, days: int, data: st.DataObject) -> None:
        """Whatever is tried on a clock that runs behind the record is refused and changes nothing. The first demand sees to it
        that there is a record of this very day."""
        demand = {"title": "tides", "text": "more of them"}
        self.attempt(lambda: self.city.cases.open(self.city["developer"], "demand", demand))
        now, case_id = self.city.clock.now, data.draw(st.sampled_from(self.case_ids))
        self.city.clock.forward(days=-days)
        before = self.count()
        for work in (
            lambda: self.city.cases.execute(self.city["authority"], case_id, "escalate"),
            lambda: self.city.cases.open(self.city["developer"], "demand", demand),
        ):
            with pytest.raises(HubError):
                work()
        self.city.clock.now = now
        assert self.count() == before

    @rule()
    def authorize_again_what_is_authorized(self) -> None:
        """Overlapping agreements never stand side by side."""
        held = self.city.cases.list(SYSTEM, flow="authorization", states=("active",)).items
        self.attempt(lambda: self.city.cases.open(self.city["implementer"], "authorization", terms()))
        assert len(self.city.cases.list(SYSTEM, flow="authorization", states=("active",)).items) <= max(1, len(held))

    @rule(code=st.sampled_from(("", "nonsense", "990100-UNKNOWN-X", "../etc/passwd")))
    def ask_for_an_unknown_code(self, code: str) -> None:
        change = {"resource": RESOURCE, "kind": code, "materials": {}, "evidence_digest": "a" * 64, "commitment": True}
        self.attempt(lambda: self.city.cases.open(self.city["provider"], "registration", change))
        with self.city.database.read() as unit:
            assert not code or unit.catalog.by_code(code) is None

    @rule(role=st.sampled_from(("authority", "implementer", "operator")))
    def act_as_somebody_nobody_entered(self, role: str) -> None:
        """A made-up person votes without effect: a voice counts only while its person holds the seat."""
        forged = Actor("nobody", "nowhere", frozenset({Role(role), Role.REVIEWER}))
        waiting = [name for name in self.case_ids if name.startswith("rel-")]
        self.attempt(lambda: self.city.cases.execute(forged, waiting[-1], "approve"))

    def count(self) -> int:
        with self.city.database.read() as unit:
            return unit.events.count()

    @precondition(lambda self: self.case_ids)
    @rule(data=st.data())
    def replay_a_stale_version(self, data: st.DataObject) -> None:
        case = self.case(data.draw(st.sampled_from(self.case_ids)))
        with pytest.raises(HubError):
            self.city.cases.execute(SYSTEM, case.id, "escalate", expected_version=case.version + 1)

    def case(self, case_id: str) -> Case:
        return self.city.cases.get(SYSTEM, case_id)

    @invariant()
    def state_is_the_fold_of_events(self) -> None:
        """INV-01, INV-02, INV-11, INV-12: read from the record alone."""
        with self.city.database.read() as unit:
            for case_id in self.case_ids[-6:]:
                events = unit.events.of(case_id)
                case, row = fold(events), unit.cases.get(case_id)
                assert case is not None
                assert row is not None
                assert (row.state, row.version, dict(row.data), row.votes) == (
                    case.state,
                    case.version,
                    dict(case.data),
                    case.votes,
                )
                for place, event in enumerate(events):
                    if event.type in DECIDING and event.actor != "system":
                        before = fold(events[:place])
                        assert before is not None
                        assert event.actor not in before.persons
                        assert event.on_behalf_of not in before.persons - {""}
                    if event.name in {"rejected", "declined", "refused"}:
                        assert event.data.get("reason")
                clocks = read_clocks(flow_named(case.flow), case, self.city.cases.rules, business_day(self.city.clock()))
                assert clocks == read_clocks(flow_named(case.flow), case, self.city.cases.rules, business_day(self.city.clock()))

    @invariant()
    def releases_have_two_voices_of_two_organisations(self) -> None:
        """INV-07, INV-08, INV-13."""
        with self.city.database.read() as unit:
            for case in unit.cases.list(flow="release", states=("released", "superseded", "quarantined", "withdrawn")):
                voices = case.data["approvals"]
                assert len({voice["person"] for voice in voices}) >= 2
                assert len({voice["org"] for voice in voices} - {case.data["builder_org"]}) >= 2
                digests = {
                    event.data["manifest_digest"] for event in unit.events.of(case.id) if event.data.get("manifest_digest")
                }
                assert len(digests) == 1
                if case.state == "withdrawn":
                    assert case.data["tombstone"]["digest"] in digests
            versions = [
                case.data["version"] for case in unit.cases.list(flow="release") if case.state not in {"rejected", "cancelled"}
            ]
            assert len(versions) == len(set(versions))
            codes = [entry.registration_code for entry in unit.catalog.search(limit=0) if entry.registration_code]
            assert len(codes) == len(set(codes))

    @invariant()
    def rights_stay_inside_what_they_rest_on(self) -> None:
        """INV-03, INV-04, INV-05, INV-09."""
        today = business_day(self.city.clock())
        with self.city.database.read() as unit:
            facts = UnitFacts(unit, today)
            for org in {org for org, _ in PEOPLE.values()}:
                assert not exclusive(facts.roles_in(org))
            for case in unit.cases.list(flow="entitlement"):
                for name in case.data["authorizations"]:
                    held = unit.cases.get(name)
                    assert held is not None
                    assert case.data["valid_to"] <= held.data["valid_to"]
                links = links_of(unit, case)
                use = Use(tuple(case.data["resources"]), str(case.data["purpose"]), case.data["channels"][0])
                entries = tuple(entry for name in case.data["resources"] if (entry := unit.catalog.get(name)))
                allowed = decide_delivery(use, Delivered("city/notices", "released", entries), links, today).allowed
                if (
                    not all(link.active for link in links)
                    or not link_of(case).active
                    or case.data["valid_to"] < today.isoformat()
                ):
                    assert not allowed or all(entry.open_attribute == "unconditional" for entry in entries)
                late = date.fromisoformat(case.data["valid_to"]) + timedelta(days=1)
                assert not decide_delivery(use, Delivered("x", "released", ()), links, late).allowed
            for case in unit.cases.list(flow="delegation", states=("active",)):
                root = unit.cases.get(case.data["root"])
                assert root is not None
                assert excess(effective_terms(case, facts), Terms.from_json(terms_of(root).to_json())) == ()

    @invariant()
    def secrecy_and_class_never_fall_on_the_way_down(self) -> None:
        """INV-06, INV-16: nothing secret is delivered, products are of no lower class than their parents, raw rows have no way out."""
        today = business_day(self.city.clock())
        with self.city.database.read() as unit:
            entries = {entry.id: entry for entry in unit.catalog.search(limit=0)}
        lowered = {str(case.data["resource"]) for case in self.city.cases.list(SYSTEM, flow="classification", limit=500).items}
        for entry in entries.values():
            everything = Link("entitlement", "e", Terms((entry.id,), ("research",), CHANNELS), "active", active=True)
            for channel in CHANNELS:
                use = Use((entry.id,), "research", channel)
                assert not decide_delivery(use, Delivered("x", "raw", (entry,), raw=True), [everything], today).allowed
                assert not (
                    entry.secrecy and decide_delivery(use, Delivered("x", "released", (entry,)), [everything], today).allowed
                )
            for parent in entry.parents:
                assert entry.classification.rank >= entries[parent].classification.rank or {parent, entry.id} & lowered

    @invariant()
    def sales_and_products_keep_their_bounds(self) -> None:
        """INV-10: never above the cap, public purposes free. INV-17: no operator re-develops what it delivered."""
        with self.city.database.read() as unit:
            item = unit.cases.get(self.price)
            assert item is not None
            for event in unit.events.of(self.book):
                if event.name == "sale_recorded":
                    assert 0 <= event.data["amount_fen"] <= item.data["cap_fen"] * event.data["units"]
                    assert not (event.data["purpose"] in FREE_PURPOSES and event.data["amount_fen"])
            builders = {case.data["builder_org"] for case in unit.cases.list(flow="release", subject="city/notices")}
            assert not {case.opened_org for case in unit.cases.list(flow="derived")} & builders

    @invariant()
    def who_left_has_no_voice(self) -> None:
        """INV-18: no publication after somebody left rests on two voices of which theirs is one."""
        with self.city.database.read() as unit:
            for case in unit.cases.list(flow="release", states=("released", "superseded")):
                published = [event for event in unit.events.of(case.id) if event.name == "published"]
                for event in published:
                    gone = {person for person, at in self.left.items() if at < event.at}
                    assert len({voice["person"] for voice in case.data["approvals"]} - gone) >= 2
                    assert "nobody" not in {voice["person"] for voice in case.data["approvals"]}

    @invariant()
    def the_ledger_only_grows(self) -> None:
        """INV-14, INV-15, and every event is a leaf."""
        with self.city.database.read() as unit:
            size = unit.ledger.size()
            assert size == unit.events.count()
            assert size >= self.size
            for _, entry, *_ in unit.ledger.rows(self.size):
                assert MARK.encode() not in entry, "INV-15: personal answers stand in the ledger as commitments only"
                assert b"13812345678" not in entry
            if self.size:
                assert unit.ledger.tree(self.size).root() == self.root
            self.size, self.root = size, unit.ledger.tree(size).root()
            assert Checkpoint("x", size, self.root)


class GovernanceOnPostgres(Governance):
    def make(self) -> City:
        city = a_city(self.folder, a_database("laws"))
        city.made["release"] = released(city)
        return city


SOME = settings(max_examples=4, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck))


def test_invariants_hold_on_sqlite() -> None:
    run_state_machine_as_test(Governance, settings=SOME)


def test_invariants_hold_on_postgresql() -> None:
    run_state_machine_as_test(GovernanceOnPostgres, settings=settings(SOME, max_examples=2))


def test_the_builders_of_this_test_are_fit_for_it(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    assert registered(city) == RESOURCE
    assert terms()["resources"] == an_entry()["id"].split() == [RESOURCE]


def test_every_invariant_of_governance_is_checked_here() -> None:
    """INV-01 to INV-18, each named by the check that would fail."""
    source = Path(__file__).read_text("utf-8").split('"""', 2)[2]
    assert {f"INV-{number:02d}" for number in range(1, 19)} <= set(re.findall(r"INV-\d\d", source.partition("def test_every")[0]))
