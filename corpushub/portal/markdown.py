"""A release's README as HTML: one language of it, no raw HTML of the file's own, pictures from the release itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cache, lru_cache

from markdown_it import MarkdownIt

from corpushub.base.messages import Lang
from corpushub.portal.html import Safe

FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
PLACE = re.compile("\0(\\d+)\0")  # of a picture in a drawn card; the reader lets no NUL of the text through
ANCHOR = re.compile(r'<a id="(zh|en)"></a>')
MAX_PICTURE = 200_000
MOST_DRAWN = 64

Pictures = Callable[[str], bytes | None]
"""Bytes of a picture of the release by its path there, or None."""


@cache
def reader() -> MarkdownIt:
    """CommonMark with tables; raw HTML is shown as text, never run."""
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


def section_of(text: str, lang: Lang) -> str:
    """The part of a two-language card in `lang`; all of it where it is in one language only."""
    body = COMMENT.sub("", FRONT.sub("", text))
    marks = list(ANCHOR.finditer(body))
    for number, found in enumerate(marks):
        if found.group(1) == lang:
            end = marks[number + 1].start() if number + 1 < len(marks) else len(body)
            return ANCHOR.sub("", body[found.end() : end]).strip().removesuffix("---").strip()
    return ANCHOR.sub("", body).strip()


def lead_of(text: str, lang: Lang) -> str:
    """The first paragraph of a card in `lang`, as plain words."""
    for block in section_of(text, lang).split("\n\n"):
        words = block.strip()
        if words and not words.startswith(("#", "|", "!", "<", ">", "-", "`", "[")):
            return re.sub(r"[*_`]", "", words).replace("\n", " ")
    return ""


def render(text: str, lang: Lang, pictures: Pictures) -> Safe:
    """HTML of the card. SVG pictures become data addresses, in which no script can run; others are left out."""
    html, sources = drawn(section_of(text, lang))
    return Safe(PLACE.sub(lambda found: data_address(sources[int(found[1])], pictures), html))


@lru_cache(MOST_DRAWN)
def drawn(section: str) -> tuple[str, tuple[str, ...]]:
    """HTML of a section with places where its pictures go, and what they are; kept, for everybody reads the same few cards."""
    tokens, sources = reader().parse(section), []
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:  # the page has its own first heading
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        for child in token.children or ():
            if child.type == "image":
                sources.append(str(child.attrs.get("src", "")))
                child.attrs["src"] = f"\0{len(sources) - 1}\0"
                child.attrs["loading"] = "lazy"
    html = reader().renderer.render(tokens, reader().options, {})
    for wide in ("pre", "table"):  # what is wider than the page can be scrolled by keyboard
        html = html.replace(f"<{wide}>", f'<{wide} tabindex="0">')
    return html, tuple(sources)


def data_address(source: str, pictures: Pictures) -> str:
    if ":" in source or source.startswith("/") or not source.endswith(".svg"):
        return "data:,"
    found = pictures(source.removeprefix("./"))
    if found is None or len(found) > MAX_PICTURE:
        return "data:,"
    return "data:image/svg+xml;base64," + base64.b64encode(found).decode()
