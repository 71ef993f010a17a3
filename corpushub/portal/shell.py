"""Documents of the portal: Gradio's own page of a mount, taken once and cut so that each request only fills in frame and screen."""

from __future__ import annotations

import re
from typing import Any

import httpx

from corpushub.base.messages import Lang
from corpushub.portal import frame
from corpushub.portal.areas import AREAS
from corpushub.portal.assets import address
from corpushub.portal.html import Safe, element, joined, link, text_of
from corpushub.portal.pages import Ask, Page

INSIDE = "http://portal.invalid"  # the origin Gradio's page is asked with; replaced by the caller's own
HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?")
DROPPED = (
    re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*'),
    re.compile(r'<link rel="manifest"[^>]*>\s*'),
    re.compile(r"<title>.*?</title>\s*", re.DOTALL),
)
RESIZER = re.compile(r"<script>\s*\(\(\) => \{\s*const root = .*?</script>\s*", re.DOTALL)


class Shell:
    """The document of one mount."""

    def __init__(self, gradio_app: Any, path: str, lang: Lang) -> None:
        self.gradio_app, self.path, self.lang = gradio_app, path, lang
        self.parts: tuple[str, str, str] | None = None

    async def ready(self) -> tuple[str, str, str]:
        """Before `</head>`, up to after `<body>`, and the rest; asked from Gradio at the first request."""
        if self.parts is None:
            transport = httpx.ASGITransport(app=self.gradio_app, root_path=self.path)
            async with httpx.AsyncClient(transport=transport, base_url=INSIDE) as client:
                answer = await client.get(f"{self.path}/")
            self.parts = cut(answer.text, self.lang, self.path)
        return self.parts

    async def document(self, ask: Ask, area: str, place: str, page: Page, host: str) -> str:
        """The whole document of one request."""
        head, middle, rest = await self.ready()
        title = f"{page.title} · {ask.t('portal.name')}"
        inserted = joined(element("title", title), link(rel="stylesheet", href=address("portal.css")), icon())
        origin = f"http://{host}" if HOST.fullmatch(host) else ""
        text = "".join((head, text_of(inserted), middle, text_of(frame.body(ask, area, place, page)), rest))
        return text.replace(INSIDE, origin)


def cut(text: str, lang: Lang, path: str) -> tuple[str, str, str]:
    """Gradio's page without what we do not want (share tags, iframe script), with our language, theme choice and script."""
    for pattern in (*DROPPED, RESIZER):
        text = pattern.sub("", text)
    text = text.replace('lang="en"', f'lang="{frame.TAGS[lang]}"', 1).replace('"./assets/', f'"/zh/{AREAS[1].name}/assets/')
    text = text.replace("<head>", f'<head>{frame.boot_script(lang)}<script src="{address("portal.js")}"></script>', 1)
    text = text.replace('<base href="./" />', f'<base href="{path}/">', 1)
    head, middle = text.split("</head>", 1)
    before, body = re.sub(r"<body[^>]*>", "<body>", middle, count=1).split("<body>", 1)
    return head, f"</head>{before}<body>", body


def plain(ask_lang: Lang, title: str, body: Safe) -> str:
    """A document without Gradio, for signing in."""
    head = element(
        "head",
        Safe('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Safe(frame.boot_script(ask_lang)),
        element("title", title),
        link(rel="stylesheet", href=address("portal.css")),
        icon(),
        element("script", src=address("portal.js")),
    )
    return f"<!doctype html>{element('html', head, element('body', body), lang=frame.TAGS[ask_lang])}"


def icon() -> Safe:
    return link(rel="icon", href=address("mark.svg"), type_="image/svg+xml")
