"""Bring `.venv` in step with the lock, then run the rest of the command line in it. Standard library only.

    python3 .ci/bootstrap.py                    install what the lock names
    python3 .ci/bootstrap.py app.py --demo      install, then start the demo
    python3 .ci/bootstrap.py -m pytest          install, add the system programs the tests drive, then test

Needs Python 3.11 or newer. Uses uv where it can be had (about ten times faster) and pip otherwise; both check every hash.
Environment: CORPUSHUB_VENV (another folder), CORPUSHUB_INSTALLER=pip (never uv), CORPUSHUB_SYSTEM=skip (no system packages).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("CORPUSHUB_VENV", ROOT / ".venv"))
LOCK = ROOT / ".ci" / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
UV = "uv==0.13.9"
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

# What the tests drive for real: program to look for -> Debian package that brings it.
TEST_PROGRAMS = {
    "chromium": "chromium",
    "nginx": "nginx-light",
    "wrk": "wrk",
    "openssl": "openssl",
    "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc": "fonts-noto-cjk",
}


def main(argv: list[str]) -> int:
    """Install if anything changed, then run `argv` with the environment's Python."""
    if sys.version_info < (3, 11):
        sys.exit(f"corpushub needs Python 3.11 or newer, this is {sys.version.split()[0]}: try PYTHON=python3.12 make run")
    python = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp, wanted = VENV / ".stamp", fingerprint()
    if not (python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted):
        say("setting up Python packages (once: some minutes, 3 GB on disk)")
        create_venv(python)
        install(python)
        stamp.write_text(wanted, "utf-8")
    if argv[:2] == ["-m", "pytest"]:
        install_test_programs()
    return subprocess.call([str(python), *argv], cwd=ROOT) if argv else 0


def say(words: str) -> None:
    """Progress for a person, kept off standard output."""
    print(f"corpushub: {words}", file=sys.stderr, flush=True)


def fingerprint() -> str:
    """Digest of everything that decides what is installed."""
    return hashlib.sha256("\0".join((sys.version, LOCK.read_text("utf-8"), PROJECT.read_text("utf-8"))).encode()).hexdigest()


def create_venv(python: Path) -> None:
    """Make the environment; where Debian's Python lacks ensurepip, fetch the package that has it."""
    if python.exists():
        return
    for attempt in (1, 2):
        done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
        if done.returncode == 0:
            return
        shutil.rmtree(VENV, ignore_errors=True)
        version = f"python3.{sys.version_info.minor}-venv"
        if attempt == 2 or not apt_install([version]):
            sys.exit(f"this Python cannot make a virtual environment; on Debian or Ubuntu: sudo apt-get install {version}")


def install(python: Path) -> None:
    """Install the locked packages, hashes checked, then corpushub itself, editable."""
    here = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    locked = ["--require-hashes", "--no-deps", "-r", str(LOCK)]
    if uv := find_uv(python):
        pip = [*uv, "pip", "install", "-q", "--python", str(python)]
        # A certificate that an organisation has added to the machine counts for pip, so it shall for uv.
        trust = {**os.environ, "UV_SYSTEM_CERTS": "1"} if SYSTEM_CERTIFICATES.exists() else None
        if subprocess.call([*pip, *index_options(python), *locked], env=trust) == 0:
            subprocess.run([*pip, *here], check=True, env=trust)
            return
        say("uv could not install; falling back to pip, which is slower")
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *locked], check=True)
    subprocess.run([*pip, *here], check=True)


def find_uv(python: Path) -> list[str] | None:
    """Command line of uv, from PATH or from the package index; None where neither has it."""
    if os.environ.get("CORPUSHUB_INSTALLER") == "pip":
        return None
    if found := shutil.which("uv"):
        return [found]
    got = subprocess.call([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", UV])
    return [str(python), "-m", "uv"] if got == 0 else None


def index_options(python: Path) -> list[str]:
    """The mirror of pip's own configuration as uv options, for uv does not read that file."""
    out = subprocess.run([str(python), "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    for line in out.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".index-url"):
            return ["--default-index", value.strip("'\"")]
    return []


def install_test_programs() -> None:
    """Bring the browser, the database server and the fonts that the tests use; say how where that is not allowed."""
    if os.environ.get("CORPUSHUB_SYSTEM") == "skip":
        return
    missing = [package for program, package in TEST_PROGRAMS.items() if not present(program)]
    if missing and not apt_install(missing):
        sys.exit(f"the tests need system packages; on Debian or Ubuntu: sudo apt-get install {' '.join(missing)}")


def present(program: str) -> bool:
    """Is the program on PATH (or the absolute path there)?"""
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages where this user may; False where not."""
    if shutil.which("apt-get") is None:
        return False
    right = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if right and (shutil.which("sudo") is None or subprocess.call([*right, "true"], stderr=subprocess.DEVNULL) != 0):
        return False
    say(f"installing system packages: {' '.join(packages)}")

    def apt_get(*words: str) -> int:
        asks_nothing = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        return subprocess.call(
            [*right, "apt-get", "-o", "DPkg::Lock::Timeout=120", *words], env=asks_nothing, stdout=subprocess.DEVNULL
        )

    apt_get("update", "-q")
    return apt_get("install", "-y", "-q", "--no-install-recommends", *packages) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
