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
TALLY: Final = 12
"""Bits of each count in a tally: symbols, then characters by flag (function, mistaken, separator, mark of spam) in a run of ideographs."""

HEAD_BYTES: Final = 3
HEAD_PLACES: Final = 1 << 13
HEAD_SHIFT: Final = 64 - 13
HEAD_MIXER: Final = LINE_BASE
"""Phrases are looked for by their first three bytes, small letters for capitals: few of the places such bytes are spread over are taken."""

STOPS: Final = 1024
"""Places of the table of stop words; its multiplier stands behind them."""
IDEOGRAPH, PLAIN_SYMBOL = 256, 257
"""Where the table of kinds says what a character above the first plane is."""
FUNCTION, MOJIBAKE, MARKUP, SEPARATOR, CLOSER, LEAD, TRAIL, MARK = (1 << bit for bit in range(4, 12))
"""Flags beside the class (low 4 bits) in the attribute table."""

NAMES: Final = (
    "spaces", "breaks", "latin", "other_letters", "digits", "han", "stops", "points", "symbols", "broken",
    "function", "mojibake", "markup", "separators", "lines", "ended_lines", "repeated_line_chars", "grams", "repeated_grams",
    "longest_run", "words", "stop_words", "marks",
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
    _MARKS,
) = range(ch.CLASSES, COLUMNS)
