"""Monitor and incidents: what was noticed, who froze what, and how it ended (articles 15 and 16)."""

from __future__ import annotations

from corpushub.portal.board import Board

SCREENS = Board("monitor", "/oversee/monitor", ("incident", "inspection", "probe")).screens()
