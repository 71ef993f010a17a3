"""Governance at size: commands, folds, tasks and indicators over a record of many events, against bare durable inserts on the same disk.

    python benchmarks/governance.py                        # 1,000,000 events, several minutes
    python benchmarks/governance.py --events 20000         # a glance

The record is filled with real streams (a release's life, five events each; one leaf a batch, the ledger at this size is measured in benchmarks/ledger.py) before anything is measured. A command
is a whole one: authorise, fold, decide, append event and leaf, save the fold, react, commit with synchronous=FULL. The floor beside it is
one durable insert of one row into the same SQLite file: what the disk alone costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from corpushub.base.errors import Conflict, HubError  # noqa: E402  after the path above
from corpushub.base.identity import iso  # noqa: E402  after the path above
from corpushub.domain.parties import SYSTEM  # noqa: E402  after the path above
from corpushub.domain.workflow import Event, fold  # noqa: E402  after the path above
from corpushub.services.oversight import Oversight  # noqa: E402  after the path above
from corpushub.store.tables import cases, events  # noqa: E402  after the path above
from tests.kit.gov import City, a_released_city, draft  # noqa: E402  after the path above

LIFE = ("opened", "submitted", "voted", "approved", "published")
STATES = ("gated", "in_review", "in_review", "approved", "released")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="corpushub-bench-"))
    try:
        report = measure(folder, asked.events, asked.commands)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in report.items():
            print(f"{name:<44} {value}")


def measure(folder: Path, wanted: int, commands: int) -> dict[str, Any]:
    city = a_released_city(folder)
    began = time.perf_counter()
    filled = fill(city, wanted)
    filling = time.perf_counter() - began
    report: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load average at start": round(os.getloadavg()[0], 1),
        "events in the record": filled,
        "filled, events per second": round(filled / filling),
        "database MB": round((folder / "city.db").stat().st_size / 1e6),
    }
    report |= floor(city, commands)
    report |= proposals(city, commands)
    report |= {f"cold fold of one stream, {name}": value for name, value in spread(lambda: one_fold(city), 200).items()}
    report |= {
        f"tasks of a reviewer, {name}": value for name, value in spread(lambda: city.cases.tasks(city["reviewer"]), 5).items()
    }
    report |= writers(city)
    report |= counted(city)
    report["command p95 / bare durable insert p95"] = round(report["command p95 ms"] / report["durable insert p95 ms"], 2)
    report["command p95 below 20 ms"] = report["command p95 ms"] < 20
    return report


def fill(city: City, wanted: int) -> int:
    """Whole lives of releases: events, leaves and folds, in transactions of 5,000 events."""
    base = dict(draft(city))
    made = 0
    while made < wanted:
        with city.database.begin() as unit:
            rows, folds = [], []
            for _ in range(1000):
                stream, at = f"rel-old{made:012d}", city.clock()
                for place, name in enumerate(LIFE):
                    data = {**base, "version": f"0.{made}.0"} if place == 0 else {"note": "as it was"}
                    row = {
                        "stream": stream,
                        "version": place + 1,
                        "type": f"release.{name}",
                        "actor": "operator",
                        "on_behalf_of": "",
                    }
                    row |= {"org": "data-group", "at": iso(at + timedelta(seconds=place)), "state": STATES[place], "rules": ""}
                    rows.append({**row, "data": {"data": data, "marks": ["vote"] if name == "voted" else []}})
                    made += 1
                folds.append(fold_row(stream, iso(at), {**base, "version": f"0.{made}.0"}))
            unit.ledger.append({"kind": "filled", "upto": made})
            unit.connection.execute(events.insert(), rows)
            unit.connection.execute(cases.insert(), folds)
    with city.database.read() as unit:
        return unit.events.count()


def fold_row(stream: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": stream,
        "flow": "release",
        "state": "superseded",
        "version": 5,
        "subject": f"old/{stream}",
        "data": data,
    }
    row |= {"opened_by": "operator", "opened_org": "data-group", "opened_at": at, "updated_at": at, "entered_at": at, "votes": []}
    return row | {"wake_at": "", "wake_command": "", "involved": {"persons": [], "orgs": []}}


def floor(city: City, count: int) -> dict[str, Any]:
    """One row, one commit: what the disk takes."""
    number = iter(range(count))

    def insert() -> None:
        with city.database.engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO documents (kind, id) VALUES ('floor', ?)", (str(next(number)),))

    return {f"durable insert {name}": value for name, value in spread(insert, count).items()}


def proposals(city: City, count: int) -> dict[str, Any]:
    """Open, submit, two votes: four commands a release, each timed."""
    versions = iter(range(1000, 1000 + count))
    open_cases: list[Any] = []

    def one() -> None:
        if not open_cases:
            open_cases.append([city.cases.open(operator, "release", draft(city, version=f"9.{next(versions)}.0")), 0])
            return
        case, done = open_cases[0]
        actor, command = ((operator, "submit"), (implementer, "approve"), (reviewer, "approve"))[done]
        city.cases.execute(actor, case.id, command)
        open_cases[0][1] += 1
        if done == 2:
            open_cases.clear()

    operator, implementer, reviewer = city["operator"], city["implementer"], city["reviewer"]
    return {f"command {name}": value for name, value in spread(one, count).items()}


def one_fold(city: City) -> None:
    with city.database.read() as unit:
        assert fold(unit.events.of("rel-old000000000000")) is not None


def writers(city: City) -> dict[str, Any]:
    """Sixteen writers race for every version of one stream."""
    won: list[int] = []
    lost: list[int] = []

    def race() -> None:
        for version in range(1, 21):
            try:
                with city.database.begin() as unit:
                    unit.events.append(Event("race", version, "release.opened", "x", "y", city.clock(), {}, "gated"))
                won.append(version)
            except Conflict:
                lost.append(version)

    began = time.perf_counter()
    threads = [threading.Thread(target=race) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exact = sorted(won) == list(range(1, 21)) and len(lost) == 300
    return {
        "16 writers: every version won exactly once": exact,
        "16 writers: attempts per second": round(320 / (time.perf_counter() - began)),
    }


def counted(city: City) -> dict[str, Any]:
    """The indicators of the whole record: recomputed, folded once (as the worker does), and asked from what is kept, trend of six months included."""
    oversight = Oversight(database=city.database, cases=city.cases, clock=city.clock)
    began = time.perf_counter()
    recomputed = oversight.indicators(SYSTEM, first=date(2000, 1, 1))
    whole = time.perf_counter() - began
    began, rounds, upto = time.perf_counter(), 0, -1
    while (now := oversight.tallies.keep_up()) > upto:
        upto, rounds = now, rounds + 1
    folding = time.perf_counter() - began

    def asked() -> None:
        oversight.indicators(SYSTEM)
        oversight.trend(SYSTEM, 6)

    return {
        "indicators recomputed from the record, s": round(whole, 2),
        "indicators folded once, s": round(folding, 2),
        "indicators folded, rounds of the worker": rounds,
        **{f"indicators and trend as kept, {name}": value for name, value in spread(asked, 20).items()},
        "kept indicators equal the recomputed": oversight.indicators(SYSTEM) == recomputed,
    }


def spread(work: Callable[[], object], count: int) -> dict[str, Any]:
    """Milliseconds: processor time each, median, 95th percentile, worst."""
    times = []
    cpu = time.process_time()
    for _ in range(count):
        began = time.perf_counter()
        try:
            work()
        except HubError as refused:
            raise SystemExit(f"refused: {refused}") from refused
        times.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - cpu) * 1000 / count
    times.sort()
    return {
        "CPU ms": round(cpu, 2),
        "p50 ms": round(times[len(times) // 2], 2),
        "p95 ms": round(times[int(len(times) * 0.95)], 2),
        "worst ms": round(times[-1], 1),
    }


if __name__ == "__main__":
    main()
