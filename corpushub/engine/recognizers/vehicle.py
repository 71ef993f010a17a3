"""Vehicles: number plates and identification numbers."""

from __future__ import annotations

from corpushub.engine.recognizers.shape import LEFT, RIGHT, ChineseShapeRecognizer, vin_is_valid

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_C = "A-HJ-NP-Za-hj-np-z"
_SEP = r"[·•・‧. \-—]{0,2}"


class CnLicensePlateRecognizer(ChineseShapeRecognizer):
    """Number plates (GA 36-2018): five characters, six for new energy, and the special endings. No letters I and O."""

    ENTITY = "CN_LICENSE_PLATE"
    SHAPES = (
        ("new energy", rf"[{_PROVINCE}] ?[{_C}]{_SEP}(?:[{_C}][{_C}0-9]\d{{4}}|\d{{5}}[{_C}])(?![0-9A-Za-z_\-])", 0.8),
        ("five", rf"[{_PROVINCE}] ?[{_C}]{_SEP}(?:[{_C}0-9]{{5}}|[{_C}0-9]{{4}}[挂学警港澳试超])(?![0-9A-Za-z_\-])", 0.75),
        ("spaced out", rf"[{_PROVINCE}] ?[{_C}] ?[·•]?(?: [{_C}0-9]){{5,6}}(?![0-9A-Za-z_\-])", 0.3),
        (
            "armed police",
            rf"{LEFT}[Ww][Jj]{_SEP}(?:\d{{2}}|[{_PROVINCE}])?{_SEP}\d{{4}}[0-9{_C}警消边通森金电](?![0-9A-Za-z_\-])",
            0.6,
        ),
        ("embassy", r"(?<![\u4e00-\u9fff])[使领]\d{6}(?!\d)", 0.3),
        ("embassy new", r"(?<!\d)\d{6}[使领](?![\u4e00-\u9fff])", 0.3),
        ("military", rf"(?<=(?:车牌|牌照|号牌)(?:号码|号)?[:：为是 ]{{0,3}})[A-Z]{{2}}{_SEP}[0-9A-Z]\d{{4}}{RIGHT}", 0.6),
    )
    CONTEXT = (
        "车牌",
        "号牌",
        "牌照",
        "驾驶",
        "车辆",
        "轿车",
        "汽车",
        "货车",
        "车号",
        "违章",
        "停车",
        "停在",
        "闯红灯",
        "肇事",
        "事故",
        "超速",
        "面包车",
        "电动车",
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return not any(char.isdigit() for char in pattern_text)


class CnLabelledPlateRecognizer(ChineseShapeRecognizer):
    """Plates without a digit exist; only the word in front tells them from a word."""

    ENTITY = "CN_LICENSE_PLATE"
    SHAPES = (
        (
            "letters",
            rf"(?<=(?:车牌|号牌|牌照)(?:号码|号)?[:：为是 ]{{0,3}})[{_PROVINCE}] ?[{_C}]{_SEP}[A-Za-z0-9]{{5,6}}{RIGHT}",
            0.8,
        ),
    )


class CnVinRecognizer(ChineseShapeRecognizer):
    """Vehicle identification number (GB 16735-2019); a right check character needs no context."""

    ENTITY = "CN_VIN"
    SHAPES = (
        (
            "17 characters",
            rf"{LEFT}(?=[A-Za-z0-9]{{17}}{RIGHT})(?=[A-Za-z0-9]{{0,15}}[A-Za-z])[A-HJ-NPR-Za-hj-npr-z0-9]{{13}}[A-HJ-NPR-Za-hj-npr-z0-9]?\d{{3,4}}{RIGHT}",
            0.3,
        ),
        (
            "in groups",
            rf"(?<=(?:[车大]架号?|识别代[号码]|VIN码?|vin)[:：为是 ]{{0,3}})[A-HJ-NPR-Z0-9]{{3,9}} [A-HJ-NPR-Z0-9]{{4,14}}(?: [A-HJ-NPR-Z0-9]{{4,9}})?{RIGHT}",
            0.5,
        ),
    )
    CONTEXT = ("车架号", "识别代号", "识别代码", "VIN", "vin", "车辆识别", "大架号", "识别号")

    def validate_result(self, pattern_text: str) -> bool | None:
        code = pattern_text.upper().replace(" ", "")
        letters = sum(char.isalpha() for char in code)
        if len(code) != 17 or letters < 2 or letters > 13:
            return False
        return True if code[0] == "L" and letters >= 3 and vin_is_valid(code) else None
