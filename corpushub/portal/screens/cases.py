"""Any case by its id: for flows that have no screen of their own, so that every link of the hub leads somewhere."""

from __future__ import annotations

from corpushub.portal.board import Board

FLOWS = ("assessment", "classification", "plan_item", "share_item", "record", "question", "probe", "inspection", "derived")
SCREENS = Board("cases", "/home/cases", FLOWS).screens()
