"""Forms as data: what a command asks for, read strictly, with every problem reported at once. The portal draws them, REST checks them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from corpushub.base.errors import Invalid, Problem

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_TEXT = 20_000
_MAX_INT = 2**53


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `kind`: text, note (long text), date, int, number, bool, choice, choices, words, org, orgs, person, resource,
    resources, case, digest, record (a mapping), records (a list of mappings). `private`: personal, never in a ledger leaf in clear.
    `least` and `most` bound an int.
    """

    name: str
    kind: str = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    min_len: int = 0
    private: bool = False
    default: Any = None
    least: int = -_MAX_INT
    most: int = _MAX_INT


def read_form(fields: Sequence[Field], data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answers in canonical JSON types: dates as ISO text, absent optional answers left out.

    Raises: Invalid("case.form") with one problem for each unknown, missing or malformed answer.
    """
    known = {item.name: item for item in fields}
    problems = [
        Problem("form.unknown", {"field": name, "known": ", ".join(known) or "-"}, path=name)
        for name in data
        if name not in known
    ]
    answers: dict[str, Any] = {}
    for item in fields:
        given = data.get(item.name, item.default)
        if given is None or given in ("", []):
            if item.required:
                problems.append(Problem("form.missing", {"field": item.name}, path=item.name))
            continue
        try:
            answer = _KINDS[item.kind](item, given)
            if answer != []:
                answers[item.name] = answer
        except Invalid as wrong:
            problems.append(Problem(wrong.code, {"field": item.name, **wrong.facts}, path=item.name))
    if problems:
        raise Invalid("case.form", problems=problems)
    return answers


def _text(item: Field, given: Any) -> str:
    if not isinstance(given, str):
        raise Invalid("form.not_text")
    words = given.strip()
    if len(words) < max(item.min_len, 1):
        raise Invalid("form.too_short", least=max(item.min_len, 1))
    if len(words) > _MAX_TEXT:
        raise Invalid("form.too_long", most=_MAX_TEXT)
    return words


def _date(_: Field, given: Any) -> str:
    try:
        return (given if isinstance(given, date) else date.fromisoformat(str(given))).isoformat()
    except ValueError:
        raise Invalid("form.not_date") from None


def _int(item: Field, given: Any) -> int:
    try:
        number = int(str(given))
    except ValueError:
        raise Invalid("form.not_whole") from None
    if abs(number) > _MAX_INT:
        raise Invalid("form.not_whole")
    if not item.least <= number <= item.most:
        raise Invalid("form.not_between", least=item.least, most=item.most)
    return number


def _number(_: Field, given: Any) -> float:
    try:
        number = float(str(given))
    except ValueError:
        raise Invalid("form.not_number") from None
    if not abs(number) < 1e15:
        raise Invalid("form.not_number")
    return number


def _bool(_: Field, given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if str(given).lower() in {"true", "false"}:
        return str(given).lower() == "true"
    raise Invalid("form.not_yes_no")


def _choice(item: Field, given: Any) -> str:
    if given not in item.choices:
        raise Invalid("form.not_choice", choices=", ".join(item.choices))
    return str(given)


def _words(item: Field, given: Any) -> list[str]:
    listed = [part.strip() for part in re.split(r"[,，、;；\n]", given)] if isinstance(given, str) else given
    if not isinstance(listed, list | tuple) or not all(isinstance(part, str) for part in listed):
        raise Invalid("form.not_list")
    words = list(dict.fromkeys(part for part in listed if part))
    if item.required and not words:
        raise Invalid("form.not_list")
    return words


def _choices(item: Field, given: Any) -> list[str]:
    words = _words(item, given)
    if wrong := [word for word in words if word not in item.choices]:
        raise Invalid("form.not_choice", choices=", ".join(item.choices), given=wrong[0])
    return words


def _digest(_: Field, given: Any) -> str:
    if not isinstance(given, str) or not _DIGEST.fullmatch(given):
        raise Invalid("form.not_digest")
    return given


def _record(_: Field, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Invalid("form.not_record")
    return dict(given)


def _records(_: Field, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple) or not all(isinstance(part, Mapping) for part in given):
        raise Invalid("form.not_records")
    return [dict(part) for part in given]


_KINDS: dict[str, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(("text", "note", "org", "person", "resource", "case"), _text),
    **dict.fromkeys(("words", "orgs", "resources"), _words),
    "date": _date,
    "int": _int,
    "number": _number,
    "bool": _bool,
    "choice": _choice,
    "choices": _choices,
    "digest": _digest,
    "record": _record,
    "records": _records,
}
