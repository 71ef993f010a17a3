"""Who acts: organisations, people, their roles, and the Actor a door hands to every service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """A seat a person holds; the policy's term stands beside each."""

    AUTHORITY = "authority"  # 市级数据主管部门
    SECTOR = "sector"  # 行业领域主管部门
    PROVIDER = "provider"  # 数据提供单位
    IMPLEMENTER = "implementer"  # 实施机构
    OPERATOR = "operator"  # 运营机构 (curators)
    REGISTRAR = "registrar"  # 登记机构
    DEVELOPER = "developer"  # 开发主体
    REVIEWER = "reviewer"  # 规范性审查人员
    ASSESSOR = "assessor"  # 第三方评估机构
    AUDITOR = "auditor"  # 审计机关
    CDO = "cdo"  # 首席数据官
    DISTRICT = "district"  # 区、街乡、社区
    PUBLIC = "public"  # 社会公众
    SUPERVISOR = "supervisor"  # 监管部门
    ADMIN = "admin"  # accounts and settings only; never exempt from a rule
    SYSTEM = "system"  # clocks and queued jobs


@dataclass(frozen=True, slots=True)
class Actor:
    """The person (or job) behind a call. `person` and `org` are ids; a bot names the person it acts for in `on_behalf_of`."""

    person: str
    org: str
    roles: frozenset[Role]
    name: str = ""
    on_behalf_of: str = ""
    token: str = ""  # id of the token that spoke, empty for a session
    scopes: tuple[
        str, ...
    ] = ()  # what that token may (`read`, `write`, `request`), and what it is narrowed to (`repo:…`, `zone:…`)

    def has(self, *roles: Role) -> bool:
        """Does the actor hold any of `roles`?"""
        return not self.roles.isdisjoint(roles)

    def narrowed_to(self, kind: str) -> tuple[str, ...]:
        """The datasets (`repo`) or zones (`zone`) beside which the token that spoke opens nothing; none: it is not narrowed."""
        return tuple(word.removeprefix(f"{kind}:") for word in self.scopes if word.startswith(f"{kind}:"))

    def reaches(self, dataset: str = "") -> bool:
        """Does what spoke speak for `dataset`, or ("") for what is no dataset? A session always does."""
        datasets = self.narrowed_to("repo")
        return dataset in datasets if datasets else bool(dataset) or not self.narrowed_to("zone")

    def may(self, scope: str, dataset: str = "") -> bool:
        """Does what spoke allow it? A session may what its person may; a token what it says, in a zone only to read."""
        if not self.token:
            return True
        return scope in self.scopes and self.reaches(dataset) and (scope == "read" or not self.narrowed_to("zone"))

    def opens(self, dataset: str) -> bool:
        """Does what spoke let its person see of `dataset` what nobody else may? Who changes a dataset reads what is in it."""
        return self.may("read", dataset) or self.may("write", dataset)

    @property
    def is_anonymous(self) -> bool:
        return not self.person


ANONYMOUS = Actor(person="", org="", roles=frozenset({Role.PUBLIC}))
SYSTEM = Actor(person="system", org="system", roles=frozenset({Role.SYSTEM}), name="system")


class OrgKind(StrEnum):
    """What an organisation is; `external` ones may register and contribute but not be authorised to operate."""

    AUTHORITY = "authority"
    AGENCY = "agency"  # 公共机构
    UTILITY = "utility"  # 水电气热公交等公用企业
    OPERATOR = "operator"
    ENTERPRISE = "enterprise"
    RESEARCH = "research"
    ASSOCIATION = "association"
    REGISTRY = "registry"  # 登记授权中心
    AUDIT = "audit"
    DEVELOPER = "developer"  # 开发主体
    ASSESSOR = "assessor"  # 第三方评估机构
    EXCHANGE = "exchange"
    DISTRICT = "district"
    MINISTRY = "ministry"


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation. `credit_code`: 18-character unified social credit code (GB 32100); `region`: GB/T 2260 code."""

    id: str
    credit_code: str
    kind: OrgKind
    region: str
    name: Mapping[str, str]
    state: str = "active"
    state_assets: bool = False
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an organisation; `name` is personal data and never reaches the ledger."""

    id: str
    org: str
    name: str
    state: str = "active"
    oidc_subject: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A seat held for a time; days are inclusive, an empty end is open."""

    id: str
    person: str
    role: Role
    valid_from: str
    valid_to: str = ""
    scope: str = ""

    def holds_on(self, day: date) -> bool:
        text = day.isoformat()
        return self.valid_from <= text and (not self.valid_to or text <= self.valid_to)


MANAGERS = frozenset({Role.AUTHORITY, Role.IMPLEMENTER, Role.REGISTRAR, Role.REVIEWER})
OPERATORS = frozenset({Role.OPERATOR})
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_FORM = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")


def credit_check(body: str) -> str:
    """Check character of a 17-character credit code (GB 32100, weights 3^i mod 31)."""
    total = sum(CREDIT_ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return CREDIT_ALPHABET[-total % 31]


def is_credit_code(code: str) -> bool:
    return bool(_CREDIT_FORM.fullmatch(code)) and credit_check(code[:17]) == code[17]


PROVINCES = frozenset(
    f"{code}"
    for code in (*range(11, 16), 21, 22, 23, *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91)
)
"""First two digits of a region's code (GB/T 2260), and of identity numbers."""


def is_region(code: str) -> bool:
    """Six digits of GB/T 2260, or nine and twelve for street and community."""
    return code.isascii() and code.isdigit() and len(code) in {6, 9, 12}


def region_prefix(code: str) -> str:
    """The digits all places inside share: 110000 -> 11, 110105 -> 110105."""
    if len(code) == 6 and code.endswith("0000"):
        return code[:2]
    return code[:4] if len(code) == 6 and code.endswith("00") else code


def exclusive(held: Iterable[Role]) -> bool:
    """Do these seats put managing and operating into one hand (article 14, INV-03)?"""
    seats = frozenset(held)
    return bool(seats & MANAGERS) and bool(seats & OPERATORS)
