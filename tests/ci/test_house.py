"""Each house rule finds what it must and lets the good form pass."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROJECT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOUSE = load("house")

BAD = {
    "lazy": ("engine/dedup/duplicates.py", "def f(frame):\n    return frame.collect()\n"),
    "settings": ("services/x.py", "import os\nHOME = os.environ['HOME']\n"),
    "clock": ("services/x.py", "from datetime import datetime\nx = datetime.now()\n"),
    "words": ("services/x.py", "WORD = '批准'\n"),
    "callback": ("portal/screens/x.py", "button.click(lambda: 1)\n"),
    "refusals": ("domain/x.py", "def f():\n    raise ValueError('no')\n"),
    "swallowed": ("store/x.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    "size": ("base/x.py", "def f():\n" + "    x = 1\n" * 61),
}
GOOD = {
    "lazy": ("engine/run/runner.py", "def f(frame):\n    return frame.collect()\n"),
    "settings": ("base/settings.py", "import os\nHOME = os.environ['HOME']\n"),
    "clock": ("base/identity.py", "from datetime import datetime\nx = datetime.now()\n"),
    "words": ("services/x.py", '"""发布审批 in a docstring is fine."""\n'),
    "callback": ("portal/screens/x.py", "button.click(approve)\n"),
    "refusals": ("domain/x.py", "def f():\n    raise Conflict('a.b')\n"),
    "swallowed": ("store/x.py", "try:\n    f()\nexcept KeyError:\n    pass\n"),
    "size": ("base/x.py", "def f():\n" + "    x = 1\n" * 50),
}


@pytest.mark.parametrize("rule", sorted(BAD))
def test_rule_finds_the_bad_form(rule: str) -> None:
    where, source = BAD[rule]
    assert rule in {found[1] for found in HOUSE.check(where, source)}


@pytest.mark.parametrize("rule", sorted(GOOD))
def test_rule_passes_the_good_form(rule: str) -> None:
    where, source = GOOD[rule]
    assert rule not in {found[1] for found in HOUSE.check(where, source)}


def test_every_rule_is_tried() -> None:
    assert {rule.__name__ for rule in HOUSE.RULES} == set(BAD) == set(GOOD)


def test_the_house_is_clean() -> None:
    assert HOUSE.main() == 0
