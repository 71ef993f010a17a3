"""What every command shares: who acts, which home, how results and refusals are shown.

Data goes to standard output, everything a person reads on the way to standard error. With `--json` both are JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import HubError, Invalid
from corpushub.base.identity import Stopwatch
from corpushub.base.messages import LANGS, Lang, catalogue, text
from corpushub.base.settings import Settings, load_settings, preferred_lang
from corpushub.cli.tables import harmless, print_value
from corpushub.domain.build import Progress, ProgressEvent

if TYPE_CHECKING:
    from corpushub.domain.parties import Actor
    from corpushub.services.hub import Hub

GLOBAL_VALUES = ("--lang", "--as", "--home")
LINE_SECONDS = 5.0  # between two lines on how far a stage is


@dataclass(slots=True)
class Context:
    """One run of the command line."""

    lang: Lang
    json: bool = False
    person: str = ""
    home: str = ""
    stated: dict[str, Any] = field(default_factory=dict)  # settings a command's own options name
    _hub: Hub | None = field(default=None, repr=False)

    def settings(self) -> Settings:
        return load_settings(home=self.home, **self.stated)

    def hub(self) -> Hub:
        """The services, opened at first use: `--help` and a mistyped word never touch a database."""
        if self._hub is None:
            from corpushub.services.hub import Hub

            settings = self.settings()
            check_home(settings.home)
            self._hub = Hub(settings)
        return self._hub

    def actor(self) -> Actor:
        """The person this shell acts for: `--as`, CORPUSHUB_ACTING_AS, or `acting_as` in the home's corpushub.toml.

        Raises: Invalid("cli.nobody") with the next step; NotFound("parties.unknown_person").
        """
        person = self.person or self.settings().acting_as
        if not person:
            raise Invalid("cli.nobody")
        return self.hub().parties.actor_of(person)

    def say(self, key: str, **facts: object) -> None:
        """A sentence for the person at the terminal, on standard error."""
        print(harmless(text(key, self.lang, **facts)), file=sys.stderr)

    def show(self, value: Any, *, columns: Sequence[str] = (), title: str = "") -> None:
        """Print one value or a list of rows: JSON for programs, for people as `tables` has it.

        `columns` names and orders the fields of a table; without it all fields of the first row are shown.
        """
        plain = to_plain(value)
        if self.json:
            print(json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=False))
        else:
            print_value(plain, self.lang, columns, title)

    def refuse(self, error: HubError) -> int:
        """Tell why not; the process's exit code."""
        if self.json:
            print(json.dumps({"error": error_value(error)}, ensure_ascii=False), file=sys.stderr)
        else:
            print(harmless(error.explain(self.lang)), file=sys.stderr)
        return error.exit_code

    @contextmanager
    def progress(self) -> Generator[Progress]:
        """A callback that draws bars on a terminal, and elsewhere prints a line per finished stage and every few seconds of a long one."""
        if self.json:
            yield lambda _: None
        elif sys.stderr.isatty():
            yield from bars(self.lang)
        else:
            yield stage_lines(self)


def check_home(home: Path) -> None:
    """Raises: Invalid("cli.home") where no folder can be, OSError where this account may not write."""
    from corpushub.store.home import make_home

    try:
        make_home(home)
        NamedTemporaryFile(dir=home).close()
    except (FileExistsError, NotADirectoryError, FileNotFoundError):
        raise Invalid("cli.home", name=home.name) from None
    except OSError as error:
        error.filename = home.name
        raise


def read_text(file: Path) -> str:
    """What a file the person named holds. Raises: Invalid("cli.not_text"), OSError where it cannot be read."""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Invalid("cli.not_text", name=file.name) from None
    except OSError as error:
        error.filename = error.filename or file.name  # a disk that fails in the middle names no file
        raise


_current: list[Context] = []


def context() -> Context:
    """The context of this run."""
    return _current[-1]


def lang_of(argv: Sequence[str]) -> Lang:
    """The language to refuse a command line in, also one that cannot be read further."""
    words = " ".join(argv).replace("--lang=", "--lang ").split()
    stated = words[words.index("--lang") + 1 :] if "--lang" in words else []
    return "zh" if (stated[0] if stated else preferred_lang()) == "zh" else "en"


def enter(argv: Sequence[str]) -> tuple[Context, list[str]]:
    """Take the global options from wherever they stand before `--`; return the context and the words left.

    Raises: Invalid("cli.lang") for a language the hub does not speak, Invalid("cli.value") for an option without its value.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    words = iter(argv)
    as_json = False
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *words]
        elif name == "--json":
            if equals:
                raise Invalid("cli.no_value", option=name)
            as_json = True
        elif name in GLOBAL_VALUES:
            found[name] = value if equals else next(words, "")
            if not found[name]:
                raise Invalid("cli.value", option=name)
        else:
            rest.append(word)
    if any("\ud800" <= letter <= "\udfff" for word in argv for letter in word):
        raise Invalid("cli.unreadable_bytes")
    asked = found.get("--lang") or preferred_lang()
    if asked not in LANGS:
        raise Invalid("cli.lang", asked=asked, known=", ".join(LANGS))
    made = Context(lang="zh" if asked == "zh" else "en", json=as_json, person=found.get("--as", ""), home=found.get("--home", ""))
    _current.append(made)
    return made, rest


def error_value(error: HubError) -> dict[str, Any]:
    """A refusal as data: code, facts, both languages, and every problem with its place."""
    problems = [
        {"code": p.code, "file": p.file, "line": p.line, "column": p.column, "path": p.path}
        | {"message": {lang: text(p.code, lang, **p.facts) for lang in LANGS}}
        for p in getattr(error, "problems", ())
    ]
    told = {lang: text(error.code, lang, **error.facts) for lang in LANGS}
    return {"code": error.code, "message": told, "facts": to_plain(error.facts), "problems": problems}


def to_plain(value: Any) -> Any:
    """Values as JSON has them: dataclasses become objects, dates ISO text, sets sorted lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value.name if isinstance(value, Path) else value


def written(day: datetime | None) -> str:
    """A day of the command line as services take it: ISO, empty where none is stated."""
    return day.date().isoformat() if day else ""


def amount(count: float, unit: str, lang: Lang) -> str:
    """A count with its unit; bytes as MB, or kB where there are few."""
    if unit == "bytes":
        return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
    return text(f"amount.{unit}", lang, count=f"{count:,.0f}")


def stage_words(stage: str, lang: Lang) -> str:
    """What is being done; steps of a recipe keep the names the recipe gives them."""
    return catalogue(lang).get(f"build.at_{stage}", stage)


def stage_lines(ctx: Context) -> Progress:
    finished: set[str] = set()
    watch, told = Stopwatch(), [0.0]

    def tick(event: ProgressEvent) -> None:
        done, total, rate = (amount(count, event.unit, ctx.lang) for count in (event.done, event.total, event.rate))
        facts = {"stage": stage_words(event.stage, ctx.lang), "done": done, "rate": rate}
        if event.total and event.done >= event.total:
            if event.stage not in finished:
                finished.add(event.stage)
                ctx.say("build.stage_done" if event.rate else "build.stage_over", **facts)
        elif not event.done and not event.total:
            ctx.say("build.stage_begun", **facts)
        elif watch.seconds() - told[0] >= LINE_SECONDS:
            told[0] = watch.seconds()
            ctx.say("build.stage_at", **facts, total=total, seconds=f"{event.eta_seconds:,.0f}")

    return tick


def bars(lang: Lang) -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    parts = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]} / {task.fields[whole]}"),
        TextColumn("{task.fields[rate]}/s"),
        TimeRemainingColumn(),
    )
    with RichProgress(*parts, console=Console(stderr=True), transient=False) as drawn:
        tasks: dict[str, Any] = {}

        def tick(event: ProgressEvent) -> None:
            done, whole, rate = (amount(count, event.unit, lang) for count in (event.done, event.total, event.rate))
            words: dict[str, Any] = {"done": done, "whole": whole, "rate": rate}
            if event.stage not in tasks:
                tasks[event.stage] = drawn.add_task(stage_words(event.stage, lang), total=event.total or None, **words)
            drawn.update(tasks[event.stage], completed=event.done, total=event.total or None, **words)

        yield tick
