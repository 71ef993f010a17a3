"""What is counted in a text, column by column, and the flags of the attribute table: shared by the numpy counters and their compiled twin."""

from __future__ import annotations

from typing import Final

from corpushub.engine.text import characters as ch

GRAM: Final = 10
"""Units in a window when looking for repeated phrases: a unit is a Latin word or any other character that is not white space."""
LINE_BASE: Final = 0x9E3779B97F4A7C15
GRAM_BASE: Final = 0xD6E8FEB86659FD93
GRAM_INVERSE: Final = pow(GRAM_BASE, -1, 1 << 64)
LINE_INVERSE: Final = pow(LINE_BASE, -1, 1 << 64)
MIXER: Final = 0xFF51AFD7ED558CCD
LEAST_BITS: Final = 1024
BITS_PER_GRAM: Final = 16
"""Windows are told apart by one bit each, in a row's own field of 16 to 32 bits a window: a window on a bit already set came before.

At most one window in thirty is taken for another; what the bounds of the profiles separate lies ten times further apart.
"""
SLOT_SHIFT: Final = 20

FUNCTION, MOJIBAKE, MARKUP, SEPARATOR, CLOSER, LEAD, TRAIL = (1 << bit for bit in range(4, 11))
"""Flags beside the class (low 4 bits) in the attribute table."""

NAMES: Final = (
    "spaces", "breaks", "latin", "other_letters", "digits", "han", "stops", "points", "symbols", "broken",
    "function", "mojibake", "markup", "separators", "lines", "ended_lines", "repeated_line_chars", "grams", "repeated_grams",
    "longest_run", "words", "stop_words",
)  # fmt: skip
COLUMNS: Final = len(NAMES)
(
    _FUNCTION,
    _MOJIBAKE,
    _MARKUP,
    _SEPARATORS,
    _LINES,
    _ENDED,
    _REPEATED_LINES,
    _GRAMS,
    _REPEATED_GRAMS,
    _RUN,
    _WORDS,
    _STOP_WORDS,
) = range(ch.CLASSES, COLUMNS)
