"""HTML as nested calls: `div(h2(title), p(words), c="card")`. Text is escaped unless it is already `Safe`; nothing else makes `Safe`.

Attributes are keyword arguments: `c` is the class, `for_` and friends lose their underscore at the end, inner underscores become dashes,
True writes the bare name, None and False leave it out.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from typing import TypeAlias


class Safe(str):
    """Markup that may stand in a page as it is."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"
Tag = Callable[..., Safe]

VOID = frozenset({"input", "br", "hr", "img", "link", "meta", "col"})
RENAMED = {"c": "class", "for_": "for", "type_": "type", "is_": "is"}


def text_of(child: Child) -> str:
    """Markup of one child: strings escaped, lists joined, None nothing."""
    if child is None or child is False or child is True:
        return ""
    if isinstance(child, Safe):
        return child
    if isinstance(child, str):
        return html.escape(child)
    if isinstance(child, (int, float)):
        return str(child)
    return "".join(text_of(item) for item in child)


def attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = RENAMED.get(name) or name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def element(name: str, /, *children: Child, **attributes: object) -> Safe:
    """`<name attributes>children</name>`."""
    opening = f"<{name}{''.join(attribute(key, value) for key, value in attributes.items())}>"
    return Safe(opening if name in VOID else f"{opening}{text_of(children)}</{name}>")


def tag(name: str) -> Tag:
    """A function that writes elements called `name`."""

    def write(*children: Child, **attributes: object) -> Safe:
        return element(name, *children, **attributes)

    return write


def joined(*children: Child) -> Safe:
    """Children one after another, without an element around them."""
    return Safe(text_of(children))


a = tag("a")
article = tag("article")
aside = tag("aside")
b = tag("b")
button = tag("button")
code = tag("code")
col = tag("col")
colgroup = tag("colgroup")
dd = tag("dd")
del_ = tag("del")
details = tag("details")
dialog = tag("dialog")
div = tag("div")
dl = tag("dl")
dt = tag("dt")
em = tag("em")
fieldset = tag("fieldset")
figcaption = tag("figcaption")
figure = tag("figure")
footer = tag("footer")
form = tag("form")
h1 = tag("h1")
h2 = tag("h2")
h3 = tag("h3")
h4 = tag("h4")
header = tag("header")
hr = tag("hr")
img = tag("img")
input_ = tag("input")
ins = tag("ins")
kbd = tag("kbd")
label = tag("label")
legend = tag("legend")
li = tag("li")
link = tag("link")
main = tag("main")
mark = tag("mark")
meter = tag("meter")
nav = tag("nav")
ol = tag("ol")
optgroup = tag("optgroup")
option = tag("option")
output = tag("output")
p = tag("p")
pre = tag("pre")
progress = tag("progress")
section = tag("section")
select = tag("select")
small = tag("small")
span = tag("span")
strong = tag("strong")
summary = tag("summary")
table = tag("table")
tbody = tag("tbody")
td = tag("td")
textarea = tag("textarea")
tfoot = tag("tfoot")
th = tag("th")
thead = tag("thead")
time = tag("time")
tr = tag("tr")
ul = tag("ul")
