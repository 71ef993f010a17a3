"""When a pass is judged: on every change of what it rests on, and not while nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from corpushub.services import passes
from corpushub.services.delivery import Permission
from tests.kit.gov import released
from tests.kit.hub import READER, REPO, SomeHub, notices, some_hub


@dataclass
class Looked:
    """A hub with one pass, a clock of ours, and how often the pass was judged."""

    hub: SomeHub
    at: float
    judged: list[str] = field(default_factory=list)

    def after(self, seconds: float) -> tuple[int, int]:
        """A look so much later: how many passes hold, and how often one was judged for it."""
        self.at += seconds
        self.judged.clear()
        return self.hub.passes.renew(), len(self.judged)


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Looked]:
    def made(**rights: int) -> Looked:
        hub = some_hub(tmp_path, files_url="http://files")
        hub.city.made["release"] = released(hub.city)
        hub.publish(REPO, notices())
        hub.entitle(**rights)
        found = Looked(hub, passes.now())
        monkeypatch.setattr(passes, "now", lambda: found.at)
        real = hub.repositories.holds

        def counted(*asked: str) -> Permission | None:
            found.judged.append(asked[1])
            permission: Permission | None = real(*asked)
            return permission

        monkeypatch.setattr(hub.repositories, "holds", counted)
        reader = hub.access.actor_of_token(hub.token(READER))
        assert reader is not None
        assert hub.passes.issue(reader, hub.repositories.locate(reader, REPO, "v1.0.0", "data/test-00000-of-00001.parquet"))
        return found

    return made


def test_a_pass_is_not_judged_while_nothing_changes(look: Callable[..., Looked]) -> None:
    one = look()
    assert one.after(0) == (1, 1)
    assert one.after(passes.SETTLED_SECONDS - 1) == (1, 1)  # an older answer may still be believed
    assert [one.after(seconds) for seconds in (2, 2, 60)] == [(1, 0)] * 3
    one.hub.publish("city/other", notices())
    assert one.after(2) == (1, 0)
    assert one.after(passes.LIFE_SECONDS) == (0, 0)


def revoke(hub: SomeHub) -> None:
    with hub.database.begin() as unit:
        for token in unit.tokens.of(READER.person):
            unit.tokens.revoke(token.id)


def expire(hub: SomeHub) -> None:
    hub.city.clock.forward(days=91)


def hide(hub: SomeHub) -> None:
    with hub.database.begin() as unit:
        unit.repos.update(REPO, private=True)


def suspend(hub: SomeHub) -> None:
    hub.city.do(
        "implementer", hub.city.cases.list(hub.city["developer"], flow="entitlement").items[0], "suspend", reason="a check"
    )


def withdraw(hub: SomeHub) -> None:
    hub.city.do("reviewer", hub.city.made["release"], "quarantine", reason="a name was left in row 7")


@pytest.mark.parametrize("change", [revoke, expire, hide, suspend, withdraw])
def test_whatever_ends_a_right_ends_a_settled_pass(look: Callable[..., Looked], change: Callable[[SomeHub], None]) -> None:
    one = look()
    one.after(0)
    assert one.after(passes.SETTLED_SECONDS + 1) == (1, 0)
    change(one.hub)  # as another process does: nothing this one believes is dropped
    one.hub.access.forget()
    one.hub.repositories.forget()
    assert one.after(2) == (0, 1)


def test_what_was_believed_before_a_change_does_not_settle_a_pass(look: Callable[..., Looked]) -> None:
    one = look()
    one.after(0)
    one.after(passes.SETTLED_SECONDS + 1)
    suspend(one.hub)
    assert one.after(2) == (1, 1)  # the permission of seconds ago is believed
    one.hub.access.forget()  # those seconds are over
    assert one.after(2) == (0, 1)


def test_a_pass_ends_when_its_right_is_one_to_so_many_rows(look: Callable[..., Looked], monkeypatch: pytest.MonkeyPatch) -> None:
    one = look()
    assert one.after(0) == (1, 1)
    monkeypatch.setattr(one.hub.repositories, "holds", lambda *_: Permission("ent", "model-training", counted=True))
    assert one.after(1) == (0, 0)
