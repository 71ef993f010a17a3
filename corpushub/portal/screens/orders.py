"""Work orders: quoted, agreed with acceptance tests, built, delivered, accepted (article 10)."""

from __future__ import annotations

from corpushub.portal.board import Board

SCREENS = Board("orders", "/demand/orders", ("work_order",)).screens()
