"""Names the sequence tagger read, without what is no part of them, and without places and words it took for names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpushub.engine.recognizers.name_shapes import HAN, NO_NAMES, Found, is_made_of_words
from corpushub.engine.recognizers.surnames import SINGLE, TITLES, begins_with_surname, dictionary
from corpushub.engine.recognizers.tagging import Word

PEOPLE = frozenset({"PER", "nr"})  # tags of names of people
_ODD = re.compile(r"[0-9_@/\\#<>=%℃]")
_EDGE = re.compile(r"^[^\u4e00-\u9fffA-Za-z]+|[^\u4e00-\u9fffA-Za-z]+$")
_PLACE_END = re.compile(r"[省市县区镇乡村路街巷弄邦州郡岛湖港湾寺庙苑杯队奖馆院校厂]$")
_PLACE_NEXT = re.compile(
    r"(?:省|市|县|自治|大区|邦|州|郡|群岛|半岛|火山|河|河流|湖|山脉|机场|空军基地|公司|集团|银行|大学|小镇|杯|队|主义|语|族|人民|国家|[”」]号|学校|学院|教堂|神庙|战役|体育场|广场|牌)"
)


def in_words(text: str, words: list[Word]) -> list[Found]:
    """The tagger's names in `text`."""
    return [_with_dots(text, words, found) for word in words if word.tag in PEOPLE for found in _cleaned(text, word)]


def _with_dots(text: str, words: list[Word], found: Found) -> Found:
    """`库尔班江·买买提` is one name: words on the other side of a middle dot belong to it."""
    start, end, score, why = found
    while text[start - 1 : start] == "·":
        begin = next((word.start for word in words if word.start < start - 1 <= word.end), start)
        if begin == start or not _PART.fullmatch(text[begin : start - 1]):
            break
        start = begin
    while text[end : end + 1] == "·":
        stop = next((word.end for word in words if word.start <= end + 1 < word.end), end)
        if stop == end or not _PART.fullmatch(text[end + 1 : stop]):
            break
        end = stop
    return start, end, score, why


_PART = re.compile(rf"{HAN}{{1,8}}|[A-Za-z.]{{1,20}}")


def _cleaned(text: str, word: Word) -> Iterator[Found]:
    """The tagger's name without what is no part of it; nothing where it is a place, a word or a surname alone."""
    name = text[word.start : word.end]
    if "、" in name:
        for part in re.finditer(r"[^、]+", name):
            yield from _cleaned(text, Word(word.start + part.start(), word.start + part.end(), word.tag))
        return
    if _ODD.search(name) or "某" in name:
        return
    start = word.start + (len(name) - len(_EDGE.sub("", name, count=1))) if _EDGE.match(name) else word.start
    name = _EDGE.sub("", name)
    if len(name) > 2 and name[-1] in "收启":
        name = name[:-1]  # 某某收: the end of an address on a letter
    if name[:1] in SINGLE and (courtesy := _COURTESY.match(name, 1)) and len(courtesy[0]) + 1 >= len(name) - 1:
        yield start, start + 1, 0.55, "surname and title"
        return
    for title in TITLES:
        if name.endswith(title) and len(name) - len(title) <= 2 and (len(title) > 1 or len(name) <= 2):
            name = name[: -len(title)]
            break
    if len(name) == 1 and name in SINGLE and _OFFICE.match(text[start + 1 : start + 5]):
        yield start, start + 1, 0.55, "surname and office"
        return
    if len(name) < 2 or (name.isascii() and not re.fullmatch(r"[A-Z][a-z]+(?:[ ·.\-]{0,2}[A-Z][a-z]+)+", name)):
        return
    if not name.isascii() and not _passes(text, start, name):
        return
    yield start, start + len(name), 0.6, "tagger"


def _passes(text: str, start: int, name: str) -> bool:
    """Is the tagger's name neither a place nor a word?"""
    following = text[start + len(name) : start + len(name) + 6]
    if not begins_with_surname(name) or "·" in name:
        before = text[max(0, start - 4) : start]
        if _PLACE_END.search(name) or _PLACE_NEXT.match(following) or _PLACE_BEFORE.search(before):
            return False
    if len(name) > 2 and _PLACE_END.search(name) and (re.match(r"[0-9A-Za-z]|的?村", following) or name[-1] in "村镇乡"):
        return False
    if name[-1] in "晴阴" and re.match(r"\d|多云|转", following):
        return False  # the weather of a city
    if name in NO_NAMES or is_made_of_words(name) or _begins_with_place(name) or _are_countries(name, following):
        return False
    if len(name) == 2 and not dictionary().get(name, ("ns", 0))[0].startswith(("ns", "nz")):
        return _SAYS.match(following) is not None
    return True


def _begins_with_place(name: str) -> bool:
    """`莫斯科晴`, `法国队`: a well-known place and something else; one of two characters only where it is no surname."""
    surname = begins_with_surname(name)
    for length in range(3 if surname else 2, min(len(name), 6) + (not surname and len(name) > 2)):
        tag, count = dictionary().get(name[:length], ("", 0))
        if tag.startswith("ns") and count >= (100 if length == 2 else 30):
            return True
    return False


def _are_countries(name: str, following: str) -> bool:
    """`中美两国`, `墨军`: short names of countries."""
    if len(name) != 2 or name[0] not in _COUNTRIES:
        return False
    return (name[1] in _COUNTRIES and re.match(r"两国|双方|关系|之间|间|边|建交|贸易|等国", following) is not None) or (
        name[1] in "军方国航媒队币股" and name[0] not in SINGLE
    )


_COUNTRIES = frozenset("中美英法俄德日韩朝印巴墨阿澳加意西葡希土以伊埃缅泰越老柬菲新苏")
_COURTESY = re.compile(r"小姐|老(?=说|$)")
_SAYS = re.compile(r"还?(?:表示|说|指出|认为|介绍|告诉|回答|称|强调|透露|坦言|笑|坦率)")
_PLACE_BEFORE = re.compile(r"(?:位于|首都|抵达|飞抵|前往|途经|生于|来自|驻|现存有|城市)$")
_OFFICE = re.compile(
    r"(?:副|总|代)?(?:主席|总理|总统|首相|书记|省长|市长|县长|区长|镇长|乡长|部长|厅长|局长|处长|科长|主任|院长|校长|司令|将军|委员长|外长|大使|教练|医生|教授|老师|法官|律师|警官|先生|女士)"
)
