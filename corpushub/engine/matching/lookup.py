"""Looking an entry up by some words of it, as one types them: every word has to be there, in any script, language or spelling.

A word counts as there where an entry has it, a synonym, a longer word that starts with it, or characters that are read so. Only where
nothing has it, one wrong letter is forgiven. Matching (`search`) weighs whole demands instead, of which no entry has every word.
"""

from __future__ import annotations

import string
from bisect import bisect_left
from collections.abc import Sequence
from itertools import product

import numpy as np
import polars as pl

from corpushub.engine.matching import pinyin
from corpushub.engine.matching.index import Floats, Index
from corpushub.engine.matching.rules import singular
from corpushub.engine.matching.search import Matcher
from corpushub.engine.matching.text import Ints, fold, grams, is_single

Spelling = list[Ints]
"""Places in a row; at each, any of the grams will do."""

_OTHER_SCRIPT, _LESS, _TYPO = 0.8, 0.7, 0.5  # what an entry gets for being found in another way than as written
_LONG = 5  # letters from which a word is read as pinyin beside what it is as a word
_TYPO_FROM = 4  # letters of a word in which one may be wrong
_MOST_WORDS = 200


def look_up(matcher: Matcher, words: str, names: pl.Series) -> Floats:
    """How well every row of `matcher` fits all of `words`; 0 for those that do not. Nothing said fits everything alike.

    `names` are what the rows are called by machines, in lower case: found by any part of them.
    """
    total = matcher.alive.astype(np.float32)
    for word in dict.fromkeys(fold([words])[0].split()):
        found = word_scores(matcher, word)
        if not found.any():
            found = names.str.contains(word, literal=True).to_numpy().astype(np.float32)
        total = np.where((total > 0) & (found > 0), total + found, 0).astype(np.float32)
        if not total.any():
            break
    return total


def word_scores(matcher: Matcher, word: str) -> Floats:
    """The first of several ways of reading `word` that finds anything."""
    for way in (as_written, as_begun, with_one_wrong):
        found = way(matcher, word)
        if found.any():
            return found
    return found


def as_written(matcher: Matcher, word: str) -> Floats:
    """The word, its synonyms, longer words it starts, and what it spells."""
    best = held(matcher, [written(word)])
    if others := [other for other, phrase in matcher.thesaurus.others(word).items() if phrase == singular(word)]:
        best = np.maximum(best, _LESS * held(matcher, [written(other) for other in others]))
    if is_latin(word):
        if longer := starting(matcher, word):
            best = np.maximum(best, held(matcher, [[keys_of(longer)]]))
        if len(word) >= _LONG:
            best = np.maximum(best, _OTHER_SCRIPT * held(matcher, pinyin.spelled(word, least=2), guessed=True))
    return best


def as_begun(matcher: Matcher, word: str) -> Floats:
    """Pinyin of one syllable, or with a last syllable that is still being typed."""
    if not is_latin(word):
        return np.zeros(len(matcher.table), np.float32)
    return _OTHER_SCRIPT * held(matcher, pinyin.spelled(word) or pinyin.begun(word), guessed=True)


def with_one_wrong(matcher: Matcher, word: str) -> Floats:
    """Known words of Latin letters that differ in one letter or in the order of two neighbours."""
    best = np.zeros(len(matcher.table), np.float32)
    if len(word) < _TYPO_FROM or not is_latin(word):
        return best
    known = [near for near in one_edit_away(word) if near in matcher.thesaurus.by_phrase or has_word(matcher, near)]
    for near in known:
        best = np.maximum(best, _TYPO * as_written(matcher, near))
    return best


def indexes(matcher: Matcher) -> list[Index]:
    return [matcher.main, *([matcher.fresh] if matcher.fresh else [])]


def held(matcher: Matcher, spellings: Sequence[Spelling], guessed: bool = False) -> Floats:
    """The best of `spellings` for every row; a spelling counts where all its places are filled."""
    parts = []
    for index in indexes(matcher):
        best = np.zeros(index.count, np.float32)
        for spelling in spellings:
            places = [index.holding(keys, guessed) for keys in spelling]
            if places:
                everywhere = np.logical_and.reduce([place > 0 for place in places])
                best = np.maximum(best, np.where(everywhere, np.sum(places, axis=0), 0))
        parts.append(best)
    return np.concatenate(parts).astype(np.float32)


def written(word: str) -> Spelling:
    """All grams of `word`; single characters only where it has nothing else."""
    keys = np.unique(grams([word]).key)
    several = keys[~is_single(keys)]
    return [np.array([key]) for key in (several if len(several) else keys)]


def keys_of(words: Sequence[str]) -> Ints:
    found = grams(list(words))
    return np.unique(found.key)


def starting(matcher: Matcher, word: str) -> list[str]:
    """Indexed words that begin with `word` and are longer."""
    found: set[str] = set()
    for index in indexes(matcher):
        low, high = bisect_left(index.words, word), bisect_left(index.words, word + "\uffff")
        found.update(index.words[low : min(high, low + _MOST_WORDS)])
    return sorted(found - {word})


def has_word(matcher: Matcher, word: str) -> bool:
    places = ((index.words, bisect_left(index.words, word)) for index in indexes(matcher))
    return any(place < len(words) and words[place] == word for words, place in places)


def one_edit_away(word: str) -> set[str]:
    """Everything one letter left out, put in, replaced or swapped with its neighbour makes of `word`."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    letters = string.ascii_lowercase + string.digits
    shorter = {left + right[1:] for left, right in halves if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    replaced = {left + letter + right[1:] for (left, right), letter in product(halves, letters) if right}
    longer = {left + letter + right for (left, right), letter in product(halves, letters)}
    return (shorter | swapped | replaced | longer) - {word}


def is_latin(word: str) -> bool:
    return word.isascii() and word.isalpha()
