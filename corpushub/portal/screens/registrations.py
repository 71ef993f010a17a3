"""Registration: apply, formal review, public notice, code (article 3)."""

from __future__ import annotations

from corpushub.portal.board import Board

SCREENS = Board("registrations", "/govern/registrations", ("registration",)).screens()
