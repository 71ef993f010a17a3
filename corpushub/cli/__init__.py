"""`corpushub …`: the hub's services from a shell. Each area's commands stand in the module of its name.

Import stays light: no engine, database or portal is loaded before a command needs it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer._click.exceptions import NoArgsIsHelpError
from typer.main import get_command

from corpushub import __version__
from corpushub.base.errors import HubError
from corpushub.base.messages import Lang
from corpushub.cli.context import Context, enter, lang_of
from corpushub.cli.help import tell
from corpushub.cli.usage import Group, machine_refusal, refusal

# Modules whose functions are commands of the top level (`corpushub build`), and modules that are a group of their own.
TOP = ("serve", "backup", "build", "steps", "rebuild")
GROUPS = ("release", "cards", "audit", "token", "user", "flow", "catalog", "oversee", "federation", "pii", "cleanroom", "compute")

STOPPED = 130  # by Control-C, as shells tell it

ABOUT = """Turn authorized public data into versioned, PII-scrubbed training datasets with data cards.

Options that work with every command, at any place: --json (data for programs), --lang zh|en, --as PERSON (who acts), --home FOLDER."""


def application() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="corpushub",
        cls=Group,
        help=ABOUT,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(root)
    for name in TOP:
        for command in import_module(f"corpushub.cli.{name}").COMMANDS:
            app.command()(command)
    for name in GROUPS:
        app.add_typer(import_module(f"corpushub.cli.{name}").app, name=name, cls=Group)
    return app


def tree(lang: Lang) -> Any:
    """The commands as the library runs them, telling about themselves in `lang`."""
    made = get_command(application())
    tell(made, lang)
    return made


def root(*, version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    if version:
        print(f"corpushub {__version__}")
        raise typer.Exit


def main(argv: list[str] | None = None) -> None:
    """Entry point of the `corpushub` program. Exit codes: 0 done, 1 failed check, 2 bad input, 3 refused, 4 not found, 5 conflict, 75 try again."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code; a refusal is told, a bug shows its trace."""
    ctx = Context(lang=lang_of(argv))
    try:
        ctx, words = enter(argv)
        code = tree(ctx.lang)(args=words, prog_name="corpushub", standalone_mode=False) or 0
    except HubError as error:
        return ctx.refuse(error)
    except NoArgsIsHelpError as asked:
        asked.show()
        return asked.exit_code
    except typer.TyperException as error:
        return ctx.refuse(refusal(error))
    except OSError as error:
        if (told := machine_refusal(error)) is None:
            raise
        return ctx.refuse(told)
    except (KeyboardInterrupt, typer.Abort):  # Control-C, or Control-D where a password is asked for
        code = STOPPED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    if code == STOPPED:
        ctx.say("cli.stopped")
    return code if isinstance(code, int) else 0
