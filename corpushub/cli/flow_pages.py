"""The generated pages about flows and rules: who may do what, state diagrams, deadlines with their basis."""

from __future__ import annotations

from corpushub.base.messages import Lang
from corpushub.base.rulebook import load_rulebook
from corpushub.domain.flowdoc import reference
from corpushub.domain.flows import flows


def english() -> str:
    return page("en")


def chinese() -> str:
    return page("zh")


def page(lang: Lang) -> str:
    return reference(flows().values(), load_rulebook(), lang)


def rule_table() -> str:
    """Every rule in force with its basis and whether it was verified against the text."""
    book = load_rulebook()
    lines = [
        "# Rules",
        "",
        "Deadlines, caps and limits are data (`corpushub/rules/*.toml`). A rule marked *from memory* was written down without the text at hand",
        "and has to be checked before it is enforced against anybody.",
        "",
        "| rule | value | unit | basis | verified | from | pack |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in sorted(book.rules.values(), key=lambda item: item.id):
        known = "yes" if rule.verified else "*from memory*"
        lines.append(
            f"| `{rule.id}` | {rule.value} | {rule.unit} | {rule.basis} | {known} | {rule.effective_from} | {rule.pack} |"
        )
    return "\n".join(lines)
