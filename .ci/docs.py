"""Regenerate docs/reference from the code (`make docs`); with `--check` write nothing and fail when a page is stale.

A page is a function without arguments that returns Markdown; the modules below each list theirs in `PAGES`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from corpushub.cli.reference import pages

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def main(argv: list[str]) -> int:
    stale = []
    wanted = pages()
    for name, body in wanted.items():
        path = REFERENCE / name
        if path.exists() and path.read_text("utf-8") == body:
            continue
        stale.append(name)
        if "--check" not in argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
    stale += [path.name for path in sorted(REFERENCE.glob("*.md")) if path.name not in wanted]
    if stale and "--check" in argv:
        print(f"stale: {', '.join(stale)} (run: make docs)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
