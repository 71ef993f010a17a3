"""A command line that cannot be read, and a machine that does not let us, are told in the person's language with what to do next.

The libraries say these things in English only, or with a trace.
"""

from __future__ import annotations

import errno
import re
from pathlib import PurePath
from typing import Any

import typer
from typer._click import exceptions as found  # typer shows the way to BadParameter only
from typer.core import TyperGroup

from corpushub.base.errors import Forbidden, HubError, Invalid, NotFound, Unavailable
from corpushub.base.suggest import closest

QUOTED = re.compile(r"""(['"])(.*)\1""")
IN_BRACKETS = re.compile(r"\(([^()]*)\)\W*$")


class Group(TyperGroup):
    """Commands, one of which is closest to a mistyped one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        asked = args[0]
        if asked in self.commands or asked.startswith("-"):
            return super().resolve_command(ctx, args)
        suggestion = closest(asked, self.commands)
        code = "cli.no_command_near" if suggestion else "cli.no_command"
        raise Invalid(code, asked=asked, suggestion=suggestion, known=", ".join(self.commands), help=help_of(ctx))


def help_of(ctx: Any) -> str:
    """The command that tells more."""
    return f"{ctx.command_path if ctx else 'corpushub'} --help"


def refusal(error: typer.TyperException) -> Invalid | NotFound:
    """What the library found wrong, as a refusal of ours."""
    ctx = getattr(error, "ctx", None)
    match error:
        case found.NoSuchOption():
            params = ctx.command.params if ctx else ()
            known = [name for param in params for name in param.opts if name.startswith("-")]
            suggestion = closest(error.option_name, known)
            code = "cli.no_option_near" if suggestion else "cli.no_option"
            return Invalid(code, asked=error.option_name, suggestion=suggestion, known=", ".join(known), help=help_of(ctx))
        case found.BadOptionUsage():
            code = "cli.no_value" if "does not take" in error.message else "cli.value"
            return Invalid(code, option=error.option_name)
        case found.MissingParameter():
            return Invalid("cli.missing", name=name_of(error.param), help=help_of(ctx))
        case found.BadParameter():
            return bad_value(error)
        case found.UsageError():
            extra = IN_BRACKETS.search(error.message)
            return Invalid("cli.too_much", extra=extra[1] if extra else error.message, help=help_of(ctx))
        case _:
            return Invalid("cli.unreadable", reason=error.format_message(), help=help_of(ctx))


def name_of(param: Any) -> str:
    """An option as it is typed, an argument as the help shows it."""
    return "" if param is None else param.opts[0] if param.param_type_name == "option" else (param.metavar or param.name.upper())


def bad_value(error: typer.BadParameter) -> Invalid | NotFound:
    param: Any = error.param
    name, quoted = name_of(param), QUOTED.search(error.message)
    path = quoted[2] if quoted else ""
    if "does not exist" in error.message:
        return NotFound("cli.no_path", path=path, name=name)
    if "is a directory" in error.message:
        return Invalid("cli.is_folder", path=path, name=name)
    kind = param.type_descriptor if param else None
    if kind is not None and kind.is_datetime:
        return Invalid("cli.bad_day", name=name)
    if kind is not None and kind.annotation is int:
        bounds = (("≥", kind.parameter_info.min), ("≤", kind.parameter_info.max))
        limits = "".join(f" {sign} {bound}" for sign, bound in bounds if bound is not None)
        return Invalid("cli.bad_number", name=name, limits=limits)
    return Invalid("cli.bad_value", name=name, reason=error.message, help=help_of(error.ctx))


def machine_refusal(error: OSError) -> HubError | None:
    """What the operating system did not allow, by the name of the file only; None for what may be a fault of ours."""
    name = PurePath(str(error.filename or "")).name or "-"
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return Forbidden("cli.no_right", name=name)
        case errno.EROFS:
            return Unavailable("cli.read_only", name=name)
        case errno.ENOSPC | errno.EDQUOT:
            return Unavailable("cli.disk_full", name=name) if error.filename else Unavailable("cli.disk_is_full")
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST | errno.ENAMETOOLONG | errno.ELOOP:
            return Invalid("cli.no_place", name=name[:80])
        case errno.ENOENT if error.filename:
            return NotFound("cli.nothing_there", name=name[:80])
        case errno.EIO | errno.EINVAL | errno.ENXIO | errno.ENODEV | errno.EFBIG | errno.EBUSY | errno.ETXTBSY | errno.EMFILE:
            return Unavailable("cli.machine", name=name[:80], reason=error.strerror)
        case _:
            return None
