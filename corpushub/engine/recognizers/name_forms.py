"""Names where a form or a file says that one stands: after a label, before sex or an id, in a numbered list of people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpushub.engine.recognizers.labels import EMPTY, KEY, KNOWN, LABEL, LATIN, ROLE, SURE, without_label
from corpushub.engine.recognizers.name_shapes import (
    COMMON,
    FOLLOW,
    FUNCTION,
    HAN,
    Found,
    ends,
    is_made_of_words,
    is_name,
    is_verb,
)
from corpushub.engine.recognizers.surnames import SINGLE, dictionary, mistaken

_ADDRESS_WORDS = re.compile(
    rf"(?<![\u4e00-\u9fff·])(?P<name>{HAN}{{2,4}}?)(?=(?:女士|先生|小姐|同志|同学|老师|师傅)(?:[，,。；;、：:（(\s]|来电|来信|反映|于|的|在|因|称|您|你|$))"
)
_SEX = re.compile(rf"(?<![\u4e00-\u9fff·])(?P<name>{HAN}{{2,10}})(?=[，,、（( |\t]{{1,2}}(?:男|女)(?:性)?[，,、。；;）) |\t])")
_NUMBERED = re.compile(
    rf"(?:^|\n|[；;：:。])[ \t]*(?:\d{{1,4}}|[（(]\d{{1,4}}[）)]|[一二三四五六七八九十]{{1,3}})[.、．)） \t]{{1,2}}(?P<name>{HAN}{{2,4}})(?=[，,：:（( \t]{{1,2}}(?:身份|证件|男|女|手机|电话|联系|出生|住|户籍|学号|工号|\d{{11}}))"
)
_BEFORE_ID = re.compile(
    rf"(?<![\u4e00-\u9fff·])(?P<name>{HAN}{{2,10}})(?=[，,、：:（( \t]{{1,2}}(?:身份证|公民身份|证件号|手机|电话|联系电话|联系方式|护照|性别|[1-9]\d{{2,9}}[*＊]{{4}}|[1-9]\d{{16}}[\dXx]|1[3-9]\d{{9}}(?!\d)))"
)
_OWN_PAPERS = re.compile(r"[，,、：:（( \t]{1,2}(?:身份证|公民身份|护照)")
_SPACED = re.compile(
    rf"(?<!{HAN})(?P<name>[{''.join(sorted(SINGLE))}][ \u3000]{{1,4}}{HAN}(?:[ \u3000]{{1,4}}{HAN}(?!{HAN}))?)(?!{HAN})"
)


def in_forms(text: str, edges: set[int]) -> Iterator[Found]:
    for label in LABEL.finditer(text):
        sure = re.search(r"[:：|]", label["colon"]) is not None
        linked = not sure and bool(label["colon"].strip())
        if not sure and not linked and text[label.start() : label.end() + 1] in dictionary():
            continue  # the label is part of a longer word
        named = re.sub(r"\s", "", label["label"]) in SURE
        name = _name_at(text, label.end(), sure=sure, named=named)
        if not name or not (sure or (named and ends(text, label.end() + len(name))) or _may_follow(name)):
            continue
        begins = label.start() in edges and (label.end() in edges or ends(text, label.end() + len(name)))
        if sure or linked or begins:
            yield label.end(), label.end() + len(name), 0.85 if sure else 0.75, f"label {label['label']}"
    for key in KEY.finditer(text):
        if name := _name_at(text, key.end(), sure=True):
            yield key.end(), key.end() + len(name), 0.8, "key"
    for role in ROLE.finditer(text):
        if name := _name_at(text, role.end(), sure=True):
            yield role.end(), role.end() + len(name), 0.8, "role"
    for latin in LATIN.finditer(text):
        yield latin.start("name"), latin.end("name"), 0.8, "label"
    for match in _CALLED.finditer(text):
        yield match.start(), match.end(), 0.6, "surname and 姓"
    for match in _FOREIGN.finditer(text):
        yield match.start("name"), match.end("name"), 0.6, "foreign name"
    for pattern, why in (
        (_ADDRESS_WORDS, "form of address"),
        (_SEX, "before sex"),
        (_NUMBERED, "numbered"),
        (_BEFORE_ID, "before an id"),
    ):
        for match in pattern.finditer(text):
            start, name = match.start("name"), match["name"]
            if len(name) > 4 or not is_name(name, weak=True):
                cut = without_label(name)
                start, name = start + cut, name[cut:]
            if is_name(name, weak=why == "before sex") and (why in {"numbered", "before sex"} or name not in dictionary()):
                yield start, start + len(name), 0.8, why
            elif why == "before an id" and _is_owner(text, start, name):
                yield start, start + len(name), 0.7, why
    for match in _SPACED.finditer(text):
        if re.sub(r"\s", "", match["name"]) not in dictionary() and not _is_spread(text, *match.span("name")):
            yield match.start("name"), match.end("name"), 0.55, "spaced"


def _is_owner(text: str, start: int, name: str) -> bool:
    """`格日乐图` of 证明：格日乐图，身份证号: no surname of ours, between a mark and somebody's papers."""
    opened = start == 0 or text[start - 1] in "：:\n 　"
    return opened and len(name) in {3, 4, 5} and _may_be_called(name) and bool(_OWN_PAPERS.match(text, start + len(name)))


def _is_spread(text: str, start: int, end: int) -> bool:
    """Does a run of single characters go on before or after: `性 别  女  民 族`?"""
    return (
        re.search(rf"(?<!{HAN}){HAN}[ \u3000]{{1,4}}$", text[max(0, start - 6) : start]) is not None
        or re.match(rf"[ \u3000]{{1,4}}{HAN}(?!{HAN})", text[end : end + 6]) is not None
    )


_CALLED = re.compile(
    rf"[{''.join(sorted(SINGLE - frozenset('同百万老单双其原何')))}](?=姓(?:男子|女子|老人|先生|女士|嫌疑人|司机|市民|村民|居民|业主|员工|店主|老板|青年|小伙|姑娘))"
)
_FOREIGN = re.compile(
    r"(?<![A-Za-z.@])(?P<name>[A-Z][a-z]{1,15}(?:[ ·\-][A-Z][a-z]{1,15}){1,2})(?=先生|女士|小姐|教授|博士|老师|同志|医生|律师|[（(](?:外籍|男|女|国籍|护照))"
)


KNOWN_WORD, FREQUENT = (
    30,
    1000,
)  # occurrences from which a part of what follows a bare label is a word, and a whole noun after a colon is one


def _may_follow(name: str) -> bool:
    """Is it a name, where no colon says that one follows?"""
    return not _is_phrase(name) and name not in mistaken()


def _is_phrase(name: str) -> bool:
    """Words inside, where no colon says that a name follows: 后实施, 管部门, 单险种."""
    if name[0] in "由向应须经从以与和及为于在将被对按依可能并不未无凡该其都" or is_made_of_words(name):
        return True
    pieces = (name[:2], name[1:]) if len(name) == 3 else (name[:2], name[1:3], name[2:]) if len(name) == 4 else (name,)
    return any(dictionary().get(piece, ("", 0))[1] >= KNOWN_WORD for piece in pieces) or (len(name) == 2 and name in dictionary())


def _name_at(text: str, at: int, *, sure: bool, named: bool = False) -> str:
    """The name that begins at `at`: two to four characters with a surname, and something after it that ends a name.

    `sure`: a colon stands in front; `named`: the label says name, so that what follows is one whatever it looks like.
    """
    run = re.match(rf"{HAN}{{2,6}}", text[at : at + 6])
    if not run:
        return ""
    best = ""
    for length in (2, 3, 4):
        name, stop = run[0][:length], at + length
        if (
            len(name) < length
            or not is_name(name, weak=sure)
            or not (FOLLOW.match(text[stop : stop + 4]) or is_verb(text[stop : stop + 2]))
        ):
            continue
        if best and (length == 4 or name[-1] in FUNCTION):
            continue
        best = name
    strong = sure and ends(text, at + len(best or run[0]))
    if not best:
        return run[0] if named and strong and len(run[0]) <= 4 and _may_be_called(run[0]) else ""
    tag, count = dictionary().get(best, ("", 0))
    if tag and not (strong and (named or (count < COMMON and best not in EMPTY) or (tag[0] == "n" and count < FREQUENT))):
        return ""
    return "" if best in EMPTY or best in KNOWN or (len(best) > 2 and _BODY.search(best)) else best


_BODY = re.compile(r"[局委办厅部处科室所站院队会组厂店社]$")


def _may_be_called(run: str) -> bool:
    """Is a run without a known surname a name where one must stand: no word of the dictionary, no words about a missing name?"""
    words = dictionary()
    return (
        run not in EMPTY
        and run not in words
        and run[:2] not in EMPTY
        and run[:2] not in words
        and not _BODY.search(run)
        and "某" not in run
    )
