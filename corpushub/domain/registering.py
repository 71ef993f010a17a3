"""What an application for registration says before anybody writes a word: what the catalog, the organisation's last application and the
record of agreements and assessments know already (article 3: registration is to be easy).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.base.messages import Lang, catalogue, text
from corpushub.domain.catalog import Resource
from corpushub.domain.flows.registration import MATERIALS
from corpushub.domain.parties import Org
from corpushub.domain.workflow import Case

FROM_CATALOG = frozenset({"situation", "products"})  # as they stand today, whatever an earlier application said


@dataclass(frozen=True, slots=True)
class Known:
    """All an application may rest on. `earlier`: what this organisation last said of itself; `before`: what it last said of this entry.
    `names`: of people and organisations the entry names by their ids; the id stands where a name is not known.
    """

    entry: Resource
    org: Org
    earlier: Mapping[str, str]
    before: Mapping[str, str]
    names: Mapping[str, str]
    products: Sequence[Resource] = ()
    agreements: Sequence[Case] = ()
    assessments: Sequence[Case] = ()


@dataclass(frozen=True, slots=True)
class _Writer:
    known: Known
    lang: Lang

    def t(self, name: str, /, **facts: object) -> str:
        return text(f"registering.{name}", self.lang, **facts)

    def word(self, area: str, name: str) -> str:
        return catalogue(self.lang).get(f"{area}.{name}", name)

    def of(self, both: Mapping[str, str]) -> str:
        return both.get(self.lang) or next(iter(both.values()), "")

    def called(self, stated: str) -> str:
        return self.known.names.get(stated, stated)

    def joined(self, sentences: Sequence[str]) -> str:
        return self.t("space").join(sentences)

    def listed(self, names: Sequence[str]) -> str:
        return self.t("between").join(names)

    def applicant(self) -> str:
        org, contact = self.known.org, self.known.entry.interpreter
        said = [self.t("applicant", name=self.of(org.name), code=org.credit_code, kind=self.word("ui_org_kind", org.kind.value))]
        if contact and org.id == self.known.entry.owner:
            person = self.called(contact.get("person", "-"))
            said.append(self.t("contact", person=person, contact=contact.get("contact", "-")))
        return self.joined(said)

    def legality(self) -> str:
        entry = self.known.entry
        said = [self.t("origin", origin=self.word("ui_origin", entry.origin))]
        if entry.contract:
            said.append(self.t("contract", collector=self.called(entry.collector) or "-", contract=entry.contract))
        return self.joined(said)

    def situation(self) -> str:
        entry = self.known.entry
        said = [
            self.t("about", title=self.of(entry.title), id=entry.id, summary=self.of(entry.summary)),
            self.t("fields", count=len(entry.items), frequency=self.word("ui_frequency", entry.frequency)),
            self.t(
                "grade",
                category=self.word("flow_choice", entry.classification.category.value),
                grade=entry.classification.grade,
                egress=self.word("ui_egress", entry.egress.value),
            ),
        ]
        said += [self.t(name, words=getattr(entry, name)) for name in ("system", "volume", "licence") if getattr(entry, name)]
        return self.joined(said)

    def evidence(self) -> str:
        entry = self.known.entry
        said = [self.t("entry", id=entry.id, version=entry.version)]
        if entry.secrecy_checked_by:
            said.append(self.t("secrecy", person=self.called(entry.secrecy_checked_by)))
        papers = [*self.known.agreements, *self.known.assessments]
        if papers:
            said.append(self.t("papers", ids=self.listed([case.id for case in papers])))
        return self.joined(said)

    def products(self) -> str:
        made = [f"{self.of(entry.title)} ({entry.id})" for entry in self.known.products]
        return self.t("products", names=self.listed(made)) if made else self.t("no_products")

    def scenarios(self) -> str:
        """What agreements name; who applies has to say it where none does."""
        stated = [str(case.data["scenario"]) for case in self.known.agreements if case.data.get("scenario")]
        codes = dict.fromkeys(code for case in self.known.agreements for code in case.data.get("purposes", ()))
        purposes = [self.word("flow_choice", code) for code in codes]
        return self.joined([*stated, *([self.t("purposes", names=self.listed(purposes))] if purposes else [])])

    def risk_assessment(self) -> str:
        """The newest accepted assessment; nothing can stand for one that was not made."""
        for case in self.known.assessments:
            result, last = self.word("flow_choice", str(case.data.get("result"))), case.data.get("valid_to")
            return self.t("assessment", id=case.id, result=result, valid_to=last)
        return ""


_WRITERS: Mapping[str, Callable[[_Writer], str]] = {name: getattr(_Writer, name) for name in MATERIALS}


def prepared(known: Known, lang: Lang) -> dict[str, Any]:
    """Answers to the form that opens a registration, for somebody to read, mend and complete.

    What the organisation said of the same entry before is kept, what it is itself comes from its last application of any entry, the rest
    from the record. Left open: digest of the evidence and the commitment, which only a person can give.
    """
    writer = _Writer(known, lang)
    applicant = known.before.get("applicant") or known.earlier.get("applicant", "")
    said = {name: text for name, text in known.before.items() if name not in FROM_CATALOG} | {"applicant": applicant}
    materials = {name: said.get(name) or _WRITERS[name](writer) for name in MATERIALS}
    return {
        "resource": known.entry.id,
        "kind": "change" if known.entry.registration_code else "first",
        "materials": {name: words for name, words in materials.items() if words},
    }
