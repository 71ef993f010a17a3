"""The frame around every screen: head of the document, header, navigation by seat, language and theme switches, user menu."""

from __future__ import annotations

from collections.abc import Sequence

from corpushub.base.messages import LANGS, Lang
from corpushub.portal import casework
from corpushub.portal.areas import AREAS, Area
from corpushub.portal.html import (
    Safe,
    a,
    b,
    button,
    details,
    div,
    element,
    form,
    header,
    input_,
    joined,
    li,
    nav,
    span,
    summary,
    ul,
)
from corpushub.portal.pages import Ask, Page, link

MARK = Safe(
    '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 7.2 12 3l8 4.2-8 4.2z"/><path d="M4 12l8 4.2L20 12" /><path d="M4 16.8 12 21l8-4.2"/></svg>'
)
LENS = Safe(
    '<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><circle cx="9" cy="9" r="5.2"/><path d="m13 13 4 4"/></svg>'
)
SUN = Safe(
    '<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><circle cx="10" cy="10" r="6"/><path d="M10 4a6 6 0 0 1 0 12z" class="solid"/></svg>'
)
BARS = Safe('<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><path d="M3 5.5h14M3 10h14M3 14.5h14"/></svg>')
MAN = Safe(
    '<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><circle cx="10" cy="7" r="3.2"/><path d="M3.8 17c.8-3.2 3.2-4.8 6.2-4.8s5.4 1.6 6.2 4.8"/></svg>'
)
BELL = Safe(
    '<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><path d="M5 13.5V9a5 5 0 0 1 10 0v4.5l1.3 1.7H3.7z"/><path d="M8.4 17.3a1.8 1.8 0 0 0 3.2 0"/></svg>'
)
MOST_SHOWN = 100

# Runs before anything is painted: theme from the cookie, else the system's; Gradio's own parts follow the same choice and language.
BOOT = """(function(){var w=window,r=w.matchMedia.bind(w),c=document.cookie.match(/(?:^|; )theme=(dark|light)/),
d=c?c[1]==='dark':r('(prefers-color-scheme: dark)').matches;document.documentElement.dataset.theme=d?'dark':'light';
w.matchMedia=function(q){var m=r(q);if(/prefers-color-scheme/.test(q)){return{media:q,matches:/dark/.test(q)===d,onchange:null,
addEventListener:function(){},removeEventListener:function(){},addListener:function(){},removeListener:function(){},dispatchEvent:function(){return false}}}return m};
Object.defineProperty(navigator,'language',{get:function(){return '%LANG%'}});
Object.defineProperty(navigator,'languages',{get:function(){return ['%LANG%']}})})();"""
TAGS = {"zh": "zh-CN", "en": "en"}


def boot_script(lang: Lang) -> Safe:
    return Safe(f"<script>{BOOT.replace('%LANG%', TAGS[lang])}</script>")


def top(ask: Ask, area: str, place: str) -> Safe:
    """The header and, below it, the screens of the area."""
    admitted = [item for item in AREAS if item.admits(ask.actor)]
    return joined(
        a(ask.t("portal.skip"), href=f"{link(ask.lang, ask.path)}#screen", c="skip"),
        header(
            div(
                a(
                    MARK,
                    span("corpushub", c="brand-word"),
                    href=f"/{ask.lang}/",
                    c="brand",
                    aria_label=f"corpushub · {ask.t('portal.home')}",
                ),
                nav(*[area_link(ask, item, area) for item in admitted], c="areas", aria_label=ask.t("portal.areas")),
                search_box(ask),
                language_links(ask),
                button(
                    SUN,
                    c="icon-btn",
                    type_="button",
                    data_theme=True,
                    title=ask.t("portal.theme"),
                    aria_label=ask.t("portal.theme"),
                ),
                bell(ask),
                user_menu(ask),
                mobile_menu(ask, admitted, area),
                c="bar-in",
            ),
            c="topbar",
        ),
        places(ask, area, place),
    )


def seen(ask: Ask, area: Area) -> Sequence[tuple[str, str]]:
    return [(item.path, item.key) for item in area.places if not item.roles or ask.actor.has(*item.roles)]


def area_link(ask: Ask, area: Area, current: str) -> Safe:
    here = area.name == current
    first = seen(ask, area)[0][0]
    return a(
        ask.t(f"area.{area.name}"),
        href=link(ask.lang, first),
        c="current" if here else None,
        aria_current="true" if here else None,
    )


def places(ask: Ask, area: str, place: str) -> Safe | None:
    """The second row: screens of this area; none where an area has but one."""
    here = next((item for item in AREAS if item.name == area), None)
    entries = seen(ask, here) if here else []
    if len(entries) < 2:
        return None
    cells = [
        a(
            ask.t(f"{key}.title"),
            href=link(ask.lang, path),
            data_place=key,
            c="current" if key == place else None,
            aria_current="page" if key == place else None,
        )
        for path, key in entries
    ]
    return nav(div(*cells, c="bar-in"), c="places", aria_label=ask.t("portal.screens"))


def search_box(ask: Ask) -> Safe:
    return form(
        LENS,
        input_(
            type_="search",
            name="q",
            value=None,
            placeholder=ask.t("portal.search"),
            aria_label=ask.t("portal.search"),
            autocomplete="off",
            data_key="/",
        ),
        action=link(ask.lang, "/data/datasets"),
        method="get",
        role="search",
        aria_label=ask.t("portal.search"),
        c="find",
    )


def language_links(ask: Ask) -> Safe:
    cells = []
    for lang in LANGS:
        word = ask.t(f"portal.lang_{lang}")
        address = link(lang, ask.path, **ask.query)
        cells.append(b(word) if lang == ask.lang else a(word, href=address, hreflang=TAGS[lang], data_language=lang))
    return div(*cells, c="langs", aria_label=ask.t("portal.language"))


def bell(ask: Ask) -> Safe | None:
    """The way to the notices, with how many are new."""
    if ask.actor.is_anonymous:
        return None
    count = ask.hub.cases.unseen(ask.actor)
    words = ask.t("notices.bell", count=count)
    badge = span(count if count < MOST_SHOWN else f"{MOST_SHOWN - 1}+", c="badge", hidden=not count)
    return a(BELL, badge, href=link(ask.lang, "/home/notices"), c="icon-btn bell", title=words, aria_label=words)


def user_menu(ask: Ask) -> Safe:
    t = ask.t
    if ask.actor.is_anonymous:
        return a(
            t("portal.sign_in"),
            href=f"/signin?{'' if ask.lang == 'zh' else 'lang=en&'}next={link(ask.lang, ask.path)}",
            c="btn primary small signin",
        )
    name = ask.actor.name or ask.actor.person
    roles = t.listed(t.name("role", role) for role in sorted(ask.actor.roles))
    return details(
        summary(MAN, span(name, c="who"), aria_label=f"{name} · {t('portal.account')}"),
        div(
            div(b(name), span(casework.org_name(ask, ask.actor.org), c="quiet"), span(roles, c="quiet"), c="menu-head"),
            a(t("account.title"), href=link(ask.lang, "/home/account")),
            a(t("mine.tokens"), href=link(ask.lang, "/demand/mine", tab="tokens")),
            form(button(t("portal.sign_out"), type_="submit"), action="/signout", method="post"),
            c="menu",
        ),
        c="user",
    )


def mobile_menu(ask: Ask, admitted: Sequence[Area], current: str) -> Safe:
    groups = [
        li(
            span(ask.t(f"area.{item.name}"), c="menu-group"),
            *[a(ask.t(f"{key}.title"), href=link(ask.lang, path)) for path, key in seen(ask, item)],
        )
        for item in admitted
    ]
    return details(summary(BARS, aria_label=ask.t("portal.areas")), div(ul(*groups), c="menu"), c="burger", data_area=current)


def body(ask: Ask, area: str, place: str, page: Page) -> Safe:
    """All that stands in the document before Gradio starts: painted at once, moved into the component when that is ready."""
    return joined(
        top(ask, area, place),
        element(  # the landmark until Gradio's own takes the screen over
            "main",
            div(page.body, id="screen", c="wide" if page.wide else None, tabindex="-1"),
            id="first",
            c="screen-host",
        ),
        div(
            id="notices",
            role="status",
            aria_live="polite",
            data_lost=ask.t("portal.lost"),
            data_wait=ask.t("portal.wait"),
            data_close=ask.t("portal.close"),
        ),
        div(id="progress-line", aria_hidden="true"),
    )
