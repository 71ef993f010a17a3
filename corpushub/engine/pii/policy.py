"""Policies: which entity is replaced how, and which findings may stay because they belong to an institution or to an office."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Invalid
from corpushub.base.suggest import closest
from corpushub.engine.recognizers.lexicon import lexicon

if TYPE_CHECKING:
    from corpushub.engine.pii.scan import Finding

ACTIONS = ("replace", "surrogate", "pseudonym", "generalise", "mask", "keep", "flag")
STAYS = frozenset({"keep", "flag"})  # the text stays; `flag` asks a reviewer to look
ALWAYS = {"SECRET": "replace", "URL_TOKEN": "replace"}  # no policy and no recipe may keep a credential
CONTACTS = frozenset({"CN_LANDLINE", "PHONE_NUMBER", "CN_MOBILE", "ADDRESS"})
_NEAR = 14  # characters in front of a number that say whose it is


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do with findings. `consistent`: the same value gets the same stand-in within a `document` or the `dataset`."""

    name: str
    default: str
    actions: Mapping[str, str] = field(default_factory=dict)
    keep_officials: bool = False
    keep_institutions: bool = True
    consistent: str = "document"
    allow: frozenset[str] = frozenset()

    def action(self, entity: str) -> str:
        return ALWAYS.get(entity) or self.actions.get(entity, self.default)

    def decide(self, text: str, finding: Finding) -> str:
        """The action for one finding in its text."""
        action = self.action(finding.entity)
        if action in STAYS or finding.entity in ALWAYS:
            return action
        if text[finding.start : finding.end] in self.allow:
            return "keep"
        if self.keep_institutions and is_institutional(text, finding):
            return "keep"
        if finding.entity == "PERSON" and is_doctrine(text, finding):
            return "keep"
        if self.keep_officials and finding.entity == "PERSON" and is_official(text, finding):
            return "keep"
        return action


def is_institutional(text: str, finding: Finding) -> bool:
    """A hotline, a role mailbox or the address of an agency: contacts of an institution are no personal information."""
    words = lexicon()["contacts"]
    if finding.entity == "EMAIL_ADDRESS":
        return re.search(words["mailbox"], text[finding.start : finding.end]) is not None
    if finding.entity not in CONTACTS:
        return False
    before = re.split(r"[。；;\n]", text[max(0, finding.start - _NEAR) : finding.start])[-1]
    if finding.entity == "ADDRESS":
        return re.search(rf"(?:{words['addresses']})[:： ]*$", before) is not None
    return finding.entity != "CN_MOBILE" and re.search(words["before"], before) is not None


def is_official(text: str, finding: Finding) -> bool:
    """The name stands beside a title of office."""
    titles = lexicon()["officials"]["titles"]
    before, after = text[max(0, finding.start - 6) : finding.start], text[finding.end : finding.end + 5]
    return re.search(rf"(?:{titles})[:： ]?$", before) is not None or re.match(rf"[ ]?(?:{titles})", after) is not None


def is_doctrine(text: str, finding: Finding) -> bool:
    """A name inside the name of a body of thought: laws name it, and say nothing of the person."""
    words = lexicon()["doctrine"]
    named = text[finding.start : finding.end] in words["names"].split()
    return named and re.match(words["after"], text[finding.end : finding.end + 8]) is not None


@cache
def policies() -> Mapping[str, Policy]:
    """The policies of rules/pii-policy.toml by name."""
    table: dict[str, dict[str, Any]] = tomllib.loads(files("corpushub").joinpath("rules", "pii-policy.toml").read_text("utf-8"))
    return {name: Policy(name=name, **rules) for name, rules in table.items()}


def policy(
    name: str, *, overrides: Mapping[str, str] | None = None, allow: frozenset[str] = frozenset(), **switches: Any
) -> Policy:
    """A policy with a recipe's changes; switches left None stay as the policy has them.

    Raises: Invalid("pii.unknown_policy" | "pii.unknown_action" | "pii.secrets_stay").
    """
    found = policies().get(name)
    if found is None:
        raise Invalid(
            "pii.unknown_policy", policy=name, known=", ".join(policies()), suggestion=closest(name, list(policies())) or ""
        )
    for entity, action in (overrides or {}).items():
        if action not in ACTIONS:
            raise Invalid("pii.unknown_action", action=action, entity=entity, known=", ".join(ACTIONS))
        if entity in ALWAYS and action != ALWAYS[entity]:
            raise Invalid("pii.secrets_stay", entity=entity)
    given = {key: value for key, value in switches.items() if value is not None}
    return replace(found, actions={**found.actions, **(overrides or {})}, allow=allow, **given)
