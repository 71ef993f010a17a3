"""What a flow's table says to a reader: permission rows, a state diagram, a reference page. Generated, so it can't disagree with the code."""

from __future__ import annotations

from collections.abc import Iterable

from corpushub.base.messages import Lang, text
from corpushub.base.rulebook import Rulebook
from corpushub.domain.workflow import Flow, Quorum, Transition


def permission_rows(flow: Flow) -> list[dict[str, str]]:
    """One row for each transition: command, from, to, who, and what separation or quorum it asks for."""
    return [_row(flow, row) for row in (flow.opening, *flow.transitions)]


def _row(flow: Flow, row: Transition) -> dict[str, str]:
    return {
        "flow": flow.name,
        "command": row.command,
        "from": ", ".join(row.sources) or "-",
        "to": row.target or "(stays)",
        "who": ", ".join(seat.label() for seat in row.by),
        "separation": separation(row),
        "fields": ", ".join(item.name + ("" if item.required else "?") for item in row.fields) or "-",
        "guards": ", ".join(guard.__qualname__.partition(".")[0] for guard in row.guards) or "-",
    }


def separation(row: Transition) -> str:
    """`not own org`, `not own act`, and the quorum where there is one."""
    parts = [{"org": "not own org", "person": "not own act", "": ""}[row.decides]]
    if isinstance(row.quorum, Quorum):
        parts.append(f"{row.quorum.people} people, {row.quorum.orgs} orgs")
    elif row.quorum is not None:
        parts.append(f"quorum: {row.quorum.__doc__}")
    return "; ".join(part for part in parts if part) or "-"


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {flow.opening.target}: {flow.opening.event}"]
    for row in flow.transitions:
        if row.command == "escalate":
            continue
        lines += [f"    {source} --> {row.target or source}: {row.command}" for source in row.sources]
    lines += [f"    {state} --> [*]" for state in flow.states if state in flow.finals]
    return "\n".join(lines)


def reference(flows: Iterable[Flow], rules: Rulebook, lang: Lang) -> str:
    """The reference page of all flows in one language: what each is for, its diagram, its table and its clocks."""
    parts = [f"# {text('flowdoc.title', lang)}", text("flowdoc.intro", lang)]
    for flow in flows:
        parts += [
            f"## {text(f'flow_name.{flow.name}', lang)} (`{flow.name}`)",
            f"```mermaid\n{mermaid(flow)}\n```",
            _table(flow, lang),
        ]
        if flow.clocks:
            parts.append(_clocks(flow, rules, lang))
    return "\n\n".join(parts) + "\n"


def _table(flow: Flow, lang: Lang) -> str:
    heads = ("command", "from", "to", "who", "separation", "fields")
    lines = ["| " + " | ".join(text(f"flowdoc.{head}", lang) for head in heads) + " |", "|" + "---|" * len(heads)]
    for row in (flow.opening, *flow.transitions):
        cells = _row(flow, row)
        cells["command"] = f"{text(f'flow_command.{row.command}', lang)} (`{row.command}`)"
        cells["from"] = ", ".join(_state(name, lang) for name in row.sources) or "-"
        cells["to"] = _state(row.target, lang) if row.target else text("flowdoc.stays", lang)
        lines.append("| " + " | ".join(cells[head] for head in heads) + " |")
    return "\n".join(lines)


def _state(name: str, lang: Lang) -> str:
    return text(f"flow_state.{name}", lang)


def _clocks(flow: Flow, rules: Rulebook, lang: Lang) -> str:
    lines = [text("flowdoc.clocks", lang), ""]
    for clock in flow.clocks:
        rule = rules.rule(clock.rule)
        known = text("flowdoc.verified" if rule.verified else "flowdoc.unverified", lang)
        unit = text(f"flowdoc.{rule.unit}", lang)
        starts = ", ".join(_state(name, lang) for name in clock.starts)
        lines.append(f"- `{clock.name}`: {rule.value} {unit} ({rule.basis}; {known}) - {text('flowdoc.from', lang)} {starts}")
    return "\n".join(lines)
