"""Places have names, also those of the demonstration city."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from corpushub.base.regions import regions


def test_every_place_of_the_demonstration_has_a_name() -> None:
    demo = tomllib.loads(files("corpushub.rules").joinpath("demo.toml").read_text("utf-8"))
    codes = {org["region"] for org in demo["orgs"] if "region" in org}
    assert codes
    assert codes <= regions().keys()
    assert regions()["990101"] == "东城区"


def test_cities_of_the_xinjiang_corps_are_there() -> None:
    assert [code for code in regions() if code.startswith("6590")] == [f"6590{number:02d}" for number in range(1, 13)]
