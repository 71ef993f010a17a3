from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from corpushub.engine.text import compiled

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from numba.core import types
import kept.compiled as compiled
from kept.use import answer
print(answer(0))
"""
USE = """
from kept import counts
from kept.compiled import int64, kernel
VALUE = counts.VALUE
@kernel(int64(int64))
def answer(x):
    return x + VALUE
"""


def answer(folder: Path) -> str:
    program = PROGRAM.format(folder=str(folder))
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_a_constant_changed_in_another_module_reaches_the_kernel(tmp_path: Path) -> None:
    """Machine code kept from an earlier run must not outlive the numbers compiled into it."""
    package = tmp_path / "kept"
    package.mkdir()
    source = Path(compiled.__file__).read_text("utf-8")
    head = source[: source.index("@helper\n")].replace("from corpushub.engine.text import", "from kept import")
    (package / "__init__.py").touch()
    (package / "compiled.py").write_text(head, "utf-8")
    for name in ("characters.py", "shingling.py", "compiled_stats.py"):
        (package / name).touch()
    (package / "use.py").write_text(USE, "utf-8")
    for value in ("1", "2"):
        (package / "counts.py").write_text(f"VALUE = {value}\n", "utf-8")
        assert answer(tmp_path) == value
        assert list(package.glob("__pycache__/use.answer*.nbi"))


def test_every_module_of_constants_is_watched() -> None:
    folder = Path(compiled.__file__).parent
    compiling = list(folder.glob("compiled*.py"))
    named = {path.name for path in compiling}
    for path in compiling:
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("from corpushub.engine.text import "):
                named.add(line.split(" import ")[1].split(" as ")[0] + ".py")
            elif line.startswith("from corpushub.engine.text."):
                named.add(line.split(".")[3].split(" ")[0] + ".py")
    assert named == set(compiled.SOURCES)


def test_kernels_are_loaded_without_linear_algebra() -> None:
    code = "import sys; from corpushub.engine.run.pool import load_kernels; load_kernels(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "corpushub.engine.text.compiled_stats" in loaded
    assert "scipy.linalg" not in loaded
