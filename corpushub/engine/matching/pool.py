"""Demands that mean the same, pooled: pairs and words weighed by rarity, cosine at least tau, constraints that can be met together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from corpushub.engine.matching.demand import Demand
from corpushub.engine.matching.rules import Thesaurus, base_thesaurus, matching_rules, region_range
from corpushub.engine.matching.text import grams, is_single

_COMMON = 0.3  # a gram in more than this part of many demands says nothing
_MANY = 20


def pool(demands: Sequence[Demand], thesaurus: Thesaurus | None = None) -> list[tuple[int, ...]]:
    """Groups of positions of two and more demands, largest first.

    Only demands that share a gram are compared, so the cost follows the postings, not the square of the count.
    """
    names = thesaurus or base_thesaurus()
    contents = [canonical_words(demand.content, names) for demand in demands]
    vectors = weigh(contents)
    parent = list(range(len(demands)))
    for one, other in alike(vectors, matching_rules()["thresholds"]["pool"]):
        if find(parent, one) != find(parent, other) and fit_together(demands[one], demands[other]):
            parent[find(parent, one)] = find(parent, other)
    groups: dict[int, list[int]] = {}
    for number in range(len(demands)):
        groups.setdefault(find(parent, number), []).append(number)
    return sorted((tuple(group) for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def canonical_words(content: str, thesaurus: Thesaurus) -> str:
    """`content` with every known phrase replaced by the first of its group, so that synonyms meet."""
    for phrase in sorted(set(thesaurus.others(content).values()), key=len, reverse=True):
        content = content.replace(phrase, thesaurus.groups[thesaurus.by_phrase[phrase][0]][0])
    return content


def weigh(contents: Sequence[str]) -> list[dict[int, float]]:
    """Unit vectors of pairs and words."""
    found = grams(contents)
    keep = ~is_single(found.key)
    held: list[Counter[int]] = [Counter() for _ in contents]
    for text, key in zip(found.text[keep].tolist(), found.key[keep].tolist(), strict=True):
        held[text][key] += 1
    holders = Counter(key for counted in held for key in counted)
    most = _COMMON * len(contents) if len(contents) > _MANY else len(contents)
    vectors: list[dict[int, float]] = []
    for counted in held:
        vector = {
            key: (1 + np.log(n)) * np.log(1 + len(contents) / holders[key]) for key, n in counted.items() if holders[key] <= most
        }
        length = float(np.sqrt(sum(value * value for value in vector.values()))) or 1.0
        vectors.append({key: float(value) / length for key, value in vector.items()})
    return vectors


def alike(vectors: Sequence[Mapping[int, float]], least: float) -> Iterator[tuple[int, int]]:
    """Every two vectors with a cosine of at least `least`, the second behind the first."""
    places: dict[int, list[int]] = {}
    values: dict[int, list[float]] = {}
    for number, vector in enumerate(vectors):
        for key, value in vector.items():
            places.setdefault(key, []).append(number)
            values.setdefault(key, []).append(value)
    postings = {key: (np.array(held), np.array(values[key])) for key, held in places.items()}
    for one, vector in enumerate(vectors):
        sums = np.zeros(len(vectors))
        for key, value in vector.items():
            held, weights = postings[key]
            sums[held] += weights * value
        for other in (np.flatnonzero(sums[one + 1 :] >= least) + one + 1).tolist():
            yield one, other


def fit_together(one: Demand, other: Demand) -> bool:
    """Could one dataset serve both? Regions and periods have to meet, purposes to be equal where both state one."""
    if one.purpose and other.purpose and one.purpose != other.purpose:
        return False
    if one.period and other.period and (one.period[0] > other.period[1] or other.period[0] > one.period[1]):
        return False
    return not one.regions or not other.regions or any(meet(left, right) for left in one.regions for right in other.regions)


def meet(left: str, right: str) -> bool:
    (low, high), (first, last) = region_range(left), region_range(right)
    return low < last and first < high


def find(parent: list[int], number: int) -> int:
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


def mine(pairs: Iterable[tuple[str, str]], known: Thesaurus, support: int = 3) -> list[tuple[str, str, float]]:
    """Synonyms that accepted matches suggest: (word of demands, word of entries, strength), strongest first, for a person to approve.

    `pairs` are folded demand and entry texts. A word is a run of two to four Chinese characters or a Latin word; strength is the pointwise
    mutual information of a demand's word with a word its accepted entry has and the demand has not.
    """
    demands, entries, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    total = 0
    for asked, given in pairs:
        total += 1
        left, right = words_of(asked) - words_of(given), words_of(given) - words_of(asked)
        demands.update(left)
        entries.update(right)
        both.update((one, other) for one in left for other in right)
    found = [
        (one, other, float(np.log(count * total / (demands[one] * entries[other]))))
        for (one, other), count in both.items()
        if count >= support and other not in known.others(one)
    ]
    strong = [item for item in found if item[2] > 0]
    return sorted(strong, key=lambda item: (-item[2] * both[item[0], item[1]], item[0], item[1]))


def words_of(text: str) -> set[str]:
    """Pairs of Chinese characters and Latin words of a folded text."""
    found = grams([text])
    keep = np.flatnonzero(~is_single(found.key))
    return {name for number in keep if " " not in (name := found.name(int(number)))}
