"""House rules that ruff, mypy and import-linter cannot say. `python .ci/house.py` prints FILE:LINE [rule] message; exit 1 if any.

A rule is a function `(where, tree) -> findings`; `where` is the path below corpushub/. Add the incident that taught the rule to its docstring.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ROOT = PROJECT / "corpushub"
Finding = tuple[int, str, str]
Found = Iterator[Finding]

MAX_MODULE_LINES, MAX_FUNCTION_LINES = 500, 60
CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
# The engine's kernels that materialise a frame on purpose; everything else stays lazy and lets the runner.py decide.
COLLECTORS = ("engine/run/", "engine/shards.py", "engine/rows.py", "engine/profile.py", "engine/privacy.py", "engine/outputs.py")
EVENTS = {"click", "change", "submit", "select", "load", "input", "tick", "upload", "blur", "then", "success"}
BUILTIN_ERRORS = {
    "Exception",
    "ValueError",
    "KeyError",
    "LookupError",
    "RuntimeError",
    "TypeError",
    "PermissionError",
    "FileNotFoundError",
}
CLOCKS = {"now", "utcnow", "today", "uuid1", "uuid4", "time_ns"}
FRAME_NAMES = {"collect", "collect_all", "sink_parquet", "sink_ipc", "sink_csv", "sink_ndjson"}


def size(where: str, tree: ast.Module, source: str) -> Found:
    """A module nobody can hold in the head hides its bugs."""
    length = source.count("\n")
    if length > MAX_MODULE_LINES:
        yield 1, "size", f"{length} lines; split at {MAX_MODULE_LINES}"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno
            if lines >= MAX_FUNCTION_LINES:
                yield node.lineno, "size", f"{node.name} has {lines} lines; split at {MAX_FUNCTION_LINES}"


def lazy(where: str, tree: ast.Module, source: str) -> Found:
    """Frames stay lazy outside the runner: a stray collect turned a bounded build into one that held the corpus."""
    if not where.startswith("engine/") or where.startswith(COLLECTORS):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FRAME_NAMES:
            yield node.lineno, "lazy", "only the runner collects or sinks; return the LazyFrame"


def settings(where: str, tree: ast.Module, source: str) -> Found:
    """One reader of the environment, so that a test or an operator can see every switch in one place."""
    if where == "base/settings.py":
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in {"environ", "getenv"}
        ):
            yield node.lineno, "settings", "read base.settings, not the environment"


def clock(where: str, tree: ast.Module, source: str) -> Found:
    """Time and chance come in as arguments: a card with a clock in it is never reproducible."""
    if where == "base/identity.py":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield node.lineno, "clock", "take time and ids from base.identity, so that tests can fix them"


def words(where: str, tree: ast.Module, source: str) -> Found:
    """Words for people live in the catalogue, in both languages."""
    if "recognizers/" in where:
        return
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    holders = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
    docs = {id(node.body[0].value) for node in holders if isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs and CJK.search(node.value):
            yield node.lineno, "words", "Chinese words live in base/locale, rules/ or recognizers/"


def callback(where: str, tree: ast.Module, source: str) -> Found:
    """A lambda as event handler cannot be tested, and holds logic where none belongs."""
    if not where.startswith("portal/"):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Lambda(), *_]) if name in EVENTS:
                yield node.lineno, "callback", "name the handler: a lambda cannot be tested"


def refusals(where: str, tree: ast.Module, source: str) -> Found:
    """Services and domain refuse with a HubError: callers get a code, facts and two languages."""
    if not where.startswith(("services/", "domain/")):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name in BUILTIN_ERRORS:
                yield node.lineno, "refusals", f"raise a HubError, not {name}"


def swallowed(where: str, tree: ast.Module, source: str) -> Found:
    """`except Exception: pass` hid a failed publish once; a bug is a crash."""
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None | ast.Name(id="Exception" | "BaseException"), body=[ast.Pass()]):
                yield node.lineno, "swallowed", "say which error is expected, or let it crash"


RULES: tuple[Callable[[str, ast.Module, str], Found], ...] = (size, lazy, settings, clock, words, callback, refusals, swallowed)


def check(where: str, source: str) -> list[Finding]:
    """All findings of one file, in line order."""
    tree = ast.parse(source)
    return sorted(found for rule in RULES for found in rule(where, tree, source))


def main() -> int:
    bad = 0
    for path in sorted(ROOT.rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if where.startswith("store/migrations/versions/"):
            continue
        for line, rule, message in check(where, path.read_text("utf-8")):
            print(f"corpushub/{where}:{line}: [{rule}] {message}")
            bad += 1
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
