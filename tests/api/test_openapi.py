"""Every documented route, tried with data made from its own description: no answer of 500 and above."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.kit.gov import released
from tests.kit.hub import CURATOR, REPO, SomeHub, caller, get, notices, some_hub

PARTS = 3


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[SomeHub]:
    made = some_hub(Path(tmp_path_factory.mktemp("hub")))
    released(made.city)
    made.publish(REPO, notices())
    yield made
    made.close()


@pytest.mark.parametrize("part", range(PARTS))  # so that several workers share them
def test_no_documented_route_breaks(hub: SomeHub, part: int) -> None:
    description = get(hub, "/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    token = hub.token(CURATOR, "read", "write", "request")
    broken: list[str] = []

    client = caller(hub, token)

    async def ask(case: Any) -> None:
        words = case.as_transport_kwargs(base_url=hub.settings.endpoint())
        client.cookies.clear()
        answer = await client.request(
            **{name: value for name, value in words.items() if name in {"method", "url", "headers", "params", "json", "data"}}
        )
        if answer.status_code >= 500:
            broken.append(f"{case.method} {case.path}: {answer.status_code} {answer.text[:200]}")

    runner = asyncio.Runner()  # one loop for all: a new one for each request would start its threads anew
    for operation in operations[part::PARTS]:

        @settings(
            max_examples=3, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True
        )
        @given(case=operation.as_strategy())
        def probe(case: Any) -> None:
            try:
                runner.run(ask(case))
            except (UnicodeError, ValueError):
                return  # the client itself refuses to send it

        probe()
    runner.close()
    assert not broken


@settings(max_examples=30)
@given(word=st.text(max_size=30))
def test_any_search_word_is_answered(hub: SomeHub, word: str) -> None:
    assert get(hub, "/api/datasets", params={"search": word, "filter": word, "author": word}).status_code == 200
