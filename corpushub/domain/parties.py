"""Who acts: organisations, people, their roles, and the Actor a door hands to every service."""

from __future__ import annotations

from dataclasses import dataclass
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

    def has(self, *roles: Role) -> bool:
        """Does the actor hold any of `roles`?"""
        return not self.roles.isdisjoint(roles)

    @property
    def is_anonymous(self) -> bool:
        return not self.person


ANONYMOUS = Actor(person="", org="", roles=frozenset({Role.PUBLIC}))
SYSTEM = Actor(person="system", org="system", roles=frozenset({Role.SYSTEM}), name="system")
