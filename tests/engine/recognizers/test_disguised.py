"""Numbers behind their label, in whatever writing: cut, broken, spelled, enclosed, mistaken by optical recognition, or all at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpushub.engine.pii.detect import detect_batch
from corpushub.engine.recognizers.disguised import disguised

WRITINGS = list(zip("0123456789", "〇一二三四五六七八九", "⓪①②③④⑤⑥⑦⑧⑨", "Ol23456789", strict=True))
SEPARATORS = ["", "", " ", "-", ".", "·", "_", "/", "，", "\n"]


@pytest.mark.parametrize(
    ("label", "value", "entity"),
    [
        ("手机", "1375_5838_599", "CN_MOBILE"),
        ("公民身份号码：", "6501/0219/7008/1784/2X", "CN_ID_CARD"),
        ("座机 ", "OI0-77776395", "CN_LANDLINE"),
        ("号牌号码：", "浙BD伍伍贰贰捌", "CN_LICENSE_PLATE"),
        ("车牌", "川BD7\n6629", "CN_LICENSE_PLATE"),
        ("护照号码：", "E141·7563·6", "CN_PASSPORT"),
        ("回乡证号：", "H879-1339-3", "CN_HKMOTW_PERMIT"),
        ("税号：", "9I3201O2MAW0ER4TQF", "CN_USCC"),
        ("车架号", "LGBH五B〇K八HG三七九一四七", "CN_VIN"),
        ("IMEI", "8684.0056.7825.768", "DEVICE_ID"),
        ("社保号", "275\r\n7906683", "CN_SOCIAL_SECURITY"),
        ("住院号", "ZY959435o2", "CN_MEDICAL_RECORD"),
        ("QQ号：", "1935 4728 3", "CN_SOCIAL_ACCOUNT"),
        ("邮箱", "w a n g 8 5 @ s i n a . c n", "EMAIL_ADDRESS"),
        ("IP地址", "3 9 . 6 5 . 2 3 6 . 1 4 9", "IP_ADDRESS"),
        ("MAC地址", "D3:A8:A6:4E:OE:A〇", "MAC_ADDRESS"),
        ("军官证", "军字第524I568号", "CN_MILITARY_ID"),
        ("HKID：", "K七五三二二八(八)", "HK_ID_CARD"),
        ("身分證字號", "B228.1248.83", "TW_ID_CARD"),
        ("生于", "幺九八五年二月幺三日", "DATE_OF_BIRTH"),
        ("经纬度：", "1 2 0 . 9 3 5 6 9 7 , 2 3 . 9 1 2 1 9 3", "GPS_COORDINATE"),
    ],
)
def test_a_value_behind_its_label_is_found_however_it_is_written(label: str, value: str, entity: str) -> None:
    text = f"经核实，其{label}{value}，请核对。"
    (found,) = detect_batch([text])[0]
    assert (text[found[0] : found[1]].rstrip(")"), found[2]) == (value.rstrip(")"), entity)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.sampled_from(SEPARATORS)), min_size=10, max_size=10))
def test_a_number_in_any_mix_of_writings_is_found_whole(rest: list[tuple[int, int, str]]) -> None:
    rest[0] = (5, *rest[0][1:])  # 15…
    value = "1" + "".join(separator + WRITINGS[digit][way] for digit, way, separator in rest)
    text = f"联系电话：{value}。"
    spans = [(start, end) for start, end, entity in disguised(text) if entity == "CN_MOBILE"]
    assert spans == [(5, 5 + len(value))]


@pytest.mark.parametrize(
    "text",
    [
        "申请人应当提交身份证件、护照或者通行证；电话、手机等联系方式变更的，应当在三十日内告知。",
        "车牌、车架号和驾驶证的核发，依照本条例第十二条、第十三条至第一百二十八条的规定执行。",
        "He kept receiving messages to 541-714-1388 and 618-226-1460, no tel came.",
        "手机产量11.2亿台，电话普及率为每百人134.4部，银行卡发卡97.6亿张，同比增长1.26%。",
        "IP地址4.1.2节，版本1.2；坐标系采用2000国家大地坐标系，误差0.5，1.2。",
    ],
)
def test_labels_in_running_text_promise_nothing(text: str) -> None:
    assert list(disguised(text)) == []
