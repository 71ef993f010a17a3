"""A demand in everyday words, read without a model: what remains are content words; everything else becomes an editable chip.

The readers (`reading`) claim what they understand, each letter once; then stop phrases go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from corpushub.engine.matching.reading import READERS, Chip, Reading, strip_phrases
from corpushub.engine.matching.text import fold

_MANY = frozenset({"region", "apart", "delivery", "format", "items"})
_FIELDS = {
    "region": "regions",
    "apart": "apart",
    "delivery": "delivery",
    "format": "formats",
    "items": "items",
    "period": "period",
    "granularity": "granularity",
    "frequency": "frequency",
    "use": "use",
    "price": "price",
}
KINDS = frozenset(_FIELDS) - {"price"}


@dataclass(frozen=True, slots=True)
class Demand:
    """A parsed demand. `period` holds months as year * 12 + month - 1, both inclusive; `apart` are regions it does not want; `rank` is
    the strictest grade the asker is cleared for; -1 and empty values state nothing.
    """

    text: str
    content: str
    regions: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    period: tuple[int, int] | None = None
    granularity: str = ""
    frequency: str = ""
    use: str = ""
    purpose: str = ""
    delivery: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    price: float = -1.0
    rank: int = 4
    chips: tuple[Chip, ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The chips a portal shows, and what is left of the text."""
        chips = [{"kind": chip.kind, "value": chip.value, "said": chip.said} for chip in self.chips]
        return {
            "text": self.text,
            "content": self.content,
            "chips": chips,
            "purpose": self.purpose,
            "price": self.price,
            "rank": self.rank,
        }


def parse_demand(
    text: str, *, today: date, home: str = "110000", without: Sequence[str] = (), given: Mapping[str, Any] | None = None
) -> Demand:
    """Read `text`. `without` names kinds of chips the user took away, `given` values the user set; both win over the text.

    `home` is the hub's region code: among regions of one name those at home are meant.
    """
    reading = Reading(fold([text])[0])
    chips: list[Chip] = []
    for kind, read in READERS.items():
        before = bytes(reading.taken)
        found = read(reading, today, home)
        chips += [chip for chip in found if chip.kind not in without and chip.kind not in (given or {})]
        if kind in without:
            reading.taken[:] = before  # words of a chip the user took away may be content
    chips += [Chip(kind, value) for kind, value in (given or {}).items() if kind in KINDS]
    content = strip_phrases(reading.rest())
    made = Demand(text, content, chips=tuple(chips))
    for chip in chips:
        made = with_chip(made, chip)
    plain = {name: value for name, value in (given or {}).items() if name in {"purpose", "price", "rank"}}
    return replace(made, **plain)


def with_chip(demand: Demand, chip: Chip) -> Demand:
    """`demand` with what the chip says. Several places, deliveries, formats and items add up; of the rest the last one counts."""
    name, value = _FIELDS.get(chip.kind, ""), chip.value
    if chip.kind in _MANY:
        value = (*getattr(demand, name), *as_tuple(value))
    elif chip.kind == "period":
        value = (int(value[0]), int(value[1]))
    return replace(demand, **{name: value}) if name else demand


def as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
