"""Watching what leaves the hub and what is refused, and opening an incident for what the rules call unusual (article 15: 监测预警).

Watched are rows within an hour, bytes within a day, rows taken at night, deliveries refused again and again for one reason (another purpose,
another region, another channel, more rows …), and credentials that fail. One incident stands for a holder, a dataset and a day, however often it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any

from corpushub.base.identity import BEIJING, Clock, business_day, iso, system_clock
from corpushub.base.messages import Lang, text
from corpushub.base.rulebook import Rulebook
from corpushub.domain.parties import SYSTEM
from corpushub.services.attempts import CREDENTIALS, NOBODY
from corpushub.services.attempts import KIND as ATTEMPT
from corpushub.services.cases import Cases
from corpushub.store.db import Database, Unit
from corpushub.store.watch import Heavy, Watch

ALERT = "alert"
LANGS: tuple[Lang, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something unusual. `monitor` names what was watched, `day` when it began, `signals` the numbers it was seen by."""

    monitor: str
    kind: str
    day: str
    org: str
    dataset: str
    signals: Mapping[str, Any]
    entitlement: str = ""

    @property
    def key(self) -> str:
        who = (str(self.signals.get(name, "")) for name in ("person", "rule"))
        return "/".join((self.monitor, self.org, self.dataset, *who, self.day))


Monitor = Callable[[Unit, Rulebook, datetime], Iterable[Alarm]]


class Monitoring:
    """Runs as upkeep, so an alert stands within one round."""

    def __init__(self, *, database: Database, cases: Cases, clock: Clock = system_clock) -> None:
        self.database = database
        self.cases = cases
        self.clock = clock

    def watch(self) -> int:
        """Open an incident for everything unusual that has none yet; how many."""
        now = self.clock()
        with self.database.read() as unit:
            seen = {alarm.key: alarm for monitor in MONITORS for alarm in monitor(unit, self.cases.rules, now)}
            new = [alarm for key, alarm in seen.items() if unit.documents.get(ALERT, key) is None]
        for alarm in new:
            with self.database.begin() as unit:
                unit.documents.put(ALERT, alarm.key, asdict(alarm))
                self.cases.open_in(unit, SYSTEM, "incident", report(alarm))
        return len(new)


def report(alarm: Alarm) -> dict[str, Any]:
    """The form of the incident."""
    facts = {name: fact or NOBODY for name, fact in {**alarm.signals, "org": alarm.org, "dataset": alarm.dataset}.items()}
    words = {lang: text(f"alarm.{alarm.monitor}", lang, **facts) for lang in LANGS}
    told = {
        "title": " ".join(filter(None, (alarm.org, alarm.dataset))) or " / ".join(text("alarm.nobody", lang) for lang in LANGS),
        "kind": alarm.kind,
        "text": f"{words['zh']}\n{words['en']}",
        "signals": {"monitor": alarm.monitor, **alarm.signals},
        "orgs": [alarm.org] if alarm.org else [],
        "entitlements": [alarm.entitlement] if alarm.entitlement else [],
    }
    return {name: value for name, value in told.items() if value}


def _taken(monitor: str, day: str, heavy: Iterable[Heavy]) -> Iterable[Alarm]:
    for one in heavy:
        yield Alarm(monitor, "bulk_download", day, one.org, one.repo, asdict(one), one.entitlement)


def rows_an_hour(unit: Unit, rules: Rulebook, now: datetime) -> Iterable[Alarm]:
    least = rules.number("delivery.bulk_rows_per_hour")
    heavy = Watch(unit.connection).heavy(iso(now - timedelta(hours=1)), rows=least)
    return _taken("rows_an_hour", business_day(now).isoformat(), heavy)


def bytes_a_day(unit: Unit, rules: Rulebook, now: datetime) -> Iterable[Alarm]:
    least = rules.number("delivery.bulk_gigabytes_per_day") * 10**9
    began = datetime.combine(business_day(now), time(), BEIJING)
    return _taken("bytes_a_day", business_day(now).isoformat(), Watch(unit.connection).heavy(iso(began), size=least))


def rows_at_night(unit: Unit, rules: Rulebook, now: datetime) -> Iterable[Alarm]:
    """From the evening hour of the rule to its morning hour, Beijing time; a night belongs to the day it began on."""
    here = now.astimezone(BEIJING)
    evening, morning = rules.number("delivery.night_from"), rules.number("delivery.night_to")
    if morning <= here.hour < evening:
        return ()
    began = datetime.combine(here.date() - timedelta(days=here.hour < morning), time(evening), BEIJING)
    heavy = Watch(unit.connection).heavy(iso(began), rows=rules.number("delivery.night_rows"))
    return _taken("rows_at_night", began.date().isoformat(), heavy)


def refused_again(unit: Unit, rules: Rulebook, now: datetime) -> Iterable[Alarm]:
    """Deliveries refused to one person, and credentials that failed, more often in a day than the rules allow for."""
    day = business_day(now).isoformat()
    for _, told in unit.documents.list(ATTEMPT, prefix=f"{day}/"):
        credentials = told["rule"] in CREDENTIALS
        least = rules.number("account.failures_per_day" if credentials else "delivery.refusals_per_day")
        if told["count"] >= least:
            signals = {name: told[name] for name in ("person", "rule", "count")}
            monitor, kind = ("failed_credentials", "account") if credentials else ("refused_again", "over_scope")
            yield Alarm(monitor, kind, day, told["org"], told["dataset"], signals)


MONITORS: tuple[Monitor, ...] = (rows_an_hour, bytes_a_day, rows_at_night, refused_again)
