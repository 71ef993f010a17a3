"""Names of other languages in Chinese characters: transliterations have no surname of ours, Japanese ones have their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from corpushub.engine.recognizers.labels import ROLES_ABROAD
from corpushub.engine.recognizers.lexicon import lexicon
from corpushub.engine.recognizers.name_shapes import FOLLOW, Found
from corpushub.engine.recognizers.tagging import Word

ROLE_ABROAD = re.compile(rf"(?:{ROLES_ABROAD})(?=[\u4e00-\u9fff]{{2}})")
# characters that transliterations begin with
FIRST = frozenset(
    "阿埃艾安奥巴拜班鲍贝本比彼宾波伯博布达戴丹德迪杜多恩法菲费弗福盖戈哥格古哈海汉赫亨霍基吉加贾杰金卡凯坎康考科克肯库拉莱兰朗劳勒雷里利列卢鲁路伦罗洛马迈麦曼梅门米莫穆纳内尼努诺欧帕庞佩彭皮普奇乔切琼"
    "萨塞桑沙舍施史斯苏索塔泰汤唐特图托瓦威韦维温沃乌希西谢辛休雅亚扬耶叶伊尤约泽詹朱佐"
)
_GIVEN = "郎夫男雄子美一二三之介助治太司史志义正明和宏广浩隆昭彦康信幸孝光博文久胜利纪惠树代枝香奈洋健裕直敏宽哲章俊英行成茂实登进修清忠良真由佳千春秋喜作造伸贞龙平朗也生典秀岳晋则德弘靖辉邦弥"


def country_before(name: str) -> int:
    """`尼日利亚奥利塞赫`: length of the country in front of a name."""
    return next((length for length in range(len(name) - 2, 2, -1) if name[:length] in countries()), 0)


@cache
def countries() -> frozenset[str]:
    return frozenset(lexicon()["names"]["countries"].split())


@cache
def _japanese() -> re.Pattern[str]:
    families = "|".join(sorted(lexicon()["names"]["japanese"].split(), key=len, reverse=True))
    return re.compile(rf"(?:{families})(?:[{_GIVEN}]{{0,2}}(?:郎|夫|雄|彦|之助|之介)|[{_GIVEN}]{{2}}(?={FOLLOW.pattern}))")


def japanese(text: str, words: list[Word]) -> Iterator[Found]:
    """A Japanese family name and characters of given names, where a word begins."""
    edges = {word.start for word in words}
    for found in _japanese().finditer(text):
        if found.start() in edges:
            yield found.start(), found.end(), 0.6, "japanese name"


@cache
def _composed() -> re.Pattern[str]:
    parts = "|".join(sorted(lexicon()["names"]["parts"].split(), key=len, reverse=True))
    return re.compile(rf"(?:{parts}){{2,3}}")


def composed(text: str) -> Iterator[Found]:
    """`格桑平措`, `娜仁其木格`: Tibetan and Mongolian names, of parts that hardly follow each other otherwise."""
    for found in _composed().finditer(text):
        yield found.start(), found.end(), 0.65, "parts of names"
