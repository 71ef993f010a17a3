"""`corpushub steps`: what a recipe may name, and what the parameters of a step mean."""

from __future__ import annotations

from typing import Annotated

import typer

from corpushub.base.errors import NotFound
from corpushub.base.suggest import closest
from corpushub.cli.context import context


def steps(name: Annotated[str, typer.Argument(help="Only this step, with what its parameters mean.")] = "") -> None:
    """List the steps a recipe may name, those of installed plugins too."""
    from corpushub.cli.reference import meaning, parameters
    from corpushub.engine.registry import registry

    ctx, known = context(), registry()
    if not name:
        rows = [{"step": key, "about": step.doc[ctx.lang], "from": step.origin} for key, step in sorted(known.items())]
        ctx.show(rows, columns=("step", "about", "from"))
        return
    if name not in known:
        near = closest(name, known)
        raise NotFound("cli.no_such_step_near" if near else "cli.no_such_step", name=name, suggestion=near)
    step = known[name]
    told = [{"parameter": key, "kind": kind, "default": default.strip("`")} for key, kind, default in parameters(step)]
    if ctx.json:
        about = {"step": name, "kind": step.kind, "version": step.version, "from": step.origin, "about": step.doc[ctx.lang]}
        ctx.show({**about, "meaning": meaning(step, ctx.lang), "parameters": told})
        return
    print(step.doc[ctx.lang])
    print(meaning(step, ctx.lang))
    ctx.show(told, columns=("parameter", "kind", "default"))


COMMANDS = (steps,)
