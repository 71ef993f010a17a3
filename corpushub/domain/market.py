"""Prices and fairness of the market, found in the record (articles 6 and 8): products without a visible price, sales above the cap, not at the
listed price or unlike for like customers, products that are never sold apart, data that one organisation holds while others were refused.

A finding proves nothing; it says where to ask, with what it rests on (`stream@version`, at most a hundred).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import permutations

from corpushub.base.identity import business_day
from corpushub.domain.catalog import Resource
from corpushub.domain.findings import Finding
from corpushub.domain.indicators import SHOWN, ref
from corpushub.domain.workflow import Case, Event


def without_price(products: Iterable[Resource], priced: frozenset[str]) -> Iterable[Finding]:
    """Published products that no listed price names."""
    for entry in products:
        if entry.state == "published" and entry.id not in priced:
            yield Finding("no_price", (), (entry.owner,), {"product": entry.id}, (f"resource:{entry.id}@{entry.version}",))


def unlike_sales(sales: Iterable[Event], prices: Mapping[str, Case]) -> Iterable[Finding]:
    """Sales of each price that are not as it says, unlike for like customers, or above its cap. `prices`: price items by their ids."""
    by_price: dict[str, list[Event]] = defaultdict(list)
    for event in sales:
        by_price[str(event.data["price"])].append(event)
    for price, listed in sorted(by_price.items()):
        odd = [event for event in listed if event.data.get("listed_fen", event.data["amount_fen"]) != event.data["amount_fen"]]
        if odd:
            orgs = tuple(sorted({event.org for event in odd}))
            yield Finding("not_as_listed", (), orgs, {"price": price, "count": len(odd)}, refs(odd))
        billed = {(event.data["purpose"], event.data["units"], event.data["amount_fen"]) for event in listed}
        if len({terms[:2] for terms in billed}) < len(billed):
            customers = tuple(sorted({str(event.data["customer"]) for event in listed}))
            yield Finding("price_differs", (), customers, {"price": price}, refs(listed))
        item = prices.get(price)
        if item is not None and any(
            event.data["amount_fen"] > int(item.data["cap_fen"]) * event.data["units"] for event in listed
        ):
            yield Finding("above_cap", (), (str(item.data["operator"]),), {"price": price}, refs(listed))


def tied(sales: Iterable[Event], least: int) -> Iterable[Finding]:
    """Products of one operator of which one was never bought without the other on the same day, by at least `least` customers."""
    bought: dict[str, dict[str, dict[tuple[str, date], Event]]] = defaultdict(lambda: defaultdict(dict))
    for event in sales:
        bought[event.org][str(event.data["product"])][str(event.data["customer"]), business_day(event.at)] = event
    for operator, products in sorted(bought.items()):
        told: set[frozenset[str]] = set()
        for wanted, other in permutations(sorted(products), 2):
            together = products[wanted].keys() <= products[other].keys()
            customers = {customer for customer, _ in products[wanted]}
            if together and len(customers) >= least and frozenset((wanted, other)) not in told:
                told.add(frozenset((wanted, other)))
                facts = {"product": wanted, "tied_to": other, "count": len(customers)}
                yield Finding("tied", (), (operator,), facts, refs(products[wanted].values()))


def exclusive(rights: Iterable[Case], refused: Iterable[Case]) -> Iterable[Finding]:
    """Datasets whose live rights all belong to one organisation while requests of others for them were refused."""
    holders: dict[str, set[str]] = defaultdict(set)
    for case in rights:
        holders[str(case.data["dataset"])].add(str(case.data["holder"]))
    others: dict[str, list[Case]] = defaultdict(list)
    for case in refused:
        dataset = str(case.data["dataset"])
        if len(holders[dataset]) == 1 and case.opened_org not in holders[dataset]:
            others[dataset].append(case)
    for dataset, cases in sorted(others.items()):
        orgs = (*holders[dataset], *sorted({case.opened_org for case in cases}))
        events = tuple(f"{case.id}@{case.version}" for case in cases[:SHOWN])
        yield Finding("exclusive", (), orgs, {"dataset": dataset, "count": len(cases)}, events)


def refs(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(ref(event) for event in events)[:SHOWN]


def market(
    products: Iterable[Resource],
    prices: Iterable[Case],
    sales: Sequence[Event],
    rights: Iterable[Case],
    refused: Iterable[Case],
    least: int,
) -> tuple[Finding, ...]:
    """All of the above, in this order. `prices`: items in every state; `least`: customers before products count as tied."""
    items = {case.id: case for case in prices}
    priced = frozenset(str(case.data["product"]) for case in items.values() if case.state == "listed")
    return (
        *without_price(products, priced),
        *unlike_sales(sales, items),
        *tied(sales, least),
        *exclusive(rights, refused),
    )
