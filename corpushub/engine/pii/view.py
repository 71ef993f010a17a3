"""The normalised view of a text: what the recognizers read, with a map back to the text as it is.

Every replacement is one character for one, so that offsets stay; only invisible characters go, and then the map says where. What is read
alike: full-width and other scripts' digits, digits written in Han characters, letters that optical recognition mistakes for digits, a line
break inside a number, no-break spaces and dashes of every kind.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corpushub.engine.recognizers.lexicon import lexicon

_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_CONTROL = "\x00-\x08\x0e-\x1f\x7f"
INVISIBLE = re.compile(f"[{_INVISIBLE}{_CONTROL}]")
_BROKEN = re.compile(
    r"(?<![0-9A-Za-z])(?P<head>[(（]?\d(?:[ \-.·)）]?\d){0,17}[)）\-]?)(?P<gap>[ \t]{0,4}\r?\n[ \t]{0,8})(?P<tail>[0-9Xx](?:[ \-.·]?[0-9Xx]){0,17})(?![0-9A-Za-z])"
)
_PERSON_NUMBER = r"(?:86)?1[3-9]\d{9}|[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
_PERSONAL = re.compile(_PERSON_NUMBER)  # a mobile or an identity number
_WHOLE = re.compile(
    rf"{_PERSON_NUMBER}|(?:62|4\d|5[1-5])\d{{14,17}}|0(?:10|2\d|[3-9]\d{{2}})[2-8]\d{{6,7}}"
)  # … a card, a fixed line
_ROW_NUMBER = re.compile(r"\d{1,3}[ \t.,，、]+(?![ \t\d])")
_NOT_DIGITS = re.compile(r"[^0-9Xx]")
_DASH = re.compile(r"(?<=[0-9)])[‐‑‒–—―−－](?=[0-9(])")
_TOKEN = re.compile(
    r"(?<![0-9A-Za-z_])(?=[0-9A-Za-z]{11,19}(?![0-9A-Za-z_]))(?=[0-9]*[OoIlSBZ])[0-9OoIlSBZ]{10,18}[0-9OoIlSBZXx](?![0-9A-Za-z_])"
)
_STOPS = re.compile(r"(?<![\d.。])\d{1,3}(?:[.。]\d{1,3}){3}(?![\d.])")
_HAN_RUN = 7  # fewer digits, some of them Han, are no number of anybody
_LOOKALIKE = str.maketrans("OoIlSBZ", "0011582")


@dataclass(frozen=True, slots=True)
class View:
    """`text` as recognizers read it; `back[i]` is the position in the original of character i, None where positions are equal."""

    text: str
    back: NDArray[np.int64] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of the view as a span of the original."""
        if self.back is None or start >= end:
            return start, end
        return int(self.back[start]), int(self.back[end - 1]) + 1


def views(column: pl.Series) -> tuple[pl.Series, dict[int, View]]:
    """The column as recognizers read it, and the views of texts in which positions move, by row. One look over the column finds the few
    texts that need work; the column holds no nulls.
    """
    rows = column.str.contains(_needed()).arg_true()
    if not len(rows):
        return column, {}
    # Most that need work hold full-width forms alone, which a column changes at once.
    folded = column.gather(rows).str.replace_many({chr(code): char for code, char in _folds().items()})
    intricate = folded.str.contains(_intricate()).arg_true().to_list()
    made = {place: view(column[int(rows[place])]) for place in intricate}
    if made:
        folded.scatter(list(made), [one.text for one in made.values()])
    return column.clone().scatter(rows, folded), {int(rows[place]): one for place, one in made.items() if one.back is not None}


def view(text: str) -> View:
    """The view of one text."""
    back = None
    if INVISIBLE.search(text):
        kept = np.array([INVISIBLE.match(char) is None for char in text], dtype=bool)
        back = np.flatnonzero(kept)
        text = INVISIBLE.sub("", text)
    text = text.translate(_folds())
    text = _digits_of_other_scripts(text)
    text = _BROKEN.sub(_mended, text)
    if "\x00" in text:  # a break that was wider than a separator: drop the padding, keep the map
        kept = np.array([char != "\x00" for char in text], dtype=bool)
        back = (np.arange(len(text)) if back is None else back)[kept]
        text = text.replace("\x00", "")
    text = _han_run().sub(_as_digits, text)
    text = _DASH.sub("-", text)
    text = _TOKEN.sub(_as_number, text)
    text = _STOPS.sub(_with_points, text)
    return View(text, back)


def _with_points(found: re.Match[str]) -> str:
    """Full stops between the parts of a network address are the points an input method made of them."""
    return found[0].replace("。", ".")


def _mended(found: re.Match[str]) -> str:
    """A break inside one number reads as one space (further characters of the break are dropped later); rows of a table stay rows."""
    head, gap, tail = found["head"], found["gap"], found["tail"]
    parts = re.split(r"[ .·]", head)
    starts = {head, parts[-1]}
    ends = {tail, re.split(r"[ .·]", tail)[0]}
    if not any(_WHOLE.fullmatch(_NOT_DIGITS.sub("", first + last)) for first in starts for last in ends):
        return found[0]
    if _ROW_NUMBER.match(found.string, found.start("tail")) and any(_is_whole(_NOT_DIGITS.sub("", first)) for first in starts):
        return found[0]
    return head + " " + "\x00" * (len(gap) - 1) + tail


def _is_whole(digits: str) -> bool:
    """A number that needs nothing more: the card's check digit is right, the fixed line long enough."""
    from corpushub.engine.recognizers.shape import luhn

    return bool(_WHOLE.fullmatch(digits)) and (digits.startswith("0") or bool(_PERSONAL.fullmatch(digits)) or luhn(digits))


@cache
def _needed() -> str:
    return rf"[０-９Ａ-Ｚａ-ｚ＠．＿＋＊－\x{{a0}}\x{{2000}}-\x{{200f}}\x{{3000}}]|{_intricate()}"


@cache
def _intricate() -> str:
    """What must stand in a text, once it is folded, that `view` changes further."""
    han = "".join(han_digits())
    one = rf"[{han}0-9][ \-.·、]?"
    runs = "|".join(
        rf"(?:{one}){{{before}}}[{han}](?:[ \-.·、]?[{han}0-9]){{{_HAN_RUN - 1 - before}}}" for before in range(_HAN_RUN)
    )
    return (
        rf"[{_INVISIBLE}{_CONTROL}]|[\p{{Nd}}--[0-9]]|[①-⑨⓪❶-❾]{{2}}"
        rf"|[0-9)）][ \t]*\r?\n[ \t]*[0-9Xx]|[0-9][‐‑‒–—―−－][0-9]|{runs}"
        r"|[0-9][OoIlSBZ]|[OoIlSBZ][0-9]|[0-9]。[0-9]{1,3}。"
    )


@cache
def _folds() -> dict[int, str]:
    folds = {
        code: chr(code - 0xFEE0)
        for code in range(0xFF01, 0xFF5F)
        if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in "@._+-*/#"
    }
    folds |= dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
    return folds


def _digits_of_other_scripts(text: str) -> str:
    if text.isascii():
        return text
    return re.sub(r"[^\W\D]", lambda found: str(unicodedata.digit(found[0])), text)


@cache
def han_digits() -> dict[str, str]:
    """Han characters and enclosed numerals that stand for one decimal digit, from rules/pii-lexicon.toml."""
    table: dict[str, str] = lexicon()["digits"]
    return {char: digit for digit, chars in table.items() for char in chars}


@cache
def _han_run() -> re.Pattern[str]:
    digits = "".join(han_digits())
    return re.compile(
        rf"(?<![{digits}0-9])(?=[0-9 \-.·、]*[{digits}])[{digits}0-9](?:[ \-.·、]?[{digits}0-9]){{{_HAN_RUN - 1},24}}"
    )


def _as_digits(found: re.Match[str]) -> str:
    """A run as digits. The last character of a name in front (`李四139…`) stays where a whole number begins after it."""
    table = han_digits()
    run = "".join(table.get(char, char) for char in found[0])
    follower = found.string[found.end() : found.end() + 1]
    plain = re.sub(r"\D", "", run) + (follower if follower in "Xx" else "")
    if not _PERSONAL.fullmatch(plain):
        for cut in (1, 2):
            if _PERSONAL.fullmatch(plain[cut:]) and run[:cut].isdigit():
                return found[0][:cut] + run[cut:]
    return run


def _as_number(found: re.Match[str]) -> str:
    """A token that is a number but for a few look-alike letters reads as that number. Other lengths and codes stay as they are."""
    token = found[0]
    mistaken = sum(char in "OoIlSBZ" for char in token)
    if len(token) not in {11, 15, 16, 17, 18, 19} or mistaken > len(token) // 2:
        return token
    body, last = (token[:-1], token[-1]) if token[-1] in "Xx" else (token, "")
    return body.translate(_LOOKALIKE) + last
