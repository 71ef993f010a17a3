"""Names of places by their code (GB/T 2260): `990100` is 云州市. Read once from rules/regions-cn.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def regions() -> Mapping[str, str]:
    """Name of every place, by code, in the order of the file."""
    text = files("corpushub.rules").joinpath("regions-cn.csv").read_text("utf-8")
    return MappingProxyType({row["code"]: row["name"] for row in csv.DictReader(text.splitlines())})
