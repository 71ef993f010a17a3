"""Numbers that fix a shingle's hash and a signature. Kept indexes depend on them: changing one makes every stored sketch foreign.

They stand apart so that the numpy kernels and their compiled twins share them without knowing each other.
"""

from __future__ import annotations

from typing import Final

WIDTH: Final = 5
MINIMA: Final = 128
NOTHING: Final = 0xFFFFFFFF
BIN_SHIFT: Final = 25
VALUE: Final = (1 << BIN_SHIFT) - 1
"""The top 7 of 32 bits choose the bin, the others are the value."""

BASE: Final = 0x9FB21C651E98DF25
MIX_1: Final = 0xBF58476D1CE4E5B9
MIX_2: Final = 0x94D049BB133111EB
