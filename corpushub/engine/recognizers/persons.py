"""Names of people: what the tagger says, cleaned, and rules for the ways forms and notices of public offices write them.

The rules only look where a name must stand: after a label (申请人：), before a form of address (女士), before sex (，男，), in a list of names,
in a numbered list of people, and again wherever a name of the document stands once more. A dictionary says which strings are words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpushub.engine.recognizers.cells import names_in_columns
from corpushub.engine.recognizers.labels import EMPTY, HINT, LABEL, LATIN, ROLE, SURE, without_label
from corpushub.engine.recognizers.surnames import SINGLE, TITLES, begins_with_surname, dictionary, mistaken
from corpushub.engine.recognizers.tagging import Word

Found = tuple[int, int, float, str]

_HAN = r"[\u4e00-\u9fff]"
_ODD = re.compile(r"[0-9_@/\\#<>=%℃]")
_EDGE = re.compile(r"^[^\u4e00-\u9fffA-Za-z]+|[^\u4e00-\u9fffA-Za-z]+$")
_PLACE_END = re.compile(r"[省市县区镇乡村路街巷弄邦州郡岛湖港湾寺庙苑杯队奖馆院校厂]$")
_PLACE_NEXT = re.compile(
    r"(?:省|市|县|自治|大区|邦|州|郡|群岛|半岛|火山|河|河流|湖|山脉|机场|空军基地|公司|集团|银行|大学|小镇|杯|队|主义|语|族|人民|国家|[”」]号|学校|学院|教堂|神庙|战役|体育场|广场|牌)"
)
_FOLLOW = re.compile(
    r"$|[\s，,。；;、：:（(）)【】《》“”\"'/|！？!?0-9A-Za-z〔]|于|在|的|因|诉|称|与|和|及|系|向|从|持|住|现|来电|反映|申请|提交|驾驶|账户|帐户|同志|先生|女士|小姐|等|之|身份|已|将|被|提出|表示|说|主持|参加|负责|担任|出庭|签字|辩称|认为|死亡|受伤"
)
_FUNCTION = frozenset("于在的因诉称与和及系向从持住现等之已将被说到来前后为是经由及其向对把")
_ADDRESS_WORDS = re.compile(
    rf"(?<![\u4e00-\u9fff])(?P<name>{_HAN}{{2,4}}?)(?=(?:女士|先生|小姐|同志|同学|老师|师傅)(?:[，,。；;、：:（(\s]|来电|来信|反映|于|的|在|因|称|您|你|$))"
)
_SEX = re.compile(rf"(?<!{_HAN})(?P<name>{_HAN}{{2,10}})(?=[，,、（( |\t]{{1,2}}(?:男|女)(?:性)?[，,、。；;）) |\t])")
_NUMBERED = re.compile(
    rf"(?:^|\n|[；;：:。])[ \t]*(?:\d{{1,4}}|[（(]\d{{1,4}}[）)]|[一二三四五六七八九十]{{1,3}})[.、．)） \t]{{1,2}}(?P<name>{_HAN}{{2,4}})(?=[，,：:（( \t]{{1,2}}(?:身份|证件|男|女|手机|电话|联系|出生|住|户籍|学号|工号|\d{{11}}))"
)
_BEFORE_ID = re.compile(
    rf"(?<!{_HAN})(?P<name>{_HAN}{{2,10}})(?=[，,、：:（( \t]{{1,2}}(?:身份证|公民身份|证件号|手机|电话|联系电话|联系方式|护照|性别))"
)
_SPACED = re.compile(
    rf"(?<!{_HAN})(?P<name>[{''.join(sorted(SINGLE))}][ \u3000]{{1,4}}{_HAN}(?:[ \u3000]{{1,4}}{_HAN}(?!{_HAN}))?)(?!{_HAN})"
)
_ITEM = re.compile(rf"{_HAN}{{2,4}}")
_HEAD = re.compile(r"(?:名单|专家|评委|人员|成员|如下|代表|委员|同志|人)[:：]$")


def persons(text: str, words: list[Word], again: Sequence[tuple[int, int]] = ()) -> list[Found]:
    """Names in `text`; `words` are the tagger's, `again` the names it found on a second look (see `second_looks`)."""
    tagged = [_with_dots(text, words, found) for word in words if word.tag in {"PER", "nr"} for found in _cleaned(text, word)]
    edges = {word.start for word in words}
    found = tagged + list(_ruled(text, edges))
    found += [(start, end, 0.65, "read again") for start, end in again if _is_name(text[start:end])]
    found += [(start, end, 0.8, "column of names") for start, end in names_in_columns(text)]
    found += _listed(text, found)
    return found + _again(text, words, found)


LOOK = 14  # characters read again after a word that announces a name


def second_looks(text: str, words: list[Word]) -> list[int]:
    """Where a word announces a name and the tagger saw none: what follows is worth reading by itself, without the word in front."""
    named = {word.start for word in words if word.tag in {"PER", "nr"}}
    places = []
    for hint in HINT.finditer(text):
        at = hint.end()
        surname = begins_with_surname(text[at : at + 4])
        if at in named or not surname or text[at] in _FUNCTION or text[at] in "方双各均都须应":
            continue
        if surname == 2 or text[at : at + 2] not in dictionary():
            places.append(at)
    return places


def snippet(text: str, at: int) -> str:
    """What is read again from `at`."""
    return re.split(r"[。；;！？\n]", text[at : at + LOOK], maxsplit=1)[0]


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


_PART = re.compile(rf"{_HAN}{{1,8}}|[A-Za-z.]{{1,20}}")


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
    if name in _NO_NAMES or _is_made_of_words(name) or _begins_with_place(name) or _are_countries(name, following):
        return False
    if len(name) == 2 and not dictionary().get(name, ("ns", 0))[0].startswith(("ns", "nz")):
        return _SAYS.match(following) is not None
    return True


def _is_made_of_words(name: str) -> bool:
    """`人民陪审员`, `申辩权`, `于次月`, `张甲`: what the tagger takes for a name but a dictionary reads as words."""
    words = dictionary()
    if "·" in name or len(name) < 3:
        return name[1:] in {"甲", "乙", "丙", "丁", "戊", "己"}
    if name[0] in "于向由经从都被应须并" and name[1:] in words:
        return True
    halves = [name[at : at + 2] for at in range(len(name) - 1)]
    if begins_with_surname(name):
        return (name[-1] in "权证人起图者制法性化员区" and halves[0] in words) or (
            len(name) > 3 and begins_with_surname(name) == 1 and any(_is_common(half) for half in halves)
        )
    return any(_is_common(half) for half in halves)


def _is_common(word: str) -> bool:
    """A frequent word that is no name of a place: transliterations are full of those."""
    tag, count = dictionary().get(word, ("", 0))
    return count >= COMMON and tag[:2] not in {"ns", "nz", "nr", "nt"}


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


def _ruled(text: str, edges: set[int]) -> Iterator[Found]:
    for label in LABEL.finditer(text):
        sure = re.search(r"[:：|]", label["colon"]) is not None
        linked = not sure and bool(label["colon"].strip())
        if not sure and not linked and text[label.start() : label.end() + 1] in dictionary():
            continue  # the label is part of a longer word
        name = _name_at(text, label.end(), sure=sure, named=label["label"] in SURE)
        if not name or (not sure and (_is_phrase(name) or name in mistaken())):
            continue
        begins = label.start() in edges and (label.end() in edges or _ends(text, label.end() + len(name)))
        if sure or linked or begins:
            yield label.end(), label.end() + len(name), 0.85 if sure else 0.75, f"label {label['label']}"
    for role in ROLE.finditer(text):
        if name := _name_at(text, role.end(), sure=True):
            yield role.end(), role.end() + len(name), 0.8, "role"
    for latin in LATIN.finditer(text):
        yield latin.start("name"), latin.end("name"), 0.8, "label"
    for match in _FOREIGN.finditer(text):
        yield match.start("name"), match.end("name"), 0.6, "foreign name"
    for pattern, why in (
        (_ADDRESS_WORDS, "form of address"),
        (_SEX, "before sex"),
        (_NUMBERED, "numbered"),
        (_BEFORE_ID, "before an id"),
    ):
        for match in pattern.finditer(text):
            start, name = match.start("name"), match["name"]
            if len(name) > 4 or not _is_name(name, weak=True):
                cut = without_label(name)
                start, name = start + cut, name[cut:]
            if _is_name(name, weak=why == "before sex") and (why in {"numbered", "before sex"} or name not in dictionary()):
                yield start, start + len(name), 0.8, why
    for match in _SPACED.finditer(text):
        if re.sub(r"\s", "", match["name"]) in dictionary():
            continue
        yield match.start("name"), match.end("name"), 0.55, "spaced"


_FOREIGN = re.compile(
    r"(?<![A-Za-z.@])(?P<name>[A-Z][a-z]{1,15}(?:[ ·\-][A-Z][a-z]{1,15}){1,2})(?=先生|女士|小姐|教授|博士|老师|同志|医生|律师|[（(](?:外籍|男|女|国籍|护照))"
)


def _ends(text: str, at: int) -> bool:
    """Does a clause end at `at`?"""
    return re.match(r"$|[\s，,。；;、：:（(）)\"”|0-9A-Za-z]", text[at : at + 1]) is not None


def _is_phrase(name: str) -> bool:
    """Common words inside: 后实施, 管部门."""
    if name[0] in "由向应须经从以与和及为于在将被对按依可能并不未无凡该其都" or _is_made_of_words(name):
        return True
    pieces = (name[:2], name[1:]) if len(name) == 3 else (name[:2], name[1:3], name[2:]) if len(name) == 4 else (name,)
    return any(dictionary().get(piece, ("", 0))[1] >= COMMON for piece in pieces)


COMMON = 400  # occurrences in the dictionary's corpus from which a word is a word, not part of a name


def _name_at(text: str, at: int, *, sure: bool, named: bool = False) -> str:
    """The name that begins at `at`: two to four characters with a surname, and something after it that ends a name.

    `sure`: a colon stands in front; `named`: the label says name, so that what follows is one whatever it looks like.
    """
    run = re.match(rf"{_HAN}{{2,6}}", text[at : at + 6])
    if not run:
        return ""
    best = ""
    for length in (2, 3, 4):
        name, stop = run[0][:length], at + length
        if (
            len(name) < length
            or not _is_name(name, weak=sure)
            or not (_FOLLOW.match(text[stop : stop + 4]) or _is_verb(text[stop : stop + 2]))
        ):
            continue
        if best and (length == 4 or name[-1] in _FUNCTION):
            continue
        best = name
    strong = sure and _ends(text, at + len(best or run[0]))
    if not best:
        return run[0] if named and strong and len(run[0]) <= 4 and _may_be_called(run[0]) else ""
    tag, count = dictionary().get(best, ("", 0))
    if tag and not (strong and (named or (count < COMMON and best not in EMPTY) or tag[0] == "n")):
        return ""
    return "" if best in EMPTY or (len(best) > 2 and _BODY.search(best)) else best


_BODY = re.compile(r"[局委办厅部处科室所站院队会组厂店社]$")


def _may_be_called(run: str) -> bool:
    """Is a run without a known surname a name where one must stand: no word of the dictionary, no words about a missing name?"""
    words = dictionary()
    return (
        run not in EMPTY
        and run not in words
        and run[:2] not in EMPTY
        and run[:2] not in words
        and not _BODY.search(run)
        and "某" not in run
    )


def _is_verb(word: str) -> bool:
    tag, count = dictionary().get(word, ("", 0))
    return tag.startswith("v") and count >= 50


def _is_name(name: str, *, weak: bool = False) -> bool:
    surname = begins_with_surname(name, weak=weak)
    if not surname or name in _NO_NAMES or "某" in name or not surname + 1 <= len(name) <= surname + 2:
        return False
    return name[-1] not in "的了是在有和与及或者们等" and name[1:] not in _NOT_GIVEN


_WORDS = (
    "许可 方法 高度 方志 方志馆 边海 边海防 林权 向原 由司 尉官 卢比 马克 杜马 布隆迪 江瑶 江篱 黄姑鱼 紫贻贝 金额 明显 和平 平安 常务 常委 祝贺 向前 强调 严格 高级 高等 安全 成本 "
    "程序 房产 车辆 任务 石油 水利 温度 甘肃 安徽 林相 高耗水 文广 文创 宋元 畲歌 陆海 林权证 林田湖 林田 林长制 于法 由治 沙戈荒 焕新 江苏 宁夏 广州 温州 常州 苏州 徐州 成都 华东 华北 华南 华中 东方 白银 黄金 毛利 应当 应该 向上 经营 经济 时间 方案 方式 方面"
)
_NO_NAMES = frozenset(_WORDS.split())
_FORMS = "先生 女士 小姐 同志 老师 主任 局长 处长 书记 医生 律师 经理 总 老板 同学 师傅 大爷 阿姨"
_NOT_GIVEN = frozenset(_FORMS.split())


def _listed(text: str, found: list[Found]) -> list[Found]:
    """Members of lists (甲、乙、丙) where at least half of the others are names already."""
    starts = {item[0]: item for item in found}
    more: list[Found] = []
    for run in re.finditer(rf"{_HAN}{{2,4}}(?:(?:、|[ 　\t]{{1,4}}){_HAN}{{2,4}}){{1,200}}", text):
        items = [(run.start() + match.start(), match[0]) for match in _ITEM.finditer(run[0])]
        known = [start for start, _ in items if start in starts]
        headed = _HEAD.search(text[max(0, run.start() - 6) : run.start()]) is not None
        alike = sum(_is_name(_trim(name)) and _trim(name) not in dictionary() for _, name in items)
        if len(known) * 2 < len(items) and not (headed and alike * 5 >= len(items) * 3):
            continue
        for start, name in items:
            short = _trim(name)
            if (
                start not in starts
                and _is_name(short, weak=headed)
                and (headed or len(known) > 1 or short not in dictionary())
                and _FOLLOW.match(text[start + len(short) : start + len(short) + 4])
            ):
                more.append((start, start + len(short), 0.7, "list"))
    return more


def _trim(name: str) -> str:
    """`陈飞参加` in a list is 陈飞: cut a word that follows the name."""
    for length in (3, 2):
        if len(name) > length and _is_name(name[:length]) and name[length:] in dictionary():
            return name[:length]
    return name


def _again(text: str, words: list[Word], found: list[Found]) -> list[Found]:
    """Names of this document where they stand unmarked: three characters anywhere, two at the beginning of a word."""
    names = {
        text[start:end] for start, end, score, why in found if why in {"tagger", "before sex", "numbered", "list"} or score > 0.8
    }
    names = {name for name in names if begins_with_surname(name) and 2 <= len(name) <= 4 and name not in dictionary()}
    if not names:
        return []
    covered = {place for start, end, _, _ in found for place in range(start, end)}
    edges = {word.start for word in words}
    more: list[Found] = []
    for match in re.finditer("|".join(sorted(map(re.escape, names), key=len, reverse=True)), text):
        start, end = match.span()
        if covered.isdisjoint(range(start, end)) and (end - start > 2 or start in edges):
            more.append((start, end, 0.6, "named elsewhere"))
    return more
