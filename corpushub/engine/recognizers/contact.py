"""Ways to reach a person: mobile, landline, e-mail, accounts of social networks."""

from __future__ import annotations

from corpushub.engine.recognizers.lexicon import lexicon
from corpushub.engine.recognizers.shape import RIGHT, ChineseShapeRecognizer, ShapeRecognizer, bare

_UNITS = r"(?! ?(?:元|万|亿|美元|欧元|人民币|人次|人口|吨|公里|千米|平方|立方|千瓦|户|件|辆|亩|股|份|台|册|条|笔|次|个|天|秒|公斤|千克|克|米|升|%|％|‰))"
_NOT_A_NUMBER_OF = (
    rf"(?<!(?:{lexicon()['codes']['before']}|金额|总额|合计|共计|投资|产值|人民币|￥|¥|\$|ISBN|isbn)[:：为是 ]{{0,2}})"
)
_ODD = r"(?: ?[,，、*~|] ?| [\-–—/] )"
_SEP = r"[ \-.·–—/_]{0,2}"


class CnMobileRecognizer(ChineseShapeRecognizer):
    """Mobile numbers of the mainland, with or without +86, in the usual groupings."""

    ENTITY = "CN_MOBILE"
    SHAPES = (
        (
            "grouped 3-4-4",
            (
                rf"(?<![0-9A-Za-z_]|\d\.){_NOT_A_NUMBER_OF}(?:(?:\+|00)?86[ \-]?|\((?:\+|00)?86\) ?)?1[3-9]\d{_SEP}\d{{4}}{_SEP}\d{{4}}"
                rf"{RIGHT}(?!\.\d|,\d{{1,3}}(?!\d)){_UNITS}"
            ),
            0.7,
        ),
        (
            "unusual separators",
            (
                rf"(?<![0-9A-Za-z_]){_NOT_A_NUMBER_OF}(?:(?:\+|00)?86[ \-]?)?(?:\(1[3-9]\d\)[ \-]?\d{{4}}[ \-]?|1[3-9]\d(?:{_ODD}\d{{4}}{_ODD}?|\d{{4}}{_ODD}))"
                rf"\d{{4}}{RIGHT}(?![.,]\d{{1,3}}(?!\d)){_UNITS}"
            ),
            0.35,
        ),
        (
            "other grouping",
            rf"(?<![0-9A-Za-z_]|\d[.,]){_NOT_A_NUMBER_OF}(?:(?:\+|00)?86[ \-]?)?(?=\d{{1,10}}[ \-.·])1[ \-.·]?[3-9](?:[ \-.·]?\d){{9}}{RIGHT}(?![.,]\d){_UNITS}",
            0.35,
        ),
    )
    CONTEXT = (
        "手机", "电话", "联系", "移动", "号码", "致电", "打我", "回电", "来电", "拨打", "微信", "短信", "mobile", "Mobile", "phone", "Phone", "Tel", "tel", "手機",
        "電話", "聯絡", "机号", "通讯",
    )  # fmt: skip


_AREA = r"0(?:10|2\d|[3-9]\d{2})"
_EXTENSION = r"(?:[ ]?(?:转|轉|-|—|ext\.?|x|#)[ ]?\d{1,6})?"


class CnLandlineRecognizer(ChineseShapeRecognizer):
    """Fixed lines with area code; without one only right after a word for telephone."""

    ENTITY = "CN_LANDLINE"
    SHAPES = (
        (
            "separated",
            (
                rf"(?<![0-9A-Za-z_.])(?<!\d-)(?:(?:\+|00)86[ \-]?)?(?:[(（]{_AREA}[)）][ \-]?|{_AREA}(?:[ \-–—－]{{1,2}}| [\-–—] ))[2-9]\d{{2,3}}[ \-]?\d{{4}}"
                rf"{_EXTENSION}{RIGHT}(?![.,]\d)"
            ),
            0.7,
        ),
        (
            "country code",
            rf"(?<![0-9A-Za-z_.])(?:\+|00)86[ \-]?(?:10|2\d|[3-9]\d{{2}})[ \-]?[2-9]\d{{2,3}}[ \-]?\d{{4}}{_EXTENSION}{RIGHT}",
            0.7,
        ),
        ("unseparated", rf"(?<![0-9A-Za-z_.]){_NOT_A_NUMBER_OF}{_AREA}[2-9]\d{{6,7}}{_EXTENSION}{RIGHT}(?![.,]\d){_UNITS}", 0.35),
        (
            "local",
            (
                rf"(?<=(?:电话|传真|座机|固话|热线|咨询|總機|总机|電話|傳真|Tel|TEL|Fax|FAX)(?:号码|号)?[.:：为是 ]{{0,3}})"
                rf"[2-8]\d{{2,3}}[ \-]?\d{{4}}(?!-?\d){_EXTENSION}{RIGHT}{_UNITS}"
            ),
            0.55,
        ),
    )
    CONTEXT = (
        "电话",
        "座机",
        "传真",
        "热线",
        "致电",
        "联系",
        "固话",
        "咨询",
        "拨打",
        "举报",
        "电联",
        "Tel",
        "tel",
        "Fax",
        "fax",
        "phone",
        "電話",
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        return None if len(bare(pattern_text)) >= 7 else False


_LOCAL = r"[A-Za-z0-9](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9._+\-])?"
# The same, read once and given back to nothing: only where none of its characters can follow.
_WHOLE_LOCAL = r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}+(?<!%)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"


class EmailAddressRecognizer(ShapeRecognizer):
    """E-mail addresses: ASCII local part, so that Han text in front never joins it. No look-up of public suffixes, no network."""

    ENTITY = "EMAIL_ADDRESS"
    SHAPES = (
        (
            "plain",
            rf"(?<![A-Za-z0-9._%+\-])(?=[A-Za-z0-9._%+\-]{{1,64}}@){_LOCAL}@(?:{_LABEL}\.){{1,5}}[A-Za-z]{{2,24}}(?![A-Za-z0-9])",
            0.9,
        ),
        (
            "disguised",
            (
                rf"(?<![A-Za-z0-9._%+\-]){_WHOLE_LOCAL} ?(?:\[at\]|\(at\)|\{{at\}}|【at】|\[AT\]| AT | at |\(AT\)|#|\(@\)|\[@\]| @ | @|@ ) ?"
                rf"(?:{_LABEL} ?(?:\.|DOT|dot|\[dot\]|\(dot\)|点|。) ?){{1,3}}(?:com|cn|net|org|edu|gov|hk|tw|io|me|cc|info)(?![A-Za-z0-9])"
            ),
            0.85,
        ),
    )


_NETWORKS = (
    "微信", "微 信", "weixin", "wechat", "WeChat", "Wechat", "WECHAT", "vx", "VX", "wx", "WX",
    "v信", "V信", "薇信", "v❤", "V❤", "微❤", "薇❤", "抖音", "快手号", "小红书号", "微博", "支付宝", "钉钉", "陌陌号",
    "LINE ID", "Line ID", "Skype", "skype", "Telegram", "WhatsApp", "推特", "脸书",
)  # fmt: skip


class CnSocialAccountRecognizer(ChineseShapeRecognizer):
    """Ids of messengers, social networks and payment apps right after their name. Public accounts and groups of agencies are not people."""

    ENTITY = "CN_SOCIAL_ACCOUNT"
    SHAPES = (
        (
            "messenger",
            (
                rf"(?<=(?:{'|'.join(_NETWORKS)})(?:号码|号|ID|id|账号|帐号|账户|\(QQ\))?[:：为是@ ]{{0,3}})"
                rf"(?![Qq]{{2}})(?:[A-Za-z][\-_A-Za-z0-9]{{5,19}}|(?=[0-9_\-]*[A-Za-z_\-])[\-_A-Za-z0-9]{{6,20}}|[1-9]\d{{5,11}}){RIGHT}(?![@.][A-Za-z0-9])"
            ),
            0.8,
        ),
        ("qq", rf"(?<=(?:QQ|qq|Qq|扣扣|企鹅号)(?:号码|号|帐号|账号)?[:：为是 ]{{0,3}})[1-9]\d{{4,10}}{RIGHT}(?!@)", 0.8),
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return pattern_text.lower() in {
            "weixin",
            "wechat",
            "alipay",
            "telegram",
            "whatsapp",
            "iphone",
            "android",
            "windows",
            "client",
            "official",
        }
