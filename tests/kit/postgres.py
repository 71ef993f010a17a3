"""A PostgreSQL server of our own, for tests; started once per test process, gone with it."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql/15/bin")


def _run(words: list[str]) -> None:
    """PostgreSQL refuses to run as root; then it runs as its own user."""
    as_other = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run([*as_other, *words], check=True, capture_output=True)


@cache
def server() -> str:
    """Address of the running server."""
    found = BINARIES if BINARIES.exists() else Path(shutil.which("initdb") or "").parent
    assert (found / "initdb").exists(), "these tests drive a real PostgreSQL: apt-get install postgresql-15"
    folder = Path(tempfile.mkdtemp(prefix="corpushub-pg-"))
    folder.chmod(0o777)
    data = str(folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _run([str(found / "initdb"), "-D", data, "-U", "corpushub", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    _run([str(found / "pg_ctl"), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start"])
    atexit.register(_stop, found, data, folder)
    return f"postgresql+psycopg://corpushub@127.0.0.1:{port}/"


def _stop(found: Path, data: str, folder: Path) -> None:
    _run([str(found / "pg_ctl"), "-D", data, "-m", "immediate", "stop"])
    shutil.rmtree(folder, ignore_errors=True)


def a_database(name: str) -> str:
    """URL of a fresh database."""
    import psycopg

    address = server()
    plain = address.replace("+psycopg", "")
    with psycopg.connect(f"{plain}postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[call-overload]  # the stubs want a literal
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # the stubs want a literal
    return f"{address}{name}"
