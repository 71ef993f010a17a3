"""Addresses down to the door: a chain of places, then a number with a unit of the door grammar, inside one clause.

An address needs evidence of both: a place (a road, an estate, a village by its ending, or a place of the tagger) and a detail (号, 弄, 幢, 单元,
室 …). A word such as 住址 or 家住 in front fixes where it begins and lets weak details (楼, a bare number) count. Numbers of documents, courts,
dates and lines are details of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from corpushub.engine.recognizers.tagging import Word

Found = tuple[int, int, float, str]

_HAN = r"[\u4e00-\u9fff]"
# a field of a form ends a clause as a sign does: `20幢201室 父亲`
_FIELD = (
    r"[ \t\u3000](?=父|母|配偶|姓名|电话|手机|联系|身份证|证件|银行|账号|帐号|性别|民族|出生|年龄|学历|文化|职业|职务|工作|单位|邮编|邮箱|备注|申请|金额|面积"
    r"|家庭|户籍|户口|户主|监护|收[件货]|寄件|微信|QQ|车牌|项目|时间|日期|派工|经办|报修)"
)
_CLAUSE = re.compile(rf"(?:[^ \t\u3000，,。；;！？!?\n\r：:“”\"《》【】（）()、|]+|(?!{_FIELD})[ \t\u3000])+")
_TRIGGER = re.compile(
    r"(?:收货|收件|寄件|家庭|联系|通讯|通信|邮寄|注册|办公|单位|经营|居住|户籍|户口|身份证|送货|送达|取件|现|详细|实际|常住|暂住|所在|原)?(?:地址|住[ \u3000]{0,4}址|住所地?|住处|居所|居住地|户籍地|籍贯|所在地|场所|地点)(?:[为是在]|位于)?"
    r"|(?:现|家|居|暂|租|常|原|同|均|全家|现在|目前|一直)?(?:住在|住于|居住在|居住于|居住的|住)(?!院|房|户|宅|宿|建|址|所|处|持|了|进|满|院|村)|现居|租住在?|暂住于?|房屋?坐落[于在为]?|坐落[于在为]?|位于|地处"
    r"|(?:寄|送|发|邮|快递|搬|迁|配送|派送|送货|投递|运)(?:到|往|至|回)|(?:上门|前往|去|来)到?(?=[\u4e00-\u9fff]{2,3}[省市区县])"
)
_NUM = r"(?:\d{1,5}|[一二三四五六七八九十百零〇]{1,4}|[A-Za-z]\d{0,4}|\d{1,4}[A-Za-z])"
_STRONG = r"(?:号楼(?![下上前道梯])|号院|号门|号铺|号房|号厂房|号商铺|号附近|号|弄|幢|栋|单元|室|座|支弄|院\d)"
_WEAK = r"(?:楼(?![下上前道梯])|层|组|队|巷|街|门|铺|户|区|期|排|单|房|临|厅|库|馆|F|f|#|院|社)"
_NOT_AFTER = r"(?<![第令字发〕）)年月初终民刑执行文编序档期届次件案约等共计达增-])"
_DETAIL = re.compile(
    rf"{_NOT_AFTER}(?:{_NUM}[-－—–_~之#]){{0,8}}{_NUM} ?{_STRONG}(?!线|令|文|码|公告|通知|台风|工单|机|选手|提案|议案|决定|案|学|召|国道|省道|高速|井|煤|矿|函|机组|染色|元素|电池)"
)
_LOOSE = re.compile(
    rf"(?<![第令字发〕）)年月初终])(?:(?:{_NUM}[-－—–_~之#]){{0,8}}{_NUM}{_WEAK}(?!家|个|人|所|办|队伍|长|员|间|道|时|分|别|间|内|元)|(?:\d{{1,5}}|[A-Za-z]\d{{0,4}})(?:[-－—–_~之#]{_NUM}){{1,5}}(?:{_STRONG}|{_WEAK})?|(?<=[\u4e00-\u9fff_])(?<![满过超约达共实行设有为近逾足第计])[A-Za-z]?-?\d{{2,6}}(?![\d.%‰]|\s*(?:[元万亿个年月日人吨件户公平米名天多余套亩项次家岁分秒周点倍度位条只]|小时|部队|号木))[A-Za-z]?)"
)
_ADMIN = rf"{_HAN}{{2,8}}?(?:省|自治区|特别行政区|自治州|地区|市|盟|自治县|县|区|旗|镇|乡|街道|社区|村|开发区|新区)"
_ROAD = r"(?:路|大街|街|大道|道|巷|弄|胡同|条|横|段)"
_ESTATE = (
    r"(?:小区|花园|花苑|家园|苑|园|大厦|广场|公寓|新村|社区|村|庄|屯|寨|湾|城|府|居|轩|阁|庭|邸|郡|墅|里|坊|中心|市场|商城|工业区|开发区|基地|大楼|宿舍|校区|学校|大学|学院|医院|宾馆|酒店"
    r"|厂|公司|店|超市|银行|厂房|码头|车站|商场|山庄|商厦|国际|时代|天地|名苑|雅苑|豪庭|港|桥|塘|埠|墩|浜|堰|岗|坡|沟|坝|墅|台|院|组|队|部|楼|座|区|期)"
)
_PLACE = re.compile(rf"(?:{_HAN}{{1,10}}?{_ROAD}|{_HAN}{{1,10}}?{_ESTATE}|{_ADMIN})[东南西北中内外上下旁前后侧段\-—_ ]{{0,3}}$")
_ANY_PLACE = re.compile(r"(?:我们?|本|该|在|此|这个?)?(?:小区|学校|医院|公司|社区|大厦|公寓|家园)")  # nobody's in particular
_CHAIN = frozenset({"LOC", "ns", "ORG", "nt", "n", "nz", "nw", "m", "f", "s", "PER", "nr", "q", "vn", "an", "a", "xc"})
_PLACES = frozenset({"LOC", "ns"})
_BREAK = frozenset({"p", "c", "r", "u", "d", "w", "t", "TIME"})
_TAIL_STOP = re.compile(
    r"^[了吧呢啊吗嘛呀哦哈]|楼[下上]|附近|门口|路段|路口处|时|内|前|的|收$|电联|处$|一带|周边|居民|住户|业主|垃圾|道路|公示|快递"
)
LONGEST, CELL = 60, 200  # characters of the longest address that fills a cell, and of that cell with the blanks around it
_REACH = 48  # characters from the first place to the door


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch without punctuation and the words in it."""

    text: str
    start: int
    end: int
    words: list[Word]


def addresses(text: str, words: list[Word]) -> list[Found]:
    """Addresses with a door or at least a house number in `text`."""
    return [found for clause in _clauses(text, words) for found in _in_clause(clause)]


def _clauses(text: str, words: list[Word]) -> Iterator[Clause]:
    """Only clauses that hold a Han character beside a digit, a letter or a Han numeral with a unit; words are split among them once."""
    at = 0
    for found in _CLAUSE.finditer(text):
        start, end = found.span()
        if end - start < 4 or not _LIKELY.search(text, start, end) or not _ANY_HAN.search(text, start, end):
            continue
        while at < len(words) and words[at].end <= start:
            at += 1
        own, last = [], at
        while last < len(words) and words[last].start < end:
            own.append(words[last])
            last += 1
        yield Clause(text, start, end, own)


_ANY_HAN = re.compile(_HAN)
_LIKELY = re.compile(r"[0-9A-Za-z]|[一二三四五六七八九十]{1,3}(?:号|弄|幢|栋|单元|室|楼|组|巷|层)")


_DOCUMENT = re.compile(
    r"(?:公告|[政省府院]令|决定|决议|通知|文件)第?\d+号"
)  # numbered acts of an authority that has a place in its name
_ROOM = re.compile(r"会议室|报告厅|礼堂|多功能厅|阅览室|活动室")  # a room of an institution is nobody's address


def _in_clause(clause: Clause) -> Iterator[Found]:
    text, start, end = clause.text, clause.start, clause.end
    if _DOCUMENT.search(text, start, end):
        return
    trigger = _trigger(clause)
    if trigger is None and _is_cell(clause):
        trigger = start
    begin = trigger if trigger is not None else start
    strong = [found.span() for found in _DETAIL.finditer(text, begin, end)]
    loose = [found.span() for found in _LOOSE.finditer(text, begin, end)]
    details = sorted(strong + loose)
    if not details or (trigger is None and not strong and not _estate_before(text, start, details[0][0], clause)):
        return
    first = strong[0][0] if trigger is None and strong else details[0][0]
    head = trigger if trigger is not None else _begin(clause, first)
    if head is not None and (trigger is None or not strong) and _ROOM.search(text, head, end):
        return
    if head is None or not _has_place(clause, head, first, triggered=trigger is not None, strong=bool(strong)):
        return
    last = max(stop for at, stop in details if at >= head)
    last = _joined(text, last, end)
    tail = _tail(clause, last)
    if tail - head >= 4:
        yield head, tail, 0.8 if trigger is not None else 0.7, "address grammar"


def _trigger(clause: Clause) -> int | None:
    """Where the address begins after the last trigger before a place; a colon ends a clause, so a label may end the text before it."""
    before = clause.text[max(0, clause.start - 10) : clause.start]
    labelled = re.search(r"[:：]\s*$", before) and [
        m for m in _TRIGGER.finditer(before.rstrip(" :：")) if m.end() == len(before.rstrip(" :："))
    ]
    found: int | None = clause.start if labelled else None
    for match in _TRIGGER.finditer(clause.text, clause.start, clause.end):
        if match.end() < clause.end - 3:
            found = match.end()
            break
    while found is not None and found < clause.end and clause.text[found] in " \t\u3000":
        found += 1
    return found


def _is_cell(clause: Clause) -> bool:
    """The whole text is one clause that begins with a place: a cell of an address column."""
    if len(clause.text) > CELL or clause.end - clause.start > LONGEST or not clause.words:
        return False
    if clause.text.strip() != clause.text[clause.start : clause.end].strip():
        return False
    places = sum(word.tag in _PLACES for word in clause.words)
    if clause.words[0].tag in _PLACES and places > 1:
        return True
    return not any(word.tag in _BREAK - {"w", "d"} for word in clause.words) and (
        places > 0 or re.search(rf"{_HAN}(?:路|街|巷|弄|村|小区|花园|大厦|公寓)", clause.text) is not None
    )


def _begin(clause: Clause, first: int) -> int | None:
    """Without a trigger: the first place of the tagger from which only place-like words lead to the detail."""
    before = [word for word in clause.words if word.start < first]
    head: int | None = None
    for word in reversed(before):
        blank = clause.text[word.start : word.end].isspace()
        if first - word.start > _REACH or (word.tag in _BREAK and not blank):
            break
        if word.tag in _PLACES or (
            word.tag in {"ORG", "nt", "nz", "n", "s"}
            and head is None
            and _PLACE.search(clause.text[max(clause.start, word.start - 8) : word.end])
        ):
            head = word.start
        elif word.tag in {"v", "vd"} and word.end - word.start > 1 and head is not None:
            break
    return head


def _has_place(clause: Clause, head: int, first: int, *, triggered: bool, strong: bool) -> bool:
    """Is there a road, an estate, a village or a place between the beginning and the first detail?"""
    between = clause.text[head:first]
    if not triggered and _ANY_PLACE.fullmatch(between):
        return False
    if _PLACE.search(between):
        return True
    named = any(word.tag in _PLACES | {"ORG", "nt"} and head <= word.start < max(first, head + 1) for word in clause.words)
    if triggered:
        return (
            named or _PLACE.search(clause.text[head : min(clause.end, first + 12)]) is not None or (strong and len(between) >= 2)
        )
    return named and len(between) >= 4 and re.search(r"[省市区县镇乡村路街道园苑城里]", between) is not None


def _estate_before(text: str, start: int, first: int, clause: Clause) -> bool:
    """A weak detail counts without a trigger where a place of the tagger and an estate stand right in front of it."""
    between = text[start:first]
    return (
        bool(re.search(rf"(?:{_ROAD}|{_ESTATE})$", between))
        and any(word.tag in _PLACES and word.start < first for word in clause.words)
        and re.search(r"[省市区县镇乡]", between) is not None
    )


def _joined(text: str, last: int, end: int) -> int:
    """Numbers that go on after the last detail: `11幢1502`, `3号-2`."""
    found = re.match(rf"(?:[-－—–_~之# ]?{_NUM}(?![年月日.]\d?|元|万)){{1,3}}", text[last:end])
    if found and re.search(r"[0-9A-Za-z]", found[0]):
        return last + found.end()
    branch = re.match(r"之[一二三四五六七八九十]{1,2}(?![\u4e00-\u9fff])", text[last:end])
    return last + branch.end() if branch else last


def _tail(clause: Clause, last: int) -> int:
    """The name of a building or shop that follows the number belongs to the address; what happens there does not."""
    stop = last
    for word in clause.words:
        if word.end <= last:
            continue
        piece = clause.text[max(word.start, last) : word.end]
        if word.tag not in _CHAIN or _TAIL_STOP.search(piece) or word.end - last > 24:
            break
        stop = word.end
    return stop
