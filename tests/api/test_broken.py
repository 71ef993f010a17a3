"""A bug of ours is told as one: in the caller's language, with the number it is logged under, and nothing of its insides."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from tests.kit.hub import READER, REPO, SomeHub, notices, serving, some_hub


@pytest.fixture
def hub(tmp_path: Path) -> Generator[SomeHub]:
    made = some_hub(tmp_path)
    made.publish(REPO, notices())
    yield made
    made.close()


@pytest.mark.parametrize("path", ["/v1/tasks", f"/viewer/splits?dataset={REPO}", f"/api/datasets/{REPO}/refs"])
def test_a_bug_is_told_with_its_number_and_the_connection_lives_on(
    hub: SomeHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """Beyond the hub protocol the framework's own "Internal Server Error" went out, and the connection was cut off."""

    def breaks(*_: object, **__: object) -> None:
        raise KeyError("whispered")

    for service, name in ((hub.cases, "tasks"), (hub.viewer, "splits"), (hub.repositories, "refs")):
        monkeypatch.setattr(service, name, breaks)
    with (
        serving(hub) as address,
        httpx.Client(base_url=address, headers={"authorization": f"Bearer {hub.token(READER)}"}) as client,
    ):
        for lang, words in (("zh", "系统内部出错"), ("en", "Something went wrong here")):
            told = client.get(path, headers={"accept-language": lang, "x-request-id": f"asked-{lang}"})
            assert told.status_code == 500
            assert words in told.text
            assert f"asked-{lang}" in told.text
            assert "whispered" not in told.text + str(told.headers)
            assert told.headers["x-content-type-options"] == "nosniff"
            assert any(f"request=asked-{lang} code=http.internal" in line for line in caplog.messages)
        assert client.get("/healthz").status_code == 200
    assert "Exception in ASGI application" not in caplog.text
