"""Devices and the network: IP, MAC, device ids, positions."""

from __future__ import annotations

import ipaddress
import re

from corpushub.engine.recognizers.shape import LEFT, RIGHT, ChineseShapeRecognizer, ShapeRecognizer, luhn

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d{2}|[1-9]?\d)"
_H = r"[0-9A-Fa-f]"


class IpAddressRecognizer(ShapeRecognizer):
    """IPv4 and IPv6. Versions and section numbers look like small IPv4 addresses: those need words around."""

    ENTITY = "IP_ADDRESS"
    SHAPES = (
        (
            "IPv4",
            rf"(?<![0-9A-Za-z_.])(?<!(?:版本|版|第|条|章节|[Vv]ersion|[Vv]er|GB/T|JGJ)[:：为是 ]{{0,2}})(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z_]|\.\d)",
            0.4,
        ),
        (
            "IPv6",
            rf"(?<![0-9A-Za-z_:.])(?:{_H}{{1,4}}:|:){{2,7}}(?::|{_H}{{1,4}}|:{_H}{{1,4}}|(?:{_OCTET}\.){{3}}{_OCTET})(?![0-9A-Za-z_:])",
            0.6,
        ),
    )
    CONTEXT = (
        "IP",
        "ip",
        "地址",
        "服务器",
        "主机",
        "登录",
        "网关",
        "内网",
        "外网",
        "访问",
        "端口",
        "address",
        "host",
        "server",
        "from",
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        try:
            found = ipaddress.ip_address(pattern_text)
        except ValueError:
            return False
        if found.version == 6:
            return None if len(pattern_text) >= 6 and any(char.isdigit() for char in pattern_text) else False
        octets = [int(part) for part in pattern_text.split(".")]
        return True if max(octets) >= 32 else None


class MacAddressRecognizer(ShapeRecognizer):
    """Hardware addresses in the usual notations."""

    ENTITY = "MAC_ADDRESS"
    SHAPES = (
        ("pairs", rf"(?<![0-9A-Za-z_:\-]){_H}{{2}}(?:(?:[:：]{_H}{{2}}){{5}}|(?:-{_H}{{2}}){{5}})(?![0-9A-Za-z_:\-])", 0.8),
        ("quads", rf"(?<![0-9A-Za-z_.]){_H}{{4}}\.{_H}{{4}}\.{_H}{{4}}(?![0-9A-Za-z_.])", 0.4),
        ("labelled", rf"(?i)(?<=(?:MAC(?:地址|码| address)?|网卡|物理地址|硬件地址)[:：为是 ]{{0,3}}){_H}{{12}}{RIGHT}", 0.7),
    )
    CONTEXT = ("MAC", "mac", "Mac", "网卡", "物理地址", "硬件地址")

    def invalidate_result(self, pattern_text: str) -> bool | None:
        return pattern_text.count(".") == 2 and pattern_text.replace(".", "").isdigit()


class DeviceIdRecognizer(ChineseShapeRecognizer):
    """IMEI, IMSI, advertising and device ids, by label or by check digit and words around."""

    ENTITY = "DEVICE_ID"
    SHAPES = (
        (
            "labelled",
            (
                r"(?i)(?<=(?:IMEI|IMSI|MEID|ICCID|IDFA|IDFV|OAID|AAID|GAID|UDID|android ?id|设备号|设备ID|设备编号|设备识别码|设备标识|手机串号|串号|设备序列号|终端号)"
                rf"(?:号码|号|码)?\d?[:：为是= ]{{0,3}})(?:[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[0-9a-z]{{12,40}}){RIGHT}"
            ),
            0.8,
        ),
        ("IMEI", rf"(?<![0-9A-Za-z_.])(?:35|86|01|99)\d{{13}}{RIGHT}", 0.2),
        ("IMSI", rf"(?<![0-9A-Za-z_.])460[01]\d{{11}}{RIGHT}", 0.2),
        ("UUID", rf"{LEFT}{_H}{{8}}-{_H}{{4}}-[1-5]{_H}{{3}}-[89abAB]{_H}{{3}}-{_H}{{12}}{RIGHT}", 0.2),
    )
    CONTEXT = ("IMEI", "imei", "IMSI", "设备", "串号", "终端", "IDFA", "OAID", "手机识别", "device", "Device")

    def validate_result(self, pattern_text: str) -> bool | None:
        if re.fullmatch(r"(?:35|86|01|99)\d{13}", pattern_text) and not luhn(pattern_text):
            return None
        return None if any(char.isdigit() for char in pattern_text) else False


_LNG = r"(?:7[3-9]|[89]\d|1[0-2]\d|13[0-5])"
_LAT = r"(?:[3-9]|[1-4]\d|5[0-3])"
_DMS = r"°\d{1,2}[′'](?:\d{1,2}(?:\.\d+)?[″\"])?"


class GpsCoordinateRecognizer(ChineseShapeRecognizer):
    """Positions inside China given to four decimals (about ten metres) or in seconds of arc."""

    ENTITY = "GPS_COORDINATE"
    SHAPES = (
        (
            "longitude first",
            rf"(?<![0-9A-Za-z_.]){_LNG}\.\d{{4,12}}°?[EN]?[,，、;； /]{{1,3}}{_LAT}\.\d{{4,12}}°?[EN]?(?![0-9A-Za-z_.])",
            0.7,
        ),
        (
            "latitude first",
            rf"(?<![0-9A-Za-z_.]){_LAT}\.\d{{4,12}}°?[EN]?[,，、;； /]{{1,3}}{_LNG}\.\d{{4,12}}°?[EN]?(?![0-9A-Za-z_.])",
            0.7,
        ),
        (
            "named axes",
            rf"(?:东经|经度|[EＥ])[:：为 ]{{0,2}}{_LNG}(?:\.\d{{3,12}}°?|{_DMS})[,，、;； /]{{0,3}}(?:北纬|纬度|[NＮ])[:：为 ]{{0,2}}{_LAT}(?:\.\d{{3,12}}°?|{_DMS})",
            0.7,
        ),
        (
            "named axes, latitude first",
            rf"(?:北纬|纬度|[NＮ])[:：为 ]{{0,2}}{_LAT}(?:\.\d{{3,12}}°?|{_DMS})[,，、;； /]{{0,3}}(?:东经|经度|[EＥ])[:：为 ]{{0,2}}{_LNG}(?:\.\d{{3,12}}°?|{_DMS})",
            0.7,
        ),
    )
    CONTEXT = ("经纬度", "坐标", "定位", "位置", "GPS", "经度", "纬度")
