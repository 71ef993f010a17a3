"""What confirmed records, entries and cases amount to: the tables the policy asks for by name. Rows are plain values in a fixed order, so that
equal facts give equal CSV.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from corpushub.domain.catalog import Resource
from corpushub.domain.clocks import Reading
from corpushub.domain.parties import Org, region_prefix
from corpushub.domain.pricing import parts_of
from corpushub.domain.workflow import Case, Event

Row = dict[str, Any]
PRODUCTS = ("product", "service", "api", "index", "model")
OUT = ("released", "superseded")
UNREGISTERED, NO_STANDARD = "not in the register", "none"  # in the place of a standard's name
FORMULA = frozenset("=+-@＝＋－＠")  # spreadsheets of Chinese systems take the full-width signs, too


def to_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV, mappings and lists as JSON in their cell; the header of the first row counts."""
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: as_cell(value) for name, value in row.items()})
    return sink.getvalue()


def as_cell(value: Any) -> Any:
    """A cell no spreadsheet takes for a formula: one that begins with its sign, with a full-width one, or after white space it skips."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return f"'{value}" if isinstance(value, str) and value.lstrip()[:1] in FORMULA else value


def of_kind(records: Iterable[Case], *kinds: str) -> list[Case]:
    """Confirmed records of these kinds, oldest first."""
    return sorted(
        (case for case in records if case.data["kind"] in kinds and case.state == "confirmed"), key=lambda case: case.id
    )


# Articles 1, 2, 19: the catalog


def products(entries: Sequence[Resource], prices: Iterable[Case]) -> list[Row]:
    """The operator's products and services (article 1); an orphan names no entry of the catalog it is made from."""
    known = {entry.id for entry in entries}
    listed = {str(case.data["product"]) for case in prices if case.state == "listed"}
    return [
        {
            "id": entry.id,
            "kind": entry.kind,
            "owner": entry.owner,
            "state": entry.state,
            "parents": list(entry.parents),
            "orphan": not entry.parents or not set(entry.parents) <= known,
            "priced": entry.id in listed,
        }
        for entry in entries
        if entry.kind in PRODUCTS
    ]


def elements(entries: Sequence[Resource]) -> list[Row]:
    """Every data element with its one source, its standard and the entries that hold copies (article 2, 一数一源一标准)."""
    sources: dict[str, list[str]] = defaultdict(list)
    standards: dict[str, str] = {}
    copies: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        for element, standard in entry.elements.items():
            sources[element].append(entry.id)
            standards[element] = standard
        for item in entry.items:
            if item.element and item.element not in entry.elements:
                copies[item.element].append(f"{entry.id}#{item.name}")
    return [
        {
            "element": name,
            "source": ", ".join(sources[name]),
            "standard": standards.get(name, ""),
            "copies": sorted(copies[name]),
            "duplicated": len(sources[name]) > 1,
        }
        for name in sorted({*sources, *copies})
    ]


def standards(records: Iterable[Case], entries: Sequence[Resource]) -> list[Row]:
    """Standards in the register with the share of fields that cite them (article 19); the last row counts fields that cite none."""
    cited = Counter(item.standard for entry in entries for item in entry.items)
    total = sum(cited.values())
    held = [case.data["facts"] for case in of_kind(records, "standard")]
    rows = [
        {
            "number": str(facts["number"]),
            "name": str(facts["name"]),
            "fields": cited[str(facts["number"])],
            "percent": share(cited[str(facts["number"])], total),
        }
        for facts in held
    ]
    known = {row["number"] for row in rows}
    unknown = sum(count for number, count in cited.items() if number and number not in known)
    return [
        *rows,
        {"number": "", "name": UNREGISTERED, "fields": unknown, "percent": share(unknown, total)},
        {"number": "", "name": NO_STANDARD, "fields": cited[""], "percent": share(cited[""], total)},
    ]


def surveys(records: Iterable[Case], entries: Sequence[Resource]) -> list[Row]:
    """Each agency a survey asked: what it stated, what the catalog holds, and the difference (article 19, 摸清底数)."""
    held = Counter(entry.owner for entry in entries)
    rows = []
    for case in of_kind(records, "survey"):
        asked, answers = case.data["facts"]["questionnaire"], case.data["facts"]["answered"]
        rate = share(sum(org in answers for org in asked), len(asked))
        for org in asked:
            stated = answers.get(org)
            gap = None if stated is None else int(stated) - held[org]
            rows.append(
                {"survey": case.id, "response_percent": rate, "org": org, "stated": stated, "in_catalog": held[org], "gap": gap}
            )
    return rows


def share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


# Articles 4, 11: channels, sharing, regions


def channels(records: Iterable[Case], deliveries: Mapping[str, int], day: str) -> list[Row]:
    """Every channel data is shared through: the hub's own with what went through them, and declared ones outside with their last day."""
    own = [
        {"channel": name, "system": "hub", "deliveries": deliveries.get(name, 0), "sunset": "", "reason": "", "overdue": False}
        for name in sorted({*deliveries, "file", "stream", "query", "compute", "model"})
    ]
    outside = [(case, case.data["facts"]) for case in of_kind(records, "external_channel")]
    return own + [
        {
            "channel": case.data["title"],
            "system": str(facts["system"]),
            "deliveries": None,
            "sunset": str(facts["sunset"]),
            "reason": str(facts["reason"]),
            "overdue": str(facts["sunset"]) < day,
        }
        for case, facts in outside
    ]


def sharing(items: Iterable[Case]) -> list[Row]:
    """Every sharing duty with how often it was broken and made good (article 4); needs histories."""
    rows = []
    for case in sorted(items, key=lambda case: case.id):
        names = Counter(event.name for event in case.history)
        rows.append({
            "id": case.id, "scenario": case.data["scenario"], "supplier": case.data["supplier"], "demander": case.data["demander"],
            "state": case.state, "breaches": names["breach_reported"], "remedied": names["remedied"],
        })  # fmt: skip
    return rows


def settlements(records: Iterable[Case]) -> list[Row]:
    """Every settlement between regions, party by party: percentages sum to 100, amounts to the whole, to the fen (article 11)."""
    rows = []
    for case in of_kind(records, "settlement"):
        facts = case.data["facts"]
        parts = parts_of(int(facts.get("amount_fen", 0)), facts["shares"])
        rows += [
            {
                "settlement": case.id,
                "basis": str(facts["basis"]),
                "party": party,
                "percent": facts["shares"][party],
                "amount_fen": amount,
            }
            for party, amount in sorted(parts.items())
        ]
    return rows


def districts(orgs: Iterable[Org], entries: Sequence[Resource], cases: Iterable[Case]) -> list[Row]:
    """What each district contributes and holds (article 14): its entries, registrations, releases, rights handed down, demands."""
    places = {org.id: org for org in orgs if org.kind.value == "district"}
    held = list(cases)
    rows = []
    for org in sorted(places.values(), key=lambda org: org.id):
        prefix = region_prefix(org.region)
        own = [
            entry
            for entry in entries
            if entry.owner == org.id or (entry.region and entry.region.startswith(prefix) and len(prefix) > 4)
        ]
        mine = [case for case in held if org.id in {case.opened_org, case.data.get("holder"), case.data.get("builder_org")}]
        rows.append({
            "district": org.id, "region": org.region, "entries": len(own), "registered": sum(bool(entry.registration_code) for entry in own),
            "releases": sum(case.flow == "release" and case.state in OUT for case in mine),
            "rights_held": sum(case.flow in {"delegation", "entitlement"} and case.state == "active" for case in mine),
            "demands": sum(case.flow == "demand" for case in mine),
            "demands_met": sum(case.flow == "demand" and case.state in {"fulfilled", "closed"} for case in mine),
        })  # fmt: skip
    return rows


# Articles 6, 7, 13, 14, 18: money and operators


def operators(orgs: Iterable[Org], cases: Iterable[Case]) -> list[Row]:
    """Each operator's year in numbers (article 14): agreements, versions out, holders, revenue, objections against what it released."""
    held = list(cases)
    rows = []
    for name in sorted({str(case.data["operator"]) for case in held if case.flow == "authorization"}):
        out = [case for case in held if case.flow == "release" and case.data["builder_org"] == name and case.state in OUT]
        datasets = {str(case.data["dataset"]) for case in out}
        org = next((item for item in orgs if item.id == name), None)
        rows.append({
            "operator": name, "kind": org.kind.value if org else "", "state_assets": bool(org and org.state_assets),
            "authorizations": sum(case.flow == "authorization" and case.data["operator"] == name and case.state in {"active", "amending"} for case in held),
            "versions": len(out),
            "holders": len({case.data["holder"] for case in held if case.flow == "entitlement" and case.data["dataset"] in datasets}),
            "earned_fen": sum(int(case.data.get("earned_fen", 0)) for case in held if case.flow == "revenue" and case.data["operator"] == name),
            "objections": sum(case.flow == "objection" and case.data.get("about") in datasets for case in held),
        })  # fmt: skip
    return rows


def revenue(records: Iterable[Case], sales: Iterable[Event]) -> list[Row]:
    """What each party of a product's share table is owed from its sales, contributors among them (articles 7 and 9)."""
    earned: Counter[str] = Counter()
    for event in sales:
        earned[str(event.data.get("product", ""))] += int(event.data["amount_fen"])
    tables = {str(case.data["facts"]["product"]): case.data["facts"] for case in of_kind(records, "revenue_share")}
    return [
        {
            "product": product,
            "earned_fen": earned[product],
            "party": party,
            "percent": facts["shares"][party],
            "amount_fen": amount,
        }
        for product, facts in sorted(tables.items())
        for party, amount in sorted(parts_of(earned[product], facts["shares"]).items())
    ]


def costs(records: Iterable[Case], zones: Iterable[Case]) -> list[Row]:
    """Budget lines, research costs per product, and what zones cost and bring (articles 5, 13 and 18)."""
    rows: list[Row] = [
        {
            "kind": case.data["kind"],
            "about": str(facts.get("product", case.data["title"])),
            "year": str(facts.get("year", "")),
            "line": str(facts.get("line", "")),
            "amount": facts["amount"],
        }
        for case in of_kind(records, "budget", "research_cost")
        for facts in (case.data["facts"],)
    ]
    for zone in sorted(zones, key=lambda case: case.id):
        for side in ("costs", "benefits"):
            rows += [
                {"kind": f"zone_{side}", "about": zone.data["name"], "year": "", "line": line, "amount": amount}
                for line, amount in sorted((zone.data.get(side) or {}).items())
            ]
    return rows


def research(records: Iterable[Case]) -> list[Row]:
    """Research and development costs per product and year, for the tax authority's extra deduction (article 13)."""
    totals: Counter[tuple[str, str]] = Counter()
    for case in of_kind(records, "research_cost"):
        facts = case.data["facts"]
        totals[str(facts["product"]), str(facts["year"])] += facts["amount"]
    return [{"product": product, "year": year, "amount": amount} for (product, year), amount in sorted(totals.items())]


# Articles 10, 11, 12, 20


def scenarios(records: Iterable[Case], releases: Iterable[Case]) -> list[Row]:
    """Demonstration scenarios and good cases with the state of every version they rest on (articles 10 and 20)."""
    newest: dict[str, str] = {}
    for case in sorted(releases, key=lambda case: case.id):
        newest[str(case.data["dataset"])] = f"{case.data['version']} {case.state}"
    held = list(records)
    good = {str(case.data["facts"]["scenario"]): str(case.data["facts"]["result"]) for case in of_kind(held, "good_case")}
    return [
        {
            "id": case.id, "title": case.data["title"], "goal": facts["goal"], "products": facts["products"], "metrics": facts["metrics"],
            "data": facts["data"], "versions": {name: newest[name] for name in as_list(facts["data"]) if name in newest},
            "good_case": good.get(case.id, ""),
        }
        for case in of_kind(held, "scenario")
        for facts in (case.data["facts"],)
    ]  # fmt: skip


def as_list(value: Any) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def bases(authorizations: Iterable[Case], records: Iterable[Case]) -> list[Row]:
    """On whose word each agreement rests: the ministry or outside authority at the root, with the document's digest (article 11)."""
    outside = {str(case.data.get("about", "")): case.data["facts"] for case in of_kind(records, "foreign_basis")}
    rows = []
    for case in sorted(authorizations, key=lambda case: case.id):
        basis = outside.get(case.id, {})
        root = str(basis.get("authorizer") or case.data.get("authorizer") or case.data["implementer"])
        rows.append({
            "authorization": case.id, "state": case.state, "root": root, "document_digest": str(basis.get("document_digest", "")),
            "chain": list(dict.fromkeys([root, case.data["implementer"], case.data["operator"]])),
        })  # fmt: skip
    return rows


def overdue(cases: Iterable[Case], clocks: Mapping[str, Iterable[Reading]]) -> list[Row]:
    """Cases whose time ran out while somebody still had to act, the longest first (articles 2, 5 and 17); `clocks` by case."""
    late = [(case, clock) for case in cases for clock in clocks[case.id] if clock.state == "running" and clock.left < 0]
    return [
        {
            "flow": case.flow, "case": case.id, "about": str(case.data.get("about") or case.data.get("resource") or case.data.get("dataset") or ""),
            "org": case.opened_org, "state": case.state, "clock": clock.clock, "due": clock.due.isoformat(), "days_late": -clock.left,
        }
        for case, clock in sorted(late, key=lambda pair: (pair[1].left, pair[0].id))
    ]  # fmt: skip


def contests(records: Iterable[Case]) -> list[Row]:
    """How the teams of each contest stand: the best of what each submitted, ranked; equal scores share a place (article 9)."""
    held = list(records)
    names = {case.id: str(case.data["facts"]["name"]) for case in of_kind(held, "contest")}
    submitted: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in of_kind(held, "contest_result"):
        submitted[str(case.data["facts"]["contest"]), str(case.data["facts"]["team"])].append(case)
    best = {key: max(float(case.data["facts"]["score"]) for case in cases) for key, cases in submitted.items()}
    return [
        {
            "contest": names.get(contest, contest), "rank": 1 + sum(other > score for (one, _), other in best.items() if one == contest),
            "team": team, "score": score, "submissions": len(submitted[contest, team]),
        }
        for (contest, team), score in sorted(best.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    ]  # fmt: skip


def deals(records: Iterable[Case]) -> list[Row]:
    """Listings at exchanges with the deals that came back, each tied to a version (article 12)."""
    held = list(records)
    listings = {case.id: case.data["facts"] for case in of_kind(held, "listing")}
    rows = []
    for case in of_kind(held, "deal"):
        facts, listing = case.data["facts"], listings.get(str(case.data["facts"]["listing"]), {})
        rows.append({
            "deal": case.id, "listing": facts["listing"], "exchange": listing.get("exchange", ""), "product": listing.get("product", ""),
            "version": facts["version"], "buyer": facts["buyer"], "amount_fen": facts["amount_fen"], "day": facts["day"],
        })  # fmt: skip
    return rows
