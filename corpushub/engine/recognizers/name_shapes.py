"""What a name looks like, and what only looks like one: words of the dictionary, nothing said about any place in a text."""

from __future__ import annotations

import re

from corpushub.engine.recognizers.surnames import begins_with_surname, dictionary

Found = tuple[int, int, float, str]

HAN = r"[\u4e00-\u9fff]"
FOLLOW = re.compile(
    r"$|[\s，,。；;、：:（(）)【】《》“”\"'/|！？!?0-9A-Za-z〔<&}\]]|于|在|的|因|诉|称|与|和|及|系|向|从|对|持|住|现|来电|反映|申请|提交|驾驶|账户|帐户|同志|先生|女士|小姐|等|之|身份|已|将|被|提出|表示|说|主持|参加|负责|担任|出庭|签字|辩称|述称|认为|死亡|受伤"
)
FUNCTION = frozenset("于在的因述辩诉称与和及系向从持住现等之已将被说到来前后为是经由及其向对把")
COMMON = 400  # occurrences in the dictionary's corpus from which a word is a word, not part of a name


def is_name(name: str, *, weak: bool = False) -> bool:
    surname = begins_with_surname(name, weak=weak)
    if not surname or name in NO_NAMES or "某" in name or COUNTED.search(name) or not surname + 1 <= len(name) <= surname + 2:
        return False
    return name[-1] not in "的了是在有和与及或者们等不" and name[1:] not in _NOT_GIVEN


COUNTED = re.compile(r"[一二两三四五六七八九十几半][下片个只次遍根勺克斤块颗粒趟]$|^(.)一\1$")  # 查一下, 姜三片, 查一查


_WORDS = (
    "加群 加微 钱转 钱打 温馨 占比 牛群 周薪 周度 付清 房本 费退 水卡 毛领 公摊 何解 时罪 时要 经批准 修志 尉官警 "
    "尚小 尚幼 尚早 尚轻 劳保 荣民 仲介 陈情 林木 房开 加单 索回 青紫 "
    "许可 方法 高度 方志 方志馆 边海 边海防 林权 向原 由司 尉官 卢比 马克 杜马 布隆迪 江瑶 江篱 黄姑鱼 紫贻贝 金额 明显 和平 平安 常务 常委 祝贺 向前 强调 严格 高级 高等 安全 成本 "
    "程序 房产 车辆 任务 石油 水利 温度 甘肃 安徽 林相 高耗水 文广 文创 宋元 畲歌 陆海 林权证 林田湖 林田 林长制 于法 由治 沙戈荒 焕新 江苏 宁夏 广州 温州 常州 苏州 徐州 成都 华东 华北 华南 华中 东方 白银 黄金 毛利 应当 应该 向上 经营 经济 时间 方案 方式 方面"
)
# kin and parts somebody plays at home, as people write them
_KIN = (
    "岳父母 祖父母 公婆 现夫 现任 前夫 后夫 亡夫 后配 原配 元配 宝爸 宝妈 小三 小舅子 小姨子 小叔子 小姑子 小孩 小儿 "
    "老公 老婆 老丈人 老母 老父 后妈 后爸 后爹 后娘 后父 后母 双亲 双胞胎 高龄产妇"
)
NO_NAMES = frozenset({*_WORDS.split(), *_KIN.split()})
_FORMS = "先生 女士 小姐 同志 老师 主任 局长 处长 书记 医生 律师 经理 总 老板 同学 师傅 大爷 阿姨"
_NOT_GIVEN = frozenset(_FORMS.split())


def is_made_of_words(name: str) -> bool:
    """`人民陪审员`, `申辩权`, `于次月`, `张甲`: what the tagger takes for a name but a dictionary reads as words."""
    words = dictionary()
    if "·" in name or len(name) < 3:
        return name[1:] in {"甲", "乙", "丙", "丁", "戊", "己"}
    if (name[0] in "于向由经从都被应须并" and name[1:] in words) or name[-1] in "他她":
        return True
    if name[-1] in "前后时" and name[:-1] in words:
        return True  # 上诉前, 过世后
    halves = [name[at : at + 2] for at in range(len(name) - 1)]
    if begins_with_surname(name):
        return (name[-1] in "权证人起图者制法性化员区" and halves[0] in words) or (
            len(name) > 3 and begins_with_surname(name) == 1 and any(is_common(half) for half in halves)
        )
    return any(is_common(half) for half in halves)


def is_common(word: str) -> bool:
    """A frequent word that is no name of a place: transliterations are full of those."""
    tag, count = dictionary().get(word, ("", 0))
    return count >= COMMON and tag[:2] not in {"ns", "nz", "nr", "nt"}


def is_verb(word: str) -> bool:
    tag, count = dictionary().get(word, ("", 0))
    return tag.startswith("v") and count >= 50


def ends(text: str, at: int) -> bool:
    """Does a clause end at `at`?"""
    return re.match(r"$|[\s，,。；;、：:（(）)\"'”’|0-9A-Za-z<&}\]]", text[at : at + 1]) is not None
