"""Names of people: what the tagger says, cleaned, and rules for the ways forms and notices of public offices write them.

The rules only look where a name must stand: after a label (申请人：), before a form of address (女士), before sex (，男，), in a list of names,
in a numbered list of people, and again wherever a name of the document stands once more. A dictionary says which strings are words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from corpushub.engine.recognizers.cells import names_in_columns
from corpushub.engine.recognizers.labels import HINT, KNOWN
from corpushub.engine.recognizers.name_abroad import FIRST, ROLE_ABROAD, composed, country_before, japanese
from corpushub.engine.recognizers.name_forms import in_forms
from corpushub.engine.recognizers.name_reader import Guess
from corpushub.engine.recognizers.name_shapes import FOLLOW, FUNCTION, HAN, Found, is_name
from corpushub.engine.recognizers.name_words import DOUBTFUL, in_guesses, in_words
from corpushub.engine.recognizers.surnames import begins_with_surname, dictionary
from corpushub.engine.recognizers.tagger import PEOPLE
from corpushub.engine.recognizers.tagging import Word

_ITEM = re.compile(rf"{HAN}{{2,4}}")
_HEAD = re.compile(r"(?:名单|专家|评委|人员|成员|如下|代表|委员|同志|人)[:：]$")


def persons(text: str, words: list[Word], again: Sequence[Word] = (), guesses: Sequence[Guess] = ()) -> list[Found]:
    """Names in `text`; `words` are the tagger's, `again` the names it found on a second look (see `second_looks`), `guesses` the second reader's."""
    tagged = _unless_read_otherwise(text, in_words(text, words))
    edges = {word.start for word in words}
    found = tagged + list(in_forms(text, edges))
    found += [
        (start, end, 0.65, "read again")
        for start, end, _, _ in in_words(text, again)
        if is_name(text[start:end]) or end - start > SHORT_ABROAD
    ]
    found += [*japanese(text, words), *composed(text)]
    found += [(start, end, 0.8, "column of names") for start, end in names_in_columns(text)]
    covered = {place: item for item in found for place in range(item[0], item[1])}
    for start, end, score, why in in_guesses(text, words, guesses):
        inside = {covered[place] for place in range(start, end) if place in covered}
        if not inside:
            found.append((start, end, score, why))
        elif "·" in text[start:end] and all(start <= item[0] and item[1] <= end for item in inside):
            found.append((start, end, max(item[2] for item in inside), why))  # the tagger lost its beginning: 买买|提·艾合买提
    found = [_whole(text, item) for item in found]
    found += _listed(text, found)
    found += _in_latin(text, found)
    return found + _again(text, words, found)


def _whole(text: str, item: Found) -> Found:
    """`陈知行` of 陈知行之母; `和婷婷` where the tagger read 婷婷 behind a surname that mostly is another word, and nothing else stands in front."""
    start, end, score, why = item
    if end - start > KIN + 1 and _KIN_BEHIND.fullmatch(text, end - KIN, end):
        return start, end - KIN, score, why
    if end - start == GIVEN and start and not begins_with_surname(text[start:end], weak=True):
        is_family = begins_with_surname(text[start - 1 : end], weak=True) == 1
        if is_family and _opens(text, start - 1) and FOLLOW.match(text[end : end + 4]):
            return start - 1, end, score, why
    return item


GIVEN, KIN = 2, 2  # characters of a given name, and of 之母
_KIN_BEHIND = re.compile("之[父母子女妻夫兄弟姐妹]")
_MARKS = frozenset("、，,：:；;（( \t\n\u3000")


def _opens(text: str, at: int) -> bool:
    """Can a name begin at `at`: at the beginning, behind a mark, or behind a word in front of names?"""
    return at == 0 or text[at - 1] in _MARKS or any(text[max(0, at - length) : at] in KNOWN for length in range(2, 7))


def _in_latin(text: str, found: list[Found]) -> list[Found]:
    """`玛丽（Mary Smith）`: the name as it is written elsewhere, in brackets behind it."""
    return [
        (*latin.span("name"), score, "in its own script")
        for _, end, score, _ in found
        if (latin := _LATIN.match(text, end)) is not None
    ]


_LATIN = re.compile(r"[ ]?[（(](?P<name>[A-Z][A-Za-z'’\-]+(?:,? [A-Z][A-Za-z'’.\-]*){0,3})(?=[，,;；）)])")


def _unless_read_otherwise(text: str, found: list[Found]) -> list[Found]:
    """Without strings that stand in the document several times and mostly are something else there: `夏玉米` of an ordinance on maize."""
    counts = Counter(text[start:end] for start, end, _, _ in found if end - start > 1)
    stands = Counter(text[start:end] for start, end in _places(text, counts))
    return [
        item
        for item in found
        if (count := stands[name := text[item[0] : item[1]]]) < OFTEN or counts[name] * 2 >= count or len(name) == 1
    ]


def _places(text: str, names: Iterable[str]) -> list[tuple[int, int]]:
    """Where one of `names` stands in `text`, by position, the longest first; one pass for each character that names begin with."""
    wanted = frozenset(names)
    lengths: dict[str, set[int]] = {}
    for name in wanted:
        lengths.setdefault(name[0], set()).add(len(name))
    found = []
    for first, some in lengths.items():
        at = text.find(first)
        while at >= 0:
            found += [(at, at + length) for length in some if text[at : at + length] in wanted]
            at = text.find(first, at + 1)
    return sorted(found, key=lambda span: (span[0], -span[1]))


OFTEN = 3
SHORT_ABROAD = 2  # a transliteration read without its context has more characters
LOOK = 14  # characters read again after a word that announces a name


def second_looks(text: str, words: list[Word]) -> list[int]:
    """Where a word announces a name and the tagger saw none: what follows is worth reading by itself, without the word in front."""
    named = {word.start for word in words if word.tag in PEOPLE}
    places = [
        role.end()
        for role in ROLE_ABROAD.finditer(text)
        if role.end() not in named and text[role.end()] in FIRST and not country_before(text[role.end() : role.end() + 8])
    ]
    for hint in HINT.finditer(text):
        at = hint.end()
        surname = begins_with_surname(text[at : at + 4])
        if at in named or not surname or text[at] in FUNCTION or text[at] in "方双各均都须应":
            continue
        if surname == 2 or text[at : at + 2] not in dictionary():
            places.append(at)
    return sorted(set(places))


def snippet(text: str, at: int) -> str:
    """What is read again from `at`."""
    return re.split(r"[。；;！？\n]", text[at : at + LOOK], maxsplit=1)[0]


def _listed(text: str, found: list[Found]) -> list[Found]:
    """Members of lists (甲、乙、丙) where at least half of the others are names already."""
    starts, stops = {item[0] for item in found}, {item[1] for item in found}
    more: list[Found] = []
    for run in re.finditer(rf"{HAN}{{2,4}}(?:(?:、|[ 　\t]{{1,4}}){HAN}{{2,4}}){{1,200}}", text):
        items = [(run.start() + match.start(), match[0]) for match in _ITEM.finditer(run[0])]
        known = [start for start, item in items if start in starts or start + len(item) in stops]
        headed = _HEAD.search(text[max(0, run.start() - 6) : run.start()]) is not None
        alike = sum(is_name(_trim(name)) and _trim(name) not in dictionary() for _, name in items)
        if len(known) * 2 < len(items) and not (headed and alike * 5 >= len(items) * 3):
            continue
        for start, name in items:
            short = _trim(name)
            if (
                start not in known
                and is_name(short, weak=headed)
                and short not in KNOWN
                and (headed or len(known) > 1 or short not in dictionary())
                and FOLLOW.match(text[start + len(short) : start + len(short) + 4])
            ):
                more.append((start, start + len(short), 0.7, "list"))
    return more


def _trim(name: str) -> str:
    """`陈飞参加` in a list is 陈飞: cut a word that follows the name."""
    for length in (3, 2):
        if len(name) > length and is_name(name[:length]) and name[length:] in dictionary():
            return name[:length]
    return name


def _again(text: str, words: list[Word], found: list[Found]) -> list[Found]:
    """Names of this document where they stand unmarked: three characters anywhere, two at the beginning of a word."""
    names = {
        text[start:end]
        for start, end, score, why in found
        if (why == "tagger" and score > DOUBTFUL) or why in {"before sex", "numbered", "list"} or score > 0.8
    }
    names = {name for name in names if begins_with_surname(name) and 2 <= len(name) <= 4 and name not in dictionary()}
    if not names:
        return []
    covered = {place for start, end, _, _ in found for place in range(start, end)}
    edges = {word.start for word in words}
    more: list[Found] = []
    last = 0
    for start, end in _places(text, names):
        if start < last:
            continue
        last = end
        if covered.isdisjoint(range(start, end)) and (end - start > 2 or start in edges):
            more.append((start, end, 0.6, "named elsewhere"))
    return more
