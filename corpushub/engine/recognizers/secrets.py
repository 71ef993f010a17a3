"""Credentials that slipped into text. They never belong into a release, whoever they belong to."""

from __future__ import annotations

import re

from corpushub.engine.recognizers.shape import LEFT, RIGHT, ShapeRecognizer

_VALUE = r"[^\s，。；、：！？（）【】《》“”\"'<>,;]"
_ASCII = r"[!#-&*+\-./0-9:=?-~]"
_KEY_WORDS = (
    r"pass(?:word|wd|phrase)|pwd|secret(?:[_\-]?(?:access)?[_\-]?key)?|(?:api|access|private|app|auth|account)[_\- ]?(?:key|secret|token)(?:[_\- ]?(?:id|secret))?"
    r"|token|credential"
)


class SecretRecognizer(ShapeRecognizer):
    """Cloud keys, tokens, private keys and passwords by their issuer's prefix or by their label."""

    ENTITY = "SECRET"
    SHAPES = (
        ("AWS", rf"{LEFT}(?:AKIA|ASIA|AIDA|AROA)[0-9A-Z]{{16}}{RIGHT}", 0.95),
        ("Alibaba Cloud", rf"{LEFT}LTAI[0-9A-Za-z]{{12,26}}{RIGHT}", 0.95),
        ("Tencent Cloud", rf"{LEFT}AKID[0-9A-Za-z]{{13,40}}{RIGHT}", 0.95),
        (
            "GitHub, GitLab",
            rf"{LEFT}(?:gh[pousr]_[0-9A-Za-z]{{30,80}}|github_pat_[0-9A-Za-z_]{{22,90}}|glpat-[0-9A-Za-z_\-]{{20,}}){RIGHT}",
            0.95,
        ),
        ("sk-", rf"(?<![0-9A-Za-z_\-])(?:sk|pk|rk)[-_](?:[a-z]{{2,10}}[-_])?[0-9A-Za-z_\-]{{20,200}}{RIGHT}", 0.9),
        (
            "model hub, chat, maps",
            rf"{LEFT}(?:hf_[A-Za-z0-9]{{30,}}|xox[abprs]-[0-9A-Za-z\-]{{10,}}|AIza[0-9A-Za-z_\-]{{35}}|ya29\.[0-9A-Za-z_\-]{{20,}}){RIGHT}",
            0.95,
        ),
        ("JWT", rf"{LEFT}eyJ[A-Za-z0-9_\-]{{8,}}\.eyJ[A-Za-z0-9_\-]{{8,}}\.[A-Za-z0-9_\-]{{8,}}", 0.95),
        ("private key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^-]{0,8000}-----END [A-Z ]{0,20}PRIVATE KEY-----)?", 0.95),
        ("in a connection string", r"(?<=[a-z][a-z0-9+]{1,12}://[A-Za-z0-9_.\-]{0,40}:)[^\s@/:]{4,64}(?=@[A-Za-z0-9.\-]+)", 0.9),
        (
            "after a Chinese label",
            rf"(?<=(?:密码|口令|密钥|密鑰|密碼|令牌|凭据|秘钥)(?:[(（]?(?:password|Password|key|Key)[)）]?)?[:：=为是][ ]?[\"'“]?)(?=[A-Za-z0-9!@#$%^&*_]){_ASCII}{{6,64}}",
            0.8,
        ),
        (
            "digits after a Chinese label",
            rf"(?<=(?:初始|登录|默认|开机|取款|支付|解锁)(?:密码|口令))[A-Za-z0-9!@#$%^&*_]{{6,32}}{RIGHT}",
            0.8,
        ),
        (
            "right after a Chinese label",
            rf"(?<=密码|口令)(?!GB|GM|ISO|RSA|SM|AES|DES|IT|SSL|TLS|VPN|MD)(?=[!-~]{{0,31}}\d)(?=[!-~]{{0,31}}[A-Za-z]){_ASCII}{{6,32}}{RIGHT}",
            0.7,
        ),
        ("after an English label", rf"(?i)(?<=(?:{_KEY_WORDS})[\"']?(?: ?(?:[:：=]|=>|is|为|是) ?)[\"']?){_VALUE}{{6,128}}", 0.7),
        ("bearer", r"(?<=[Bb]earer )[A-Za-z0-9._~+/\-]{16,}=*", 0.9),
    )

    def invalidate_result(self, pattern_text: str) -> bool | None:
        """Words about passwords are no passwords: a value is ASCII and is no plain English word."""
        return not pattern_text.isascii() or re.fullmatch(r"[a-z_]+|[A-Z][a-z]+|[*xX.•#\-_]+", pattern_text) is not None


class UrlTokenRecognizer(ShapeRecognizer):
    """Session and signature parameters of an address."""

    ENTITY = "URL_TOKEN"
    SHAPES = (
        (
            "query parameter",
            (
                r"(?i)(?<=[?&](?:token|access_token|refresh_token|id_token|sig|sign|signature|auth|session|sessionid|sid|ticket|apikey|api_key|key|secret|x-amz-signature)=)"
                r"[A-Za-z0-9%._~+/\-]{8,}=*"
            ),
            0.9,
        ),
    )
