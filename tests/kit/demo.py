"""The demo city, set up once per test run and copied for whoever wants one of their own; and the real server over it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Running:
    """A demo server in a process of its own."""

    endpoint: str
    home: Path
    told: dict[str, Any]
    process: subprocess.Popen[bytes]
    printed: Path

    def account(self, login: str) -> dict[str, Any]:
        return next(item for item in self.told["accounts"] if item["login"] == login)


def environment(home: Path, **more: str) -> dict[str, str]:
    """A clean environment for a child process: nothing of the hub's but what is stated."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CORPUSHUB_", "HF_", "POLARS_")) and name != "PORT"
    }
    return {**kept, "CORPUSHUB_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0", **more}


def demo_home(shared: Path) -> Path:
    """The prepared home below `shared`, made by the first process that asks; never write to it, copy it."""
    home = shared / "demo-home"
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "demo.json").exists():
            code = (
                "from corpushub.base.settings import load_settings; from corpushub.services.hub import open_hub; "
                "from corpushub.services.demo import Demo; hub = open_hub(load_settings()); Demo(hub).prepare(); hub.close()"
            )
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=PROJECT, env=environment(home), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-4000:]
    return home


def copy_of(home: Path, to: Path) -> Path:
    """A home of one's own; objects are hard links, as they never change."""
    shutil.copytree(home, to, copy_function=link_object)
    return to


def link_object(source: str, target: str) -> None:
    if f"{os.sep}objects{os.sep}" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(home: Path, seconds: float = 180, **env: str) -> Generator[Running]:
    """`app.py --demo` over `home` on a free port, ready when this yields, ended by its process id."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    printed = home / "printed.txt"
    with printed.open("wb") as out, (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "app.py", "--demo"],
            cwd=PROJECT,
            env=environment(home, PORT=str(port), **env),
            stdout=out,
            stderr=log,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_until_healthy(endpoint, process, printed, seconds)
        yield Running(endpoint, home, json.loads((home / "demo.json").read_text("utf-8")), process, printed)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_healthy(endpoint: str, process: subprocess.Popen[bytes], printed: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, told(printed.parent)
        try:
            with urllib.request.urlopen(f"{endpoint}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not answer in {seconds} s: {told(printed.parent)}")


def told(home: Path) -> str:
    """The end of what a server printed and logged."""
    return "\n".join((home / name).read_text("utf-8", "replace")[-2000:] for name in ("printed.txt", "log.txt"))
