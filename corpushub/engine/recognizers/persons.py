"""Names of people: what the tagger says, cleaned, and rules for the ways forms and notices of public offices write them.

The rules only look where a name must stand: after a label (申请人：), before a form of address (女士), before sex (，男，), in a list of names,
in a numbered list of people, and again wherever a name of the document stands once more. A dictionary says which strings are words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpushub.engine.recognizers.surnames import SINGLE, TITLES, begins_with_surname, dictionary
from corpushub.engine.recognizers.tagging import Word

Found = tuple[int, int, float, str]

_HAN = r"[\u4e00-\u9fff]"
_ODD = re.compile(r"[0-9_@/\\#<>=%℃]")
_EDGE = re.compile(r"^[^\u4e00-\u9fffA-Za-z]+|[^\u4e00-\u9fffA-Za-z]+$")
_PLACE_END = re.compile(r"[省市县区镇乡村路街巷弄邦州郡岛湖港湾寺庙苑杯队奖馆院校厂]$")
_PLACE_NEXT = re.compile(
    r"(?:省|市|县|自治|大区|邦|州|郡|群岛|半岛|火山|河|河流|湖|山脉|机场|空军基地|公司|集团|银行|大学|小镇|杯|队|主义|语|族|人民|国家)"
)
_LABELS = (
    "姓名", "名字", "申请人", "联系人", "当事人", "负责人", "经办人", "承办人", "收件人", "收货人", "寄件人", "发件人", "持证人", "持照人", "持卡人", "参保人",
    "投保人", "被保险人", "受益人", "监护人", "代理人", "委托人", "受托人", "委托代理人", "法定代表人", "法人代表", "法人", "经营者", "所有人", "权利人", "义务人",
    "户主", "业主", "房东", "承租人", "出租人", "租客", "买受人", "出卖人", "借款人", "贷款人", "担保人", "保证人", "债务人", "债权人", "被执行人", "申请执行人",
    "原告", "被告", "被告人", "上诉人", "被上诉人", "第三人", "原审原告", "原审被告", "被害人", "受害人", "嫌疑人", "犯罪嫌疑人", "证人", "死者", "伤者", "肇事者",
    "记录人", "上报人", "填表人", "填报人", "报告人", "报案人", "举报人", "投诉人", "来电人", "来访人", "信访人", "反映人", "市民", "村民", "居民", "旅客", "乘客",
    "患者", "病人", "家属", "产妇", "学生", "教师", "考生", "学员", "应聘人员", "应聘者", "求职者", "候选人", "拟录用人员", "驾驶人", "驾驶员", "司机", "车主", "机主",
    "低保对象", "救助对象", "补助对象", "帮扶对象", "贫困户", "个体工商户经营者", "我叫", "我是", "本人", "名叫", "儿子", "女儿", "父亲", "母亲", "妻子", "丈夫",
    "配偶", "爱人", "长子", "次子", "长女", "次女", "孙子", "孙女", "哥哥", "弟弟", "姐姐", "妹妹", "丈夫名叫", "汇至", "户名", "收款人", "付款人", "开户人", "签收人",
    "主持人", "主讲人", "审核人", "复核人", "批准人", "签发人", "制表人", "校对人", "起草人", "鉴定人", "评估人", "值班人员", "值班人", "工作人员", "职工", "员工",
    "会计", "出纳", "医师", "主治医师", "护士", "书记员", "审判长", "审判员", "代理审判员", "人民陪审员", "检察官", "法官", "律师", "辩护人", "编辑", "记者", "作者",
    "编剧", "导演", "农户", "用户", "客户", "会员", "志愿者", "获奖者", "参赛者", "报名人", "领取人", "使用人", "责任人", "联络人", "紧急联系人", "对接人", "发起人",
    "股东", "合伙人", "投资人", "监事", "董事", "Contact", "Name", "name", "contact", "原告人", "被申请人", "被投诉人", "利害关系人", "死亡人员", "失踪人员",
    "兹有", "兹证明",
)  # fmt: skip
_LABEL = re.compile(
    rf"(?<![未其该各本])(?P<label>{'|'.join(sorted(map(re.escape, _LABELS), key=len, reverse=True))})(?P<colon>(?:[（(][^（）()\n]{{1,8}}[）)])?[ \t]*[:：为是][ \t]*|[ \t]*)(?={_HAN})"
)
_FOLLOW = re.compile(
    r"$|[\s，,。；;、：:（(）)【】《》“”\"'/|！？!?0-9A-Za-z〔]|于|在|的|因|诉|称|与|和|及|系|向|从|持|住|现|来电|反映|申请|提交|驾驶|账户|帐户|同志|先生|女士|小姐|等|之|身份|已|将|被|提出|表示|说|主持|参加|负责|担任"
)
_FUNCTION = frozenset("于在的因诉称与和及系向从持住现等之已将被说到来前后为是经由及其向对把")
_ADDRESS_WORDS = re.compile(
    rf"(?<![\u4e00-\u9fff])(?P<name>{_HAN}{{2,4}}?)(?=(?:女士|先生|小姐|同志|同学|老师|师傅)(?:[，,。；;、：:（(\s]|来电|来信|反映|于|的|在|因|称|您|你|$))"
)
_SEX = re.compile(rf"(?<!{_HAN})(?P<name>{_HAN}{{2,4}})(?=[，,、（( |\t]{{1,2}}(?:男|女)(?:性)?[，,、。；;）) |\t])")
_NUMBERED = re.compile(
    rf"(?:^|\n|[；;：:。])[ \t]*(?:\d{{1,4}}|[（(]\d{{1,4}}[）)]|[一二三四五六七八九十]{{1,3}})[.、．)） \t]{{1,2}}(?P<name>{_HAN}{{2,4}})(?=[，,：:（( \t]{{1,2}}(?:身份|证件|男|女|手机|电话|联系|出生|住|户籍|学号|工号|\d{{11}}))"
)
_BEFORE_ID = re.compile(
    rf"(?<!{_HAN})(?P<name>{_HAN}{{2,4}})(?=[，,、：:（( \t]{{1,2}}(?:身份证|公民身份|证件号|手机|电话|联系电话|联系方式|护照|性别))"
)
_SPACED = re.compile(
    rf"(?<!{_HAN})(?P<name>[{''.join(sorted(SINGLE))}][ \u3000]{{1,4}}{_HAN}(?:[ \u3000]{{1,4}}{_HAN}(?!{_HAN}))?)(?!{_HAN})"
)
_ITEM = re.compile(rf"{_HAN}{{2,4}}")
_HEAD = re.compile(r"(?:名单|人员|成员|如下|代表|委员|同志|人)[:：]$")


def persons(text: str, words: list[Word]) -> list[Found]:
    """Names in `text`; `words` are the tagger's. Rules score above the tagger, and neither overlaps the other's spans twice."""
    tagged = [found for word in words if word.tag in {"PER", "nr"} for found in _cleaned(text, word)]
    edges = {word.start for word in words}
    found = tagged + list(_ruled(text, edges))
    found += _listed(text, found)
    return found + _again(text, words, found)


def _cleaned(text: str, word: Word) -> Iterator[Found]:
    """The tagger's name without what is no part of it; nothing where it is a place, a word or a surname alone."""
    name = text[word.start : word.end]
    if _ODD.search(name) or "某" in name:
        return
    start = word.start + (len(name) - len(_EDGE.sub("", name, count=1))) if _EDGE.match(name) else word.start
    name = _EDGE.sub("", name)
    for title in TITLES:
        if name.endswith(title) and len(name) - len(title) <= 2 and (len(title) > 1 or len(name) <= 2):
            name = name[: -len(title)]
            break
    if len(name) == 1 and name in SINGLE and _OFFICE.match(text[start + 1 : start + 5]):
        yield start, start + 1, 0.55, "surname and office"
        return
    if len(name) < 2 or (name.isascii() and not re.fullmatch(r"[A-Z][a-z]+(?: [A-Z][a-z]+)+", name)):
        return
    following = text[start + len(name) : start + len(name) + 6]
    if not begins_with_surname(name) and (_PLACE_END.search(name) or _PLACE_NEXT.match(following)):
        return
    if len(name) > 2 and _PLACE_END.search(name) and (re.match(r"[0-9A-Za-z]|的?村", following) or name[-1] in "村镇乡"):
        return
    if name in _NO_NAMES:
        return
    if len(name) == 2 and not dictionary().get(name, ("ns", 0))[0].startswith(("ns", "nz")):
        return
    yield start, start + len(name), 0.6, "tagger"


_OFFICE = re.compile(
    r"(?:副|总|代)?(?:主席|总理|总统|首相|书记|省长|市长|县长|区长|镇长|乡长|部长|厅长|局长|处长|科长|主任|院长|校长|司令|将军|委员长|外长|大使|教练|医生|教授|老师|法官|律师|警官|先生|女士)"
)


def _ruled(text: str, edges: set[int]) -> Iterator[Found]:
    for label in _LABEL.finditer(text):
        sure = bool(label["colon"].strip())
        name = _name_at(text, label.end(), sure=sure)
        if name and (sure or (label.start() in edges and label.end() in edges and not _is_phrase(name))):
            yield label.end(), label.end() + len(name), 0.85 if sure else 0.75, f"label {label['label']}"
    for pattern, why in (
        (_ADDRESS_WORDS, "form of address"),
        (_SEX, "before sex"),
        (_NUMBERED, "numbered"),
        (_BEFORE_ID, "before an id"),
    ):
        for match in pattern.finditer(text):
            name = match["name"]
            if _is_name(name) and (why == "numbered" or name not in dictionary() or why == "before sex"):
                yield match.start("name"), match.end("name"), 0.8, why
    for match in _SPACED.finditer(text):
        yield match.start("name"), match.end("name"), 0.55, "spaced"


def _is_phrase(name: str) -> bool:
    """Common words inside: 后实施, 管部门."""
    if name[0] in "由向应须经从以与和及为于在将被对按依可能并不未无凡该其":
        return True
    pieces = (name[:2], name[1:]) if len(name) == 3 else (name[:2], name[1:3], name[2:]) if len(name) == 4 else (name,)
    return any(dictionary().get(piece, ("", 0))[1] >= COMMON for piece in pieces)


COMMON = 400  # occurrences in the dictionary's corpus from which a word is a word, not part of a name


def _name_at(text: str, at: int, *, sure: bool) -> str:
    """The name that begins at `at`: two to four characters with a surname, and something after it that ends a name."""
    run = re.match(rf"{_HAN}{{2,6}}", text[at : at + 6])
    if not run:
        return ""
    best = ""
    for length in (2, 3, 4):
        name = run[0][:length]
        if len(name) < length or not _FOLLOW.match(text[at + length : at + length + 4]) or not _is_name(name):
            continue
        if best and (length == 4 or name[-1] in _FUNCTION):
            continue
        best = name
    if not best:
        return ""
    known = dictionary().get(best, ("", 0))[0]
    strong_end = re.match(r"$|[\s，,。；;、（(）)0-9A-Za-z]", text[at + len(best) : at + len(best) + 1])
    if known and not (sure and strong_end and known[0] in "nazsgi"):
        return ""
    return best


def _is_name(name: str) -> bool:
    surname = begins_with_surname(name)
    if not surname or name in _NO_NAMES or "某" in name or not surname + 1 <= len(name) <= surname + 2:
        return False
    return name[-1] not in "的了是在有和与及或者们等" and name[1:] not in _NOT_GIVEN


_WORDS = (
    "许可 方法 高度 方志 方志馆 边海 边海防 林权 向原 由司 尉官 卢比 马克 杜马 布隆迪 江瑶 江篱 黄姑鱼 紫贻贝 金额 明显 和平 平安 常务 常委 祝贺 向前 强调 严格 高级 高等 安全 成本 "
    "程序 房产 车辆 任务 石油 水利 温度 甘肃 安徽 江苏 宁夏 广州 温州 常州 苏州 徐州 成都 华东 华北 华南 华中 东方 白银 黄金 毛利 应当 应该 向上 经营 经济 时间 方案 方式 方面"
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
            if start not in starts and _is_name(short) and _FOLLOW.match(text[start + len(short) : start + len(short) + 4]):
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
