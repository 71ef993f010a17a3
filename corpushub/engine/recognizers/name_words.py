"""Names the sequence tagger read, without what is no part of them, and without places and words it took for names."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter

from corpushub.engine.recognizers.labels import EMPTY, KNOWN, ROLES_ABROAD
from corpushub.engine.recognizers.name_abroad import countries, country_before
from corpushub.engine.recognizers.name_reader import Guess
from corpushub.engine.recognizers.name_shapes import COUNTED, HAN, NO_NAMES, Found, is_common, is_made_of_words, is_name
from corpushub.engine.recognizers.surnames import SINGLE, TITLES, begins_with_surname, dictionary, mistaken
from corpushub.engine.recognizers.tagger import PEOPLE
from corpushub.engine.recognizers.tagging import Word

_ODD = re.compile(r"[0-9_@/\\#<>=%℃]")
_EDGE = re.compile(r"^[^\u4e00-\u9fffA-Za-z]+|[^\u4e00-\u9fffA-Za-z]+$")
_PLACE_END = re.compile(r"[省市县区镇乡村路街巷弄邦州郡岛湖港湾寺庙苑杯队奖馆院校厂]$")
_PLACE_NEXT = re.compile(
    r"(?:省|市|县|自治|大区|邦|州|郡|群岛|半岛|火山|河|河流|湖|山脉|机场|空军基地|公司|集团|银行|大学|小镇|杯|队|主义|语|族|人民|国家|[”」]号|学校|学院|教堂|神庙|战役|体育场|广场|牌|岩|石|神经|关节|肌|骨|病|综合征)"
)


_OFFICE_NEXT = re.compile(
    rf"街道|苏木|(?:农|林|牧|渔)场|(?:{HAN}{{1,3}}族){{1,3}}[乡镇]"
)  # what is run by one, whatever it is called
HAMLET = re.compile(rf"{HAN}家[桥庄湾沟坝坡屯寨营店铺集渡口岭坪塘堡墩浜圩沱嘴坨窑洼岗峪垭坳]")  # 程家桥, 李家沱
_SHEETS = re.compile(r"(?:\d{3}|\d万|[一二三四五六七八九十百千万两几多每])\s?$")  # 50,000 张训练图像: so many sheets


def in_words(text: str, words: Sequence[Word]) -> list[Found]:
    """The tagger's names in `text`."""
    found = [_with_dots(text, words, found) for word in words if word.tag in PEOPLE for found in _cleaned(text, word)]
    found += [(word.start, word.start + 1, 0.55, "surname and office") for word in words if _is_before_office(text, word)]
    return found + [
        (match.start("name"), match.end("name"), 0.55, "works of") for match in _WORKS.finditer(text) if is_name(match["name"])
    ]


def _is_before_office(text: str, word: Word) -> bool:
    """`汤` of 汤局长, `周` of 周总理, where the tagger saw an ordinary word."""
    if word.tag not in _OTHER or text[word.start] not in _FAMILY:
        return False
    if word.end - word.start > 1:
        return OFFICE.fullmatch(text, word.start + 1, word.end) is not None
    return OFFICE.match(text, word.end) is not None and text[word.start : word.end + 1] not in dictionary()


def _with_dots(text: str, words: Sequence[Word], found: Found) -> Found:
    """`库尔班江·买买提` is one name: words on the other side of a middle dot belong to it."""
    start, end, score, why = found
    for _ in range(PARTS):
        if text[start - 1 : start] != "·":
            break
        word = words[max(0, bisect_left(words, start - 1, key=_start) - 1)]
        if not word.start < start - 1 <= word.end or not _PART.fullmatch(text, word.start, start - 1):
            break
        start = word.start
    for _ in range(PARTS):
        if text[end : end + 1] != "·":
            break
        word = words[max(0, bisect_right(words, end + 1, key=_start) - 1)]
        if not word.start <= end + 1 < word.end or not _PART.fullmatch(text, end + 1, word.end):
            break
        end = word.end
    return start, end, score, why


PARTS = 6  # of a name with middle dots, to either side
_start = attrgetter("start")
_PART = re.compile(rf"{HAN}{{1,8}}|[A-Za-z.]{{1,20}}")


def _cleaned(text: str, word: Word) -> Iterator[Found]:
    """The tagger's name without what is no part of it; nothing where it is a place, a word or a surname alone."""
    name = text[word.start : word.end]
    if "、" in name:
        for part in re.finditer(r"[^、]+", name):
            yield from _cleaned(text, word._replace(start=word.start + part.start(), end=word.start + part.end()))
        return
    if _ODD.search(name) or "某" in name:
        return
    start = word.start + (len(name) - len(_EDGE.sub("", name, count=1))) if _EDGE.match(name) else word.start
    name = _EDGE.sub("", name)
    if len(name) > 2 and name[-1] in "述辩诉" and text[start + len(name) : start + len(name) + 1] == "称":
        name = name[:-1]
    if len(name) > 2 and name[-1] in "收启":
        name = name[:-1]  # 某某收: the end of an address on a letter
    if name[-1:] == "君" and len(name) > (begins_with_surname(name) or 1) + 2:
        name = name[:-1]  # 王大明君: how letters call somebody
    if name[:1] in SINGLE and (courtesy := _COURTESY.match(name, 1)) and len(courtesy[0]) + 1 >= len(name) - 1:
        yield start, start + 1, 0.55, "surname and title"
        return
    for title in TITLES:
        if name.endswith(title) and len(name) - len(title) <= 2 and (len(title) > 1 or len(name) <= 2):
            name = name[: -len(title)]
            break
    if len(name) == 1 and name in SINGLE and word.chance >= SURE and not OFFICE.match(text[start + 1 : start + 5]):
        yield start, start + 1, 0.55, "surname alone"
        return
    if len(name) == 1 and name in SINGLE and OFFICE.match(text[start + 1 : start + 5]):
        yield start, start + 1, 0.55, "surname and office"
        return
    if len(name) < 2 or (name.isascii() and not re.fullmatch(r"[A-Z][a-z]+(?:[ ·.\-]{0,2}[A-Z][a-z]+)+", name)):
        return
    if not name.isascii():
        cut = country_before(name) or _word_before(name)
        start, name = start + cut, name[cut:]
        if not _passes(text, start, name, word.chance):
            return
    yield start, start + len(name), SCORE if word.chance >= FIRM else DOUBTFUL, "tagger"


SCORE, DOUBTFUL = 0.6, 0.55  # a doubtful name is one where it stands, and says nothing about other places
FIRM = 0.8


def _word_before(name: str) -> int:
    """`效忠华国锋`, `港督葛量洪`: length of a common word in front of a name with a surname."""
    if not begins_with_surname(name) and len(name) > WORD + 1 and name[:WORD] in dictionary() and is_name(name[WORD:]):
        return WORD
    return 0


WORD = 2  # characters of most words


def _passes(text: str, start: int, name: str, chance: float) -> bool:
    """Is the tagger's name neither a place nor a word?"""
    following = text[start + len(name) : start + len(name) + 6]
    if name.lstrip("和与同及") in countries() or _is_in_idiom(text, start, start + len(name)):
        return False
    before = text[max(0, start - 6) : start]
    is_family = begins_with_surname(name) and len(name) <= 4
    expected = _SAYS.match(following) or OFFICE.match(following) or _ROLE_BEFORE.search(before)
    least = LEAST if expected or "·" in name or (is_family and len(name) > 2) else SHORT if is_family else UNSURE
    if chance < least:
        return False
    is_like_place = _PLACE_END.search(name) or _PLACE_NEXT.match(following) or _PLACE_BEFORE.search(before)
    if is_like_place and (not begins_with_surname(name) or "·" in name):
        return False
    if len(name) > 2 and _PLACE_END.search(name) and (re.match(r"[0-9A-Za-z]|的?村", following) or name[-1] in "村镇乡"):
        return False
    if _OFFICE_NEXT.match(following) or HAMLET.fullmatch(name) or (name[0] == "张" and _SHEETS.search(before)):
        return False
    if name[-1] in "晴阴" and re.match(r"\d|多云|转", following):
        return False  # the weather of a city
    if len(name) > 2 and name[-1] == "人":
        return False  # 陈沟人, 智残人: people of a place or a kind
    if (
        name in NO_NAMES
        or COUNTED.search(name)
        or _straddles(text, start, name)
        or is_made_of_words(name)
        or _are_countries(name, following)
    ):
        return False
    if _begins_with_place(name):
        is_known = "·" in name or (len(name) > 2 and name in dictionary())  # 亚历山大 is a city and a given name
        return chance >= SURE and is_known and not _AT.search(before)
    if len(name) == 2 and not dictionary().get(name, ("ns", 0))[0].startswith(("ns", "nz")):
        return _SAYS.match(following) is not None or (chance >= SURE and not is_common(name))
    return True


# chance from which a name counts: with a surname or a middle dot, any other, and one of two characters (侯月, 双良)
LEAST, UNSURE, SHORT = 0.25, 0.5, 0.6
SURE = 0.9


def in_guesses(text: str, words: Sequence[Word], guesses: Sequence[Guess]) -> list[Found]:
    """What the second reader is sure of: a surname and one or two characters, parts with a middle dot, or what it hardly doubts."""
    return [
        (start, end, DOUBTFUL, "second reader")
        for start, end, chance in guesses
        if _may_be_read(text, words, (start, end, chance))
    ]


def _may_be_read(text: str, words: Sequence[Word], guess: Guess) -> bool:
    start, end, chance = guess
    name = text[start:end]
    if len(name) < WORD or not _WRITTEN.fullmatch(name) or _is_something_else(text, start, end):
        return False
    if "·" in name:
        return chance >= READ_DOTTED
    if (
        name in EMPTY
        or COUNTED.search(name)
        or _SPECIES.search(name)
        or is_made_of_words(name)
        or _is_in_idiom(text, start, end)
        or _straddles(text, start, name)
    ):
        return False
    surname, tag = begins_with_surname(name, weak=True), dictionary().get(name, ("", 0))[0]
    first = max(0, bisect_right(words, start, key=_start) - 1)
    is_place = any(word.tag in _PLACES for word in words[first : bisect_left(words, end, key=_start)])
    if not surname or len(name) > surname + 2:
        return chance >= READ_ABROAD and not is_place
    return chance >= (READ_WORD if tag or is_place or name in mistaken() else READ) and not tag.startswith("ns")


def _is_something_else(text: str, start: int, end: int) -> bool:
    """A country, a village, a family (刘家) or a word that stands in a list of those that look like names."""
    name, following = text[start:end], text[end : end + 6]
    if name in countries() or name in KNOWN or name[:WORD] in NO_NAMES or name[-1] in "村镇乡县家" or HAMLET.fullmatch(name):
        return True
    before = text[max(0, start - 6) : start]
    if _OFFICE_NEXT.match(following) or (name[0] == "张" and _SHEETS.search(before)):
        return True
    return bool(_PLACE_NEXT.match(following) or _PLACE_BEFORE.search(before)) or _are_countries(name, following)


# chance from which the second reader alone says that a name stands there: with a surname, a word of the dictionary, without a surname, with dots
READ, READ_WORD, READ_ABROAD, READ_DOTTED = 0.8, 0.97, 0.97, 0.5
_SPECIES = re.compile(r"[\u9c7c-\u9ce3鱼虾蟹贝蛏蚶](?<![鲲鳌鳞鲜鲤])$")  # 兰圆鲹: the list of what may be fished
_WRITTEN = re.compile(rf"(?!.*某){HAN}+(?:·{HAN}+)*")
_PLACES = frozenset({"LOC", "ns", "ORG", "nt", "TIME"})


def _straddles(text: str, start: int, name: str) -> bool:
    """`方有权` of 无过错方有权请求: what the surname ends, a party or a word, and a frequent word after it."""
    if len(name) != WORD + 1 or not is_common(name[1:]):
        return False
    before = text[max(0, start - WORD) : start]
    return (name[0] == "方" and re.search(rf"{HAN}$", before) is not None) or (
        len(before) == WORD and before + name[0] in dictionary()
    )


def _is_in_idiom(text: str, start: int, end: int) -> bool:
    """`山明` of 山明水秀, `陈规` of 陈规陋习: four characters that are one word of the dictionary."""
    if end - start >= IDIOM:
        return _is_idiom(text[start:end])
    return any(_is_idiom(text[at : at + IDIOM]) for at in range(max(0, end - IDIOM), start + 1))


IDIOM = 4


def _is_idiom(word: str) -> bool:
    return dictionary().get(word, ("", 0))[0][:1] in {"i", "l"}


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
_OTHER = frozenset(
    {"n", "nz", "nw", "xc", "d", "v", "a", "LOC", "ns", "f", "m"}
)  # what the tagger takes a surname before an office for
# characters that before an office mostly mean something else than a surname
_FAMILY = SINGLE - frozenset(
    "原时任前后从向和以由经应全总正副代现单方党国万百千家车站段班连师团区县市州司管主支计成都包项房金银水电文武史牧农能化同别于又即老新来但该公皇元首双强多少高"
)
# a title of collected works begins with whose they are: 《李中贤诗文集》
_WORKS = re.compile(
    rf"《(?P<name>{HAN}{{2,3}}?)(?:诗文集|文集|文选|选集|全集|诗选|诗集|年谱|日记|书信集?|回忆录|画集|画选|作品选|传略|评传)"
)
_AT = re.compile(r"[在从到至往赴经向离于、和与]$")  # in front of a place as of a person
_ROLE_BEFORE = re.compile(rf"(?:{ROLES_ABROAD})$")
_COURTESY = re.compile(r"小姐|老(?=说|$)")
_SAYS = re.compile(r"还?(?:表示|说|指出|认为|介绍|告诉|回答|称|强调|透露|坦言|笑|坦率)")
_PLACE_BEFORE = re.compile(r"(?:位于|首都|抵达|飞抵|前往|途经|生于|来自|驻|现存有|城市)$")
OFFICE = re.compile(
    r"(?:副|总|代)?(?:主席|总理|总统|首相|书记|省长|市长|县长|区长|镇长|乡长|部长|厅长|局长|处长|科长|主任|院长|校长|司令|将军|委员长|外长|大使|教练|医生|教授|老师|法官|律师|警官|先生|女士)"
)
