"""The periodic report to the city as a document (article 17): what `Oversight.report` says, in words, with the record's numbers it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from corpushub.base.errors import Invalid
from corpushub.base.messages import Lang, catalogue, text
from corpushub.domain.parties import Actor
from corpushub.domain.report import PRINTERS, Report, Section
from corpushub.services.oversight import Oversight


def printed(oversight: Oversight, actor: Actor, span: tuple[date, date], form: str, lang: Lang) -> bytes:
    """The report of a span of days as Markdown, HTML or a Word document. Raises: Invalid("report.form"), Forbidden("oversight.only")."""
    if form not in PRINTERS:
        raise Invalid("report.form", given=form, known=", ".join(PRINTERS))
    return PRINTERS[form](written(oversight.report(actor, first=span[0], last=span[1]), lang))


def written(told: Mapping[str, Any], lang: Lang) -> Report:
    """The report's numbers group by group, then the events each was counted from."""
    words = catalogue(lang)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in told["indicators"]:
        groups.setdefault(str(item["group"]), []).append(item)
    heads = tuple(text(f"report.{name}", lang) for name in ("indicator", "value", "count", "formula"))
    sections = [
        Section(
            words.get(f"ui_indicator_group.{group}", group),
            heads=heads,
            rows=tuple((named(words, item), value_of(item, lang), str(item["count"]), str(item["formula"])) for item in items),
        )
        for group, items in groups.items()
    ]
    seen = tuple((named(words, item), ", ".join(item["events"])) for item in told["indicators"] if item["events"])
    columns = (text("report.indicator", lang), text("report.events", lang))
    annex = Section(text("report.annex", lang), (text("report.annex_note", lang),), columns, seen)
    basis = {"events": f"{told['upto']:,}", "leaves": f"{told['ledger_size']:,}", "digest": told["digest"]}
    title = text("report.title", lang, first=told["first"], last=told["last"])
    return Report(title, lang, (text("report.basis", lang, **basis),), (*sections, annex))


def named(words: Mapping[str, str], item: Mapping[str, Any]) -> str:
    return words.get(f"ui_indicator.{item['id']}", str(item["id"]))


def value_of(item: Mapping[str, Any], lang: Lang) -> str:
    if item["unit"] == "percent":
        return f"{item['value']:g}%"
    return (
        text("report.working_days", lang, count=f"{item['value']:g}") if item["unit"] == "working_day" else f"{item['value']:g}"
    )
