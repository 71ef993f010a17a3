"""A push becomes a release only as every release does: built from an authorized source, gated, approved."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.kit.gov import RESOURCE, authorized, registered
from tests.kit.hub import CURATOR, READER, REPO, SomeHub, get, some_hub

RECIPE = f"""
dataset: {REPO}
title: {{zh: 通知, en: Notices}}
purpose: model-training
licence: {{id: cc-by-4.0}}
languages: [zh]
sources:
  notices: {{resource: {RESOURCE}, from: raw/notices.csv, select: [id, title, text]}}
contract:
  key: id
  columns:
    id: {{dtype: str, required: true, unique: true, desc: {{zh: 编号, en: number}}}}
    title: {{dtype: str, desc: {{zh: 标题, en: title}}}}
    text: {{dtype: str, desc: {{zh: 正文, en: body}}}}
steps:
  - normalize: {{columns: [title, text]}}
  - dedup_exact: {{on: [text]}}
"""
ROWS = "id,title,text\n" + "\n".join(f"{n},Notice {n},The office opens at {n} on workdays and closes late" for n in range(30))


@pytest.fixture
def hub(tmp_path: Path) -> SomeHub:
    made = some_hub(tmp_path)
    registered(made.city)
    made.city.made["authorization"] = authorized(made.city)
    made.repositories.create(CURATOR, REPO)
    return made


def push(hub: SomeHub, token: str, **files: str) -> None:
    lines: list[Any] = [{"key": "header", "value": {"summary": "push"}}]
    for path, text in files.items():
        content = base64.b64encode(text.encode()).decode()
        lines.append({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
    body = "\n".join(json.dumps(line) for line in lines)
    assert get(hub, f"/api/datasets/{REPO}/commit/main", token, "POST", content=body.encode()).status_code == 200


def tagged(hub: SomeHub, token: str, tag: str) -> dict[str, Any]:
    """What the contribution says after its tag was worked on."""
    assert get(hub, f"/api/datasets/{REPO}/tag/main", token, "POST", json={"tag": tag}).status_code == 200
    hub.jobs.run_one()
    found = get(hub, f"/api/datasets/{REPO}/contributions", token).json()
    return next(row for row in found if row.get("tag") == tag)


def test_a_tagged_push_with_a_recipe_becomes_a_release_case(hub: SomeHub) -> None:
    token = hub.token(CURATOR, "read", "write")
    push(hub, token, **{"recipe.yaml": RECIPE, "raw/notices.csv": ROWS})
    told = tagged(hub, token, "v1.0.0")
    assert told["state"] == "proposed", told
    case = hub.cases.get(CURATOR, told["case"])
    assert (case.data["dataset"], case.data["version"], case.data["resources"]) == (REPO, "1.0.0", [RESOURCE])
    answer = get(hub, f"/datasets/{REPO}/resolve/v1.0.0/raw/notices.csv", hub.token(READER))
    assert answer.headers["x-error-code"] == "RepoNotFound"


def test_a_push_without_a_recipe_stays_where_it_is_and_says_what_is_missing(hub: SomeHub) -> None:
    token = hub.token(CURATOR, "read", "write")
    push(hub, token, **{"raw/notices.csv": ROWS})
    told = tagged(hub, token, "v1.0.0")
    assert (told["state"], told["code"]) == ("refused", "repo.recipe_missing")
    assert "recipe.yaml" in told["told"]["en"]


def test_a_push_outside_its_authorization_is_refused_before_its_files_are_opened(hub: SomeHub) -> None:
    token = hub.token(CURATOR, "read", "write")
    push(hub, token, **{"recipe.yaml": RECIPE.replace("purpose: model-training", "purpose: contest"), "raw/notices.csv": ROWS})
    assert tagged(hub, token, "v1.0.0")["code"] == "authorization.purpose"
