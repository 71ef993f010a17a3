"""Objections and questions: checked, answered, corrected, closed by whoever filed (article 2)."""

from __future__ import annotations

from corpushub.portal.board import Board

SCREENS = Board("objections", "/data/objections", ("objection", "question")).screens()
