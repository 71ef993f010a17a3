"""Any case by its id: for flows that have no screen of their own, so that every link of the hub leads somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpushub.domain.workflow import Case
from corpushub.portal import values
from corpushub.portal.board import Board
from corpushub.portal.html import Child
from corpushub.portal.pages import Ask
from corpushub.portal.parts import card

FLOWS = ("assessment", "classification", "plan_item", "share_item", "record", "question", "probe", "inspection", "derived")


def facts(ask: Ask, case: Case) -> Child:
    """The facts of a record: the one kind of case whose content differs by what it records."""
    told: Mapping[str, Any] = case.data.get("facts") or {}
    return card(ask.t("records.facts"), values.record(ask, "facts", told)) if case.flow == "record" and told else None


SCREENS = Board("cases", "/home/cases", FLOWS, facts).screens()
