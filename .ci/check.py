"""Everything `make check` asks for, in one go, each with its name and time; `--fix` lets ruff mend first. Exit 1 if any failed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
CODE = ("corpushub", "app.py", ".ci", "tests", "benchmarks", "tools")

CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("ruff", [str(BIN / "ruff"), "check", "-q", *CODE]),
    ("format", [str(BIN / "ruff"), "format", "-q", "--check", *CODE]),
    ("types", [PYTHON, "-m", "mypy", "--no-error-summary"]),
    ("imports", [str(BIN / "lint-imports")]),
    ("house", [PYTHON, ".ci/house.py"]),
    ("docs", [PYTHON, ".ci/docs.py", "--check"]),
    ("cards", [PYTHON, "-m", "corpushub", "cards", "check"]),
)
FIXES: tuple[list[str], ...] = ([str(BIN / "ruff"), "check", "-q", "--fix", *CODE], [str(BIN / "ruff"), "format", "-q", *CODE])


def main(argv: list[str]) -> int:
    if "--fix" in argv:
        for command in FIXES:
            subprocess.call(command, cwd=ROOT)
        return 0
    wanted = [name for name in argv if not name.startswith("-")]
    failed = []
    for name, command in CHECKS:
        if wanted and name not in wanted:
            continue
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        mark = "ok" if done.returncode == 0 else "FAILED"
        print(f"{name:<8} {mark:<7} {time.monotonic() - started:5.1f} s", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    if failed:
        print(f"not clean: {', '.join(failed)}  (make fix mends style; make docs and make cards regenerate)", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
