# ruff: noqa: RUF043 - codes hold a dot, and any character there will do
from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from corpushub.base.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from corpushub.domain.parties import ANONYMOUS, SYSTEM
from corpushub.services.jobs import LEASE_SECONDS, Jobs, Report
from corpushub.store.jobs import MAX_ATTEMPTS, Job
from corpushub.store.outbox import Notice
from tests.kit.gov import MATERIALS, City, a_city, an_entry, proposed


@pytest.fixture
def city(tmp_path: Path) -> City:
    return a_city(tmp_path)


def jobs_of(city: City, **handlers: Any) -> Jobs:
    return Jobs(database=city.database, cases=city.cases, clock=city.clock, handlers=handlers)


def in_notice(city: City) -> str:
    entry = city.catalog.add(city["provider"], an_entry())
    data = {"resource": entry.id, "kind": "first", "materials": MATERIALS, "evidence_digest": "a" * 64, "commitment": True}
    case = city.cases.open(city["provider"], "registration", data)
    city.do("provider", case, "submit")
    city.do("registrar", case, "accept")
    return city.do("registrar", case, "pass_formal").id


def test_a_public_notice_ends_after_ten_working_days_and_not_before(city: City) -> None:
    case_id, jobs = in_notice(city), jobs_of(city)
    city.clock.forward(days=13)
    assert jobs.tick() == 0
    city.clock.forward(days=2)
    assert jobs.tick() == 1
    assert city.cases.get(SYSTEM, case_id).state == "coded"
    assert jobs.tick() == 0


def test_two_workers_at_once_do_it_once(city: City) -> None:
    case_id = in_notice(city)
    city.clock.forward(days=20)
    threads = [threading.Thread(target=jobs_of(city).tick) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    types = [event.type for event in city.cases.history(SYSTEM, case_id)]
    assert types.count("registration.coded") == 1


def test_an_overdue_case_is_escalated_once_per_week(city: City) -> None:
    case, jobs = proposed(city), jobs_of(city)
    city.clock.forward(days=8)
    assert jobs.tick() == 1
    assert jobs.tick() == 0
    assert city.cases.get(SYSTEM, case.id).data["escalated"] == {"review": 1}
    city.clock.forward(days=7)
    assert jobs.tick() == 1
    assert city.cases.get(SYSTEM, case.id).data["escalated"] == {"review": 2}


def test_notices_are_sent_at_least_once_and_read_by_their_recipient_only(city: City) -> None:
    in_notice(city)
    sent: list[Notice] = []
    jobs = Jobs(database=city.database, cases=city.cases, clock=city.clock, sender=sent.append)
    assert jobs.send_notices() == len(sent) == 1
    assert jobs.send_notices() == 0
    (notice,) = city.cases.notices(city["provider"])
    assert notice.topic == "notice.registration_published"
    assert city.cases.notices(city["developer"]) == ()
    assert not city.cases.mark_seen(city["developer"], notice.id)
    assert city.cases.mark_seen(city["provider"], notice.id)
    assert city.cases.notices(city["provider"], unseen=True) == ()


def test_a_notice_that_could_not_be_sent_is_kept(city: City) -> None:
    def broken(_: Notice) -> None:
        raise Unavailable("store.busy")

    in_notice(city)
    assert Jobs(database=city.database, cases=city.cases, clock=city.clock, sender=broken).send_notices() == 0
    assert jobs_of(city).send_notices() == 1


def test_a_job_runs_once_and_tells_its_progress(city: City) -> None:
    def build(job: Job, report: Report) -> Mapping[str, Any]:
        report({"done": 1})
        return {"rows": job.payload["rows"]}

    jobs = jobs_of(city, build=build)
    first = jobs.submit(city["operator"], "build", {"rows": 7}, once="recipe-1")
    assert jobs.submit(city["operator"], "build", {"rows": 7}, once="recipe-1").id == first.id
    done = jobs.run_one()
    assert done is not None
    assert (done.state, done.result, done.progress) == ("done", {"rows": 7}, {"done": 1})
    assert jobs.run_one() is None


def test_a_lost_lease_is_taken_over_and_the_late_result_refused(city: City) -> None:
    with city.database.begin() as unit:
        job = unit.jobs.add("build", {})
        unit.jobs.claim("first", seconds=LEASE_SECONDS)
    city.clock.forward(minutes=3)
    with city.database.begin() as unit:
        again = unit.jobs.claim("second", seconds=LEASE_SECONDS)
    assert again is not None
    assert (again.id, again.attempts) == (job.id, 2)
    with pytest.raises(Conflict, match="job.lease_lost"), city.database.begin() as unit:
        unit.jobs.finish(job.id, "first", state="done", result={})


def test_a_job_that_takes_every_worker_with_it_ends_as_failed(city: City) -> None:
    """It stood as running for good, and its recipe could not be built again."""
    jobs = jobs_of(city, build=lambda *_: {})
    job = jobs.submit(city["operator"], "build", {})
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with city.database.begin() as unit:
            taken = unit.jobs.claim(f"worker {attempt}", seconds=LEASE_SECONDS)
        assert taken is not None
        assert taken.attempts == attempt
        city.clock.forward(minutes=3)
    assert jobs.run_one() is None
    over = jobs.get(city["operator"], job.id)
    assert (over.state, over.result["code"]) == ("failed", "job.died")
    assert over.finished_at


def test_a_worker_keeps_its_job_while_the_job_has_nothing_to_tell(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two processes over one database a job that was silent for two minutes was done by both."""
    monkeypatch.setattr("corpushub.services.jobs.LEASE_SECONDS", 4)
    others: list[Job | None] = []

    def silent(_: Job, __: Report) -> Mapping[str, Any]:
        for _ in range(2):
            city.clock.forward(minutes=0.05)
            renewed.clear()
            assert renewed.wait(20)
            with city.database.begin() as unit:
                others.append(unit.jobs.claim("another", seconds=4))
        return {"once": True}

    renewed = threading.Event()
    jobs = jobs_of(city, silent=silent)
    renew = jobs._renew

    def renewing(job_id: str, progress: Mapping[str, Any] | None = None) -> None:
        renew(job_id, progress)
        renewed.set()

    monkeypatch.setattr(jobs, "_renew", renewing)
    jobs.submit(city["operator"], "silent", {})
    done = jobs.run_one()
    assert done is not None
    assert (done.state, done.result, others) == ("done", {"once": True}, [None, None])


def test_a_refusal_fails_a_job_and_an_outage_tries_again(city: City) -> None:
    def refuse(_: Job, __: Report) -> Mapping[str, Any]:
        raise Forbidden("job.sign_in")

    def away(_: Job, __: Report) -> Mapping[str, Any]:
        raise Unavailable("store.busy")

    jobs = jobs_of(city, refuse=refuse, away=away)
    jobs.submit(city["operator"], "refuse", {})
    failed = jobs.run_one()
    assert failed is not None
    assert (failed.state, failed.result["code"]) == ("failed", "job.sign_in")
    jobs.submit(city["operator"], "away", {})
    again = jobs.run_one()
    assert again is not None
    assert again.state == "queued"
    assert jobs.run_one() is None, "not before its time"


def test_jobs_are_seen_by_their_organisation(city: City) -> None:
    jobs = jobs_of(city, build=lambda *_: {})
    job = jobs.submit(city["operator"], "build", {})
    assert jobs.get(city["operator2"], job.id).id == job.id
    with pytest.raises(NotFound, match="job.unknown"):
        jobs.get(city["developer"], job.id)
    with pytest.raises(Forbidden, match="job.sign_in"):
        jobs.submit(ANONYMOUS, "build", {})
    with pytest.raises(Invalid, match="job.unknown_kind"):
        jobs.submit(city["operator"], "dance", {})
    assert jobs.cancel(city["operator"], job.id)
    assert jobs.run_one() is None


def test_a_long_job_delays_no_clock(city: City) -> None:
    case_id = in_notice(city)
    city.clock.forward(days=20)
    begun, end = threading.Event(), threading.Event()

    def long(_: Job, __: Report) -> Mapping[str, Any]:
        begun.set()
        end.wait(20)
        return {}

    jobs = jobs_of(city, long=long)
    jobs.submit(city["operator"], "long", {})
    jobs.start(seconds=0.05)
    assert begun.wait(20)
    for _ in range(200):
        if city.cases.get(SYSTEM, case_id).state == "coded":
            break
        end.wait(0.1)
    assert city.cases.get(SYSTEM, case_id).state == "coded"
    end.set()
    jobs.stop()


def test_a_duty_that_fails_keeps_no_other_from_being_done_and_ends_no_worker(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    rounds: list[str] = []

    def broken() -> None:
        rounds.append("broken")
        raise ZeroDivisionError

    def refused() -> None:
        raise Unavailable("store.busy")

    def last() -> None:
        if len(rounds) > 1:
            done.set()

    jobs = Jobs(database=city.database, cases=city.cases, upkeep=(broken, refused, last), clock=city.clock)
    jobs.start(seconds=0.01)
    try:
        assert done.wait(30), "the rounds went on"
    finally:
        jobs.stop()
    assert "worker broke work=" in caplog.text
    assert "worker pauses code=store.busy" in caplog.text
