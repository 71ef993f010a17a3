"""What organisations owe by a day and nobody has to ask for: decisions to be looked at again, channels to be closed, quarterly statements of chief
data officers, yearly disclosures (articles 4, 8, 16 and 19). Read from records and seats, so nothing has to be entered twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from corpushub.base.rulebook import Rulebook
from corpushub.domain.disclosing import due_day
from corpushub.domain.parties import Binding, Role
from corpushub.domain.workflow import Case

SOON = timedelta(days=30)
QUARTER = re.compile(r"(\d{4})-?Q([1-4])")


@dataclass(frozen=True, slots=True)
class Duty:
    """`kind`: what is owed; `about`: of what; `days_late`: 0 until the day `due` is over."""

    kind: str
    org: str
    about: str
    due: date
    days_late: int

    def row(self) -> dict[str, Any]:
        return {"kind": self.kind, "org": self.org, "about": self.about, "due": self.due.isoformat(), "days_late": self.days_late}


def duties(
    records: Iterable[Case], cases: Iterable[Case], seats: Mapping[str, Iterable[Binding]], rules: Rulebook, day: date
) -> tuple[Duty, ...]:
    """What is late or due within `SOON`, latest first. `records`: the confirmed ones; `cases`: authorizations and disclosures; `seats`: by organisation."""
    kept, others = list(records), list(cases)
    owed = [*_reviews(kept), *_channels(kept), *_statements(kept, seats, rules, day), *_disclosures(others, rules, day)]
    told = [Duty(kind, org, about, due, max(0, (day - due).days)) for kind, org, about, due in owed if due - day <= SOON]
    return tuple(sorted(told, key=lambda duty: (duty.due, duty.kind, duty.org, duty.about)))


Owed = tuple[str, str, str, date]


def _facts(records: Iterable[Case], kind: str) -> Iterable[tuple[Case, Mapping[str, Any]]]:
    return ((case, case.data["facts"]) for case in records if case.data["kind"] == kind)


def _reviews(records: list[Case]) -> Iterable[Owed]:
    """A decision is looked at again on its day; another one that is `about` it shows that it was."""
    followed = {str(case.data.get("about", "")) for case, _ in _facts(records, "decision")}
    for case, facts in _facts(records, "decision"):
        if case.id not in followed:
            yield from _by("decision_review", case, case.data["title"], facts["review_on"])


def _channels(records: list[Case]) -> Iterable[Owed]:
    """A channel outside is closed by its last day: then its record is retired."""
    for case, facts in _facts(records, "external_channel"):
        yield from _by("channel_sunset", case, facts["system"], facts["sunset"])


def _by(kind: str, case: Case, about: object, day: object) -> Iterable[Owed]:
    with suppress(ValueError):  # older records were kept with any words for a day
        yield kind, case.opened_org, str(about), date.fromisoformat(str(day))


def _statements(records: list[Case], seats: Mapping[str, Iterable[Binding]], rules: Rulebook, day: date) -> Iterable[Owed]:
    """Of the last quarter that is over and of this one, wherever a chief data officer sat on its last day."""
    made = {(case.opened_org, quarter_of(str(facts["quarter"]))) for case, facts in _facts(records, "cdo_statement")}
    for quarter, last in (
        (quarter_before(day), first_of_quarter(day) - timedelta(days=1)),
        (quarter_on(day), end_of_quarter(day)),
    ):
        due = rules.deadline("cdo.statement", last).day
        for org, held in sorted(seats.items()):
            officers = [
                seat
                for seat in held
                if seat.role is Role.CDO and seat.holds_on(min(last, day)) and seat.valid_from <= last.isoformat()
            ]
            if officers and (org, quarter) not in made:
                yield "cdo_statement", org, quarter, due


def _disclosures(cases: list[Case], rules: Rulebook, day: date) -> Iterable[Owed]:
    """Of the year before, by every implementing agency and operator of an authorization that was in force then (notice of 2026-02-10)."""
    year = day.year - 1
    first, last = f"{year}-01-01", f"{year}-12-31"
    published = {
        str(case.data.get("subject_org", ""))
        for case in cases
        if case.flow == "disclosure" and case.state == "published" and case.data["year"] == year
    }
    agreed = [
        case.data
        for case in cases
        if case.flow == "authorization" and case.state in {"active", "amending", "suspended", "exiting", "ended"}
        and str(case.data["valid_from"]) <= last and str(case.data["valid_to"]) >= first
    ]  # fmt: skip
    for org in sorted({str(data[side]) for data in agreed for side in ("implementer", "operator")} - published):
        yield "yearly_disclosure", org, str(year), due_day(year, rules)


def quarter_of(word: str) -> str:
    """`2026Q3`, `2026-Q3` -> `2026-Q3`; anything else as it stands."""
    found = QUARTER.fullmatch(word.strip().upper())
    return f"{found[1]}-Q{found[2]}" if found else word


def quarter_on(day: date) -> str:
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def first_of_quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def quarter_before(day: date) -> str:
    return quarter_on(first_of_quarter(day) - timedelta(days=1))


def end_of_quarter(day: date) -> date:
    return first_of_quarter(first_of_quarter(day) + timedelta(days=100)) - timedelta(days=1)
