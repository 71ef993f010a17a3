"""The catalog is entered in bulk, and what it lacks is listed to the last entry (articles 1 and 19)."""

from __future__ import annotations

from pathlib import Path

from corpushub.services.oversight import Oversight
from tests.kit.gov import a_city, an_entry

ROWS, SYSTEMS = 10_000, 20


def test_of_ten_thousand_imported_rows_the_report_lists_all_37_seeded_gaps(tmp_path: Path) -> None:
    """30 entries without an interpreter, and 7 systems nobody entered anything for."""
    city = a_city(tmp_path)
    gaps = {f"990100/stats/e{number}" for number in range(0, ROWS, ROWS // 30)} - {f"990100/stats/e{ROWS - ROWS % (ROWS // 30)}"}
    rows = [
        an_entry(id=name, system=f"system-{number % SYSTEMS}") | ({"interpreter": {}} if name in gaps else {})
        for number in range(ROWS)
        for name in (f"990100/stats/e{number}",)
    ]
    assert len(city.catalog.import_entries(city["authority"], rows).added) == ROWS
    oversight = Oversight(database=city.database, cases=city.cases, clock=city.clock)
    told = oversight.catalog_gaps(city["authority"], systems=[f"system-{number}" for number in range(SYSTEMS + 7)])
    assert set(told["incomplete"]) == gaps
    assert {missing for listed in told["incomplete"].values() for missing in listed} == {"interpreter"}
    assert told["systems_without_entries"] == [f"system-{number}" for number in range(SYSTEMS, SYSTEMS + 7)]
    assert len(told["systems_without_entries"]) + len(told["incomplete"]) == 37
