"""Chinese surnames and the dictionary that tells a name from a word."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import polars as pl

SINGLE = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦"
    "邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔文温游洪鲍左柳俞章鲁樊葛柯尤申岳柏骆莘卞欧阮焦安殷齐庄辛管祝左涂梅盛童颜苗翁季包纪舒"
    "甘凌麦冷宁房路柴裴闵屈喻谷窦麻饶褚桂时凤司解关费聂宫查木占古米原牛邢成詹靳蓝兰单滕卫倪裘丛桑连栾牟华昌池戚蒲简楼项车初宗佟吉边卓幸练丘井"
    "计伏成谈茅庞闻敖匡晏郎巩上伍柏水支昝虞全郗班仰秋仲伊宰郦雍璩濮扈冀郏浦尚农别阎充慕茹宦艾鱼容古慎戈庾终暨居衡步都耿满弘国文寇广禄阙东殴殳沃利蔚越夔隆师厍晁"
    "勾敖融訾辛阚那空毋沙乜养鞠须丰巢蒯相后荆红竺权逯盖益桓公楚晋法鄢缪干亓仉督"
    "楼应芮羿储靳汲邴糜松井富巫乌焦巴弓牧隗山邰鲜崇胥能苍双莘党翟贡劳逄姬冉桑鄂籍屠蒙池阴郁印宿怀从索咸赖卓蔺乐於惠甄曲封加仇祖符景束幸韶郜蓟薄宿"
    "习傅元刁卜堵奚宓宣寿岑嵇席廉戎扶施暴杭毕湛狄皮瞿祁穆臧荀荣萧诸贝贲邬郤酆钭钮霍佘况邸苑谯税仫笪"
    "阳佴琴麴强疏操苟凡衣仝敬揭展帅丑但来呼青鹿由粟燕蔄才丙逢亢冼迟芦官过兆言闪律令雒娄厉危母来位寸昂布隋肇冒修禹户化者花矫俎昃睢"
)
# surnames that mostly are other words: they count only where a form says that a name follows
WEAK = frozenset("种仝和平经明家通代有海年问生商云滑羊巨招揣赏伯依蓬黑树盘旦色邝候热阿买艾哈巴达德格次尼扎玛索")
_DOUBLES = (
    "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 长孙 宇文 司徒 司空 夏侯 端木 百里 东郭 南宫 独孤 轩辕 呼延 闻人 澹台 公冶 太叔 申屠 仲孙 钟离 鲜于 闾丘 "
    "拓跋 赫连 完颜 西门 左丘 第五 万俟 纳兰 单于 濮阳 淳于 公羊 宗政 乐正 亓官 谷梁 段干 羊舌 微生 梁丘 东门 南门 爱新 觉罗 漆雕 司寇 巫马 公西 公良 颛孙 夹谷 子车 壤驷 即墨 南郭 北宫 耶律 叶赫 富察 那拉 佟佳 范姜 张简 张廖"
)
DOUBLE = frozenset(_DOUBLES.split())
_TITLES = (
    "先生 女士 小姐 同志 同学 老师 教授 老板 老总 主席 总理 总统 局长 处长 科长 市长 省长 县长 书记 主任 经理 院长 校长 部长 队长 所长 站长 师傅 大爷 大妈 阿姨 "
    "医生 大夫 律师 法官 警官 氏 某 老 总 哥 姐 叔 嫂 导 工"
)
TITLES = tuple(_TITLES.split())


def begins_with_surname(name: str, *, weak: bool = False) -> int:
    """Length of the surname in front: 2, 1 or 0. `weak` lets surnames count that mostly are other words."""
    if name[:2] in DOUBLE and len(name) > 2:
        return 2
    return 1 if name[:1] in SINGLE or (weak and name[:1] in WEAK) else 0


@cache
def mistaken() -> frozenset[str]:
    """Words of two characters that jieba's dictionary calls names but that are too frequent to be somebody's: 荣誉, 陈述, 晋级."""
    return _words()[1]


@cache
def dictionary() -> dict[str, tuple[str, int]]:
    """Words of two to four characters with part of speech and frequency, from jieba's dictionary; names of people are left out."""
    return _words()[0]


@cache
def _words() -> tuple[dict[str, tuple[str, int]], frozenset[str]]:
    """Words and what is mistaken for names, in one reading."""
    lines = dictionary_lines().filter(pl.col("word").str.len_chars().is_between(2, 4))
    is_name = pl.col("tag").str.starts_with("nr")
    words = lines.filter(~is_name & (pl.col("count") > 2))
    names = lines.filter((pl.col("tag") == "nr") & (pl.col("word").str.len_chars() == 2) & (pl.col("count") >= FREQUENT))
    known = zip(words["tag"].to_list(), words["count"].to_list(), strict=True)
    return dict(zip(words["word"].to_list(), known, strict=True)), frozenset(names["word"])


def dictionary_lines() -> pl.DataFrame:
    """`word`, `count` and `tag` (part of speech) of jieba's dictionary; no rows where it is not installed."""
    spec = find_spec("jieba")
    file = Path((spec.submodule_search_locations or [""])[0]) / "dict.txt" if spec else Path()
    schema = {"word": pl.String, "count": pl.Int64, "tag": pl.String}
    if not file.is_file():
        return pl.DataFrame(schema=schema)
    return pl.read_csv(file, separator=" ", has_header=False, quote_char=None, schema=schema)


FREQUENT = 50
