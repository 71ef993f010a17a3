"""The audit bundle from the browser: for the seats that may take it, for days that are days."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path

import httpx
import pytest

from corpushub.domain.parties import SYSTEM
from corpushub.portal.downloads import BUNDLE
from corpushub.services.accounts import COOKIE
from corpushub.web import create_app
from tests.kit.hub import SomeHub, some_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> SomeHub:
    return some_hub(tmp_path_factory.mktemp("downloads"))


def take(hub: SomeHub, person: str, **form: str) -> httpx.Response:
    cookies = {}
    if person:
        hub.accounts.set_password(SYSTEM, person, "a password for tests")
        cookies = {COOKIE: hub.accounts.sign_in(person, "a password for tests")}
    endpoint = hub.settings.endpoint()

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(hub.hub, with_portal=True))
        async with httpx.AsyncClient(transport=transport, base_url=endpoint, cookies=cookies, timeout=60) as client:
            return await client.post(BUNDLE, data=form, headers={"origin": endpoint})

    return asyncio.run(send())


def test_an_auditor_takes_a_bundle_and_leaves_no_copy(hub: SomeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    answer = take(hub, "auditor", since="", until="")
    assert answer.status_code == 200
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as bundle:
        assert bundle.getnames()
    assert list(tmp_path.rglob("*.tar")) == []


def test_nobody_else_takes_one(hub: SomeHub) -> None:
    assert take(hub, "developer").status_code == 403
    assert take(hub, "").status_code in {401, 403}


def test_a_day_that_is_none_is_refused(hub: SomeHub) -> None:
    assert take(hub, "auditor", since="yesterday").status_code == 422
