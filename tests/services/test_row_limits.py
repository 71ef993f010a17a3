"""Article 6: nobody takes more rows than a right covers, however many take at once."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import httpx
import pytest

from corpushub.services.access import Gated
from corpushub.services.delivery import Permission, Taken
from corpushub.services.viewer import Asked
from tests.kit.gov import released
from tests.kit.hub import READER, REPO, SomeHub, notices, serving, some_hub

SMALL, LARGE = "data/test-00000-of-00001.parquet", "data/train-00000-of-00002.parquet"  # 20 and 150 rows


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    return with_release(some_hub(tmp_path))


def with_release(made: SomeHub) -> SomeHub:
    made.city.made["release"] = released(made.city)
    made.publish(REPO, notices())
    return made


def permission(hub: SomeHub, file: str = SMALL) -> Permission:
    hub.access.forget()
    found: Permission = hub.repositories.locate(READER, REPO, "v1.0.0", file).permission
    return found


def used(hub: SomeHub, right: str) -> int:
    hub.access.flush()
    with hub.database.read() as unit:
        return int(unit.deliveries.used(right)["rows"])


def test_who_take_at_once_do_not_take_the_same_rows(hub: SomeHub) -> None:
    right = hub.entitle(max_rows=50)
    mine = permission(hub)
    together = Barrier(8)

    def take(_: int) -> int:
        together.wait()
        try:
            with hub.access.hold(mine, 20) as held:
                held.record(READER, Taken(REPO, "c" * 40, "x", 9, rows=held.rows))
                return int(held.rows)
        except Gated:
            return 0

    with ThreadPoolExecutor(8) as people:
        assert Counter(people.map(take, range(8))) == {20: 2, 0: 6}
    assert used(hub, right.id) == 40


def test_rows_that_were_held_and_not_taken_are_there_for_the_next(hub: SomeHub) -> None:
    hub.entitle(max_rows=50)
    mine = permission(hub)
    with hub.access.hold(mine, 40):
        with pytest.raises(Gated) as caught:
            hub.access.hold(mine, 20).begin()
        assert caught.value.why is not None
        assert caught.value.why.code == "delivery.rows"
        with hub.access.hold(mine, 100, 1) as rest:
            assert rest.rows == 10
    with hub.access.hold(mine, 50) as held:
        assert held.rows == 50


def test_of_two_rights_that_which_covers_the_rows_is_used(hub: SomeHub) -> None:
    first = hub.entitle(max_rows=30)
    hub.city.clock.forward(minutes=1)
    hub.entitle(max_rows=1000)
    with hub.access.hold(permission(hub), 150) as held:
        assert held.permission.entitlement != first.id
    assert permission(hub).counted
    with pytest.raises(Gated):
        hub.access.hold(replace(permission(hub), entitlement=first.id), 150, fixed=True).begin()


def test_what_is_begun_after_its_end_holds_nothing(hub: SomeHub) -> None:
    hub.entitle(max_rows=50)
    gone = hub.access.hold(permission(hub), 50)
    gone.end()
    gone.begin()
    with hub.access.hold(permission(hub), 50) as held:
        assert held.rows == 50


def test_a_page_of_rows_takes_what_others_leave(hub: SomeHub) -> None:
    right = hub.entitle(max_rows=50, channels=["file", "query"])
    table = hub.viewer.table(READER, REPO, "v1.0.0", "", "train")
    with hub.access.hold(permission(hub), 45):
        assert len(hub.viewer.page(READER, table, Asked(length=100)).rows) == 5
    assert used(hub, right.id) == 5


def test_a_right_to_so_many_rows_has_no_pass_that_others_serve(tmp_path: Path) -> None:
    made = with_release(some_hub(tmp_path, files_url="http://files.invalid"))
    made.entitle(max_rows=50)
    reader = made.access.actor_of_token(made.token(READER))
    assert made.passes.issue(reader, made.repositories.locate(reader, REPO, "v1.0.0", SMALL)) is None


def test_a_hold_lives_as_long_as_its_process_and_no_longer(hub: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.entitle(max_rows=50)
    mine = permission(hub)
    monkeypatch.setattr("corpushub.services.recorder.RENEW_SECONDS", 0.0)
    with hub.access.hold(mine, 40):
        hub.city.clock.forward(minutes=0.9)
        time.sleep(2.5)  # the recorder looks once a second
        hub.city.clock.forward(minutes=0.9)
        with pytest.raises(Gated):
            hub.access.hold(mine, 20).begin()
        hub.access.close()  # as if killed: nobody renews
        hub.city.clock.forward(minutes=1.1)
        with hub.access.hold(mine, 20) as held:
            assert held.rows == 20


def test_a_right_without_a_limit_asks_the_database_nothing_before_it_is_taken(
    hub: SomeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.entitle()
    mine = permission(hub)
    monkeypatch.setattr(hub.database, "begin", None)
    monkeypatch.setattr(hub.database, "read", None)
    with hub.access.hold(mine, 10**9) as held:
        assert held.rows == 10**9


def test_two_downloads_in_the_same_moment_are_one_download_and_one_refusal(hub: SomeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    right = hub.entitle(max_rows=200)
    secret = hub.token(READER)
    begun, asked = Event(), Event()
    real = hub.viewer.rows_in

    def slow(entry: object) -> int:  # asked again when a transfer is recorded: the first waits there for the second's answer
        if begun.is_set():
            asked.wait(20)
        begun.set()
        rows: int = real(entry)
        return rows

    with serving(hub) as address, httpx.Client(headers={"authorization": f"Bearer {secret}"}) as client:
        url = f"{address}/datasets/{REPO}/resolve/v1.0.0/{LARGE}"
        with ThreadPoolExecutor(1) as other:
            monkeypatch.setattr(hub.viewer, "rows_in", slow)
            first = other.submit(client.get, url)
            assert begun.wait(20)
            assert first.result().status_code == 200
            monkeypatch.setattr(hub.viewer, "rows_in", real)
            second = client.get(url)
            asked.set()
        assert (second.status_code, second.headers["x-error-code"]) == (403, "GatedRepo")
    assert used(hub, right.id) == 150
