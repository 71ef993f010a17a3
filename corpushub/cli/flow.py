"""`corpushub flow …`: every case of every flow - look, open, act, and see who may do what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from corpushub.base.errors import Invalid, NotFound
from corpushub.cli.context import context

app = typer.Typer(help="Cases of every flow: requests, authorizations, releases, objections …", no_args_is_help=True)
COLUMNS = ("id", "flow", "state", "version", "opened_by", "opened_org", "opened_at")


@app.command()
def tasks() -> None:
    """What waits for the acting person, most urgent first."""
    ctx = context()
    rows = [
        {
            "case": task.case.id,
            "flow": task.case.flow,
            "state": task.case.state,
            "commands": list(task.commands),
            "due": task.clock.due.isoformat() if task.clock else "",
            "light": task.clock.light if task.clock else "",
        }
        for task in ctx.hub().cases.tasks(ctx.actor())
    ]
    ctx.show(rows, columns=("case", "flow", "state", "commands", "due", "light"))


@app.command("list")
def list_cases(
    flow: Annotated[str, typer.Option(help="Only of this flow.")] = "",
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; repeat for more.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only those my organisation opened.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """Cases the acting person may see, newest first."""
    ctx = context()
    page = ctx.hub().cases.list(ctx.actor(), flow=flow or None, states=state, mine=mine, limit=limit)
    ctx.show([{name: getattr(case, name) for name in COLUMNS} for case in page.items], columns=COLUMNS)


@app.command()
def show(case: Annotated[str, typer.Argument(help="The case's id.")]) -> None:
    """A case with its clocks and what the acting person may do now."""
    ctx = context()
    cases, actor = ctx.hub().cases, ctx.actor()
    held = cases.get(actor, case)
    shown = {name: getattr(held, name) for name in COLUMNS}
    allowed = [
        {
            "command": item.command,
            "fields": [field.name + ("" if field.required else "?") for field in item.fields],
            "refused": item.refusal.explain(ctx.lang) if item.refusal else "",
        }
        for item in cases.allowed(actor, case)
    ]
    ctx.show(
        {**shown, "data": dict(held.data), "clocks": [vars_of(item) for item in cases.clocks(actor, case)], "allowed": allowed}
    )


@app.command()
def history(case: Annotated[str, typer.Argument(help="The case's id.")]) -> None:
    """Every event of a case."""
    ctx = context()
    rows = [
        {
            "version": event.version,
            "at": event.at,
            "type": event.type,
            "actor": event.actor,
            "org": event.org,
            "state": event.state,
        }
        for event in ctx.hub().cases.history(ctx.actor(), case)
    ]
    ctx.show(rows, columns=("version", "at", "type", "actor", "org", "state"))


@app.command("open")
def open_case(
    flow: Annotated[str, typer.Argument(help="The flow's name.")],
    data: Annotated[list[str] | None, typer.Argument(help="name=value …; or one JSON object; or @file.json.")] = None,
) -> None:
    """Begin a case."""
    ctx = context()
    case = ctx.hub().cases.open(ctx.actor(), flow, read_data(data or []))
    ctx.show({name: getattr(case, name) for name in COLUMNS})


@app.command("do")
def execute(
    case: Annotated[str, typer.Argument(help="The case's id.")],
    command: Annotated[str, typer.Argument(help="The command, as `flow show` lists it.")],
    data: Annotated[list[str] | None, typer.Argument(help="name=value …; or one JSON object; or @file.json.")] = None,
    version: Annotated[int | None, typer.Option(help="Refuse if the case has moved on from this version.")] = None,
) -> None:
    """Give a command to a case."""
    ctx = context()
    after = ctx.hub().cases.execute(ctx.actor(), case, command, read_data(data or []), expected_version=version)
    ctx.show({name: getattr(after, name) for name in COLUMNS})


@app.command()
def tick() -> None:
    """Let the clocks act on everything that is due: public notices end, rights expire, overdue cases escalate."""
    ctx = context()
    ctx.show({"acted": ctx.hub().jobs.tick()})


@app.command()
def table(flow: Annotated[str, typer.Argument(help="The flow's name; empty: all.")] = "") -> None:
    """Who may do what in which state."""
    from corpushub.domain.flowdoc import permission_rows
    from corpushub.domain.flows import flow_named, flows

    ctx = context()
    tables = (flow_named(flow),) if flow else tuple(flows().values())
    rows = [row for item in tables for row in permission_rows(item)]
    ctx.show(rows, columns=("flow", "command", "from", "to", "who", "separation"))


def vars_of(reading: Any) -> dict[str, Any]:
    return {
        "clock": reading.clock,
        "due": reading.due.isoformat(),
        "state": reading.state,
        "light": reading.light,
        "left": reading.left,
    }


def read_data(words: list[str]) -> dict[str, Any]:
    """Form answers from the command line. Values that read as JSON are JSON, others text.

    Raises: Invalid("flow.bad_data").
    """
    if len(words) == 1 and words[0].startswith("@"):
        return parsed(text_of(Path(words[0][1:])))
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return parsed(words[0])
    answers: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise Invalid("flow.bad_data", word=word)
        try:
            answers[name] = json.loads(value)
        except (ValueError, RecursionError):
            answers[name] = value
    return answers


def text_of(file: Path) -> str:
    """Raises: NotFound("cli.no_path"), Invalid("flow.bad_data")."""
    if not file.is_file():
        raise NotFound("cli.no_path", path=file.name, name="DATA")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Invalid("flow.bad_data", word=file.name) from None


def parsed(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("flow.bad_data", word="JSON") from None
    if not isinstance(value, dict):
        raise Invalid("flow.bad_data", word="JSON")
    return value
