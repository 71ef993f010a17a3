"""People at the portal: 100 of them, each clicking about every five seconds, against one server process.

    python benchmarks/portal.py --home ~/demo-home            # a home prepared with `python app.py --demo`
    python benchmarks/portal.py --home ~/demo-home --people 20 --seconds 20

Everybody signs in (a password check is slow by design and counted apart), then goes from screen to screen of the own seat: every third click
asks for a whole document, the others move inside it the way the browser does. Target: 95 % of the clicks answered within a second on two cores. The baseline in the same run is `/healthz`, which
asks the same server for nothing but a read of the database: what a click costs above it is the portal's own.

The home is copied first; the people of the load run in this process, so their share of the two cores is part of what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import quantiles

import httpx

THINK_SECONDS = 5.0
DOCUMENT_EVERY = 3
ANYBODY = ("/data/datasets", "/data/datasets?q=%E7%96%AB%E6%83%85", "/data/catalog", "/data/catalog?q=jiaotong", "/data/disclosure", "/data/datasets/yunzhou/epidemic-notices", "/data/datasets/yunzhou/epidemic-notices?tab=lineage")  # fmt: skip
SIGNED_IN = ("/home/tasks", "/home/notices", "/demand/ask", "/demand/mine")
SEATS = {
    "chen.yu": ("/make/studio", "/make/reviews", "/demand/desk", "/govern/prices"),
    "li.wei": ("/make/reviews", "/govern/authorizations", "/govern/registrations"),
    "wang.min": ("/make/reviews", "/make/samples"),
    "zhang.hua": ("/oversee/dashboard", "/oversee/monitor", "/govern/delegations", "/govern/resources"),
    "sun.yue": ("/data/datasets/yunzhou/epidemic-notices?tab=rows", "/demand/mine?tab=tokens"),
    "liu.jian": ("/oversee/audit",),
}


class Load:
    """Clicks and what they took, by kind."""

    def __init__(self, endpoint: str, seed: int) -> None:
        self.endpoint, self.chance = endpoint, random.Random(seed)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.slowest: dict[str, float] = {}
        self.failed: list[str] = []
        self.numbers: dict[str, int] = {}

    def note(self, kind: str, path: str, seconds: float, status: int) -> None:
        self.seconds[kind].append(seconds)
        self.slowest[path] = max(self.slowest.get(path, 0.0), seconds)
        if status != 200:
            self.failed.append(f"{status} {path}")

    async def arrive(self, login: str, password: str) -> httpx.AsyncClient:
        """A browser somebody has signed in with."""
        client = httpx.AsyncClient(base_url=self.endpoint, timeout=60, headers={"origin": self.endpoint})
        started = time.monotonic()
        answer = await client.post("/signin", data={"name": login, "password": password})
        self.note("sign-in", "/signin", time.monotonic() - started, 200 if answer.status_code == 303 else answer.status_code)
        return client

    async def person(self, login: str, client: httpx.AsyncClient, until: float) -> None:
        """One person's afternoon."""
        lang = self.chance.choice(("zh", "zh", "zh", "en"))
        screens = (*ANYBODY, *SIGNED_IN, *SEATS[login])
        session = f"{self.chance.getrandbits(60):x}"
        await asyncio.sleep(self.chance.uniform(0, THINK_SECONDS))
        clicks = 0
        while (wait := self.chance.expovariate(1 / THINK_SECONDS)) + time.monotonic() < until:
            await asyncio.sleep(wait)
            path = f"/{lang}{self.chance.choice(screens)}"
            started = time.monotonic()
            if clicks % DOCUMENT_EVERY == 0:
                answer = await client.get(path)
                self.note("document", path, time.monotonic() - started, answer.status_code)
            else:
                answer = await self.move(client, path, session)
                self.note("click", path, time.monotonic() - started, answer.status_code)
            clicks += 1
        await client.aclose()

    async def move(self, client: httpx.AsyncClient, path: str, session: str) -> httpx.Response:
        """A click inside a document: the component's function, as the browser calls it."""
        area = "/".join(path.split("/")[:3]).partition("?")[0]
        if area not in self.numbers:
            config = (await client.get(f"{area}/config")).json()
            self.numbers[area] = next(item["id"] for item in config["components"] if item["type"] == "html")
        body = {"data": {"url": path}, "component_id": self.numbers[area], "fn_name": "portal_show", "session_hash": session}
        return await client.post(f"{area}/gradio_api/component_server", json=body)

    async def baseline(self, until: float) -> None:
        async with httpx.AsyncClient(base_url=self.endpoint, timeout=60) as client:
            while time.monotonic() < until:
                started = time.monotonic()
                answer = await client.get("/healthz")
                self.note("/healthz", "/healthz", time.monotonic() - started, answer.status_code)
                await asyncio.sleep(0.5)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def started(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The server over `home` on a free port, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {**os.environ, "CORPUSHUB_HOME": str(home), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "app.py", "--demo"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if httpx.get(f"{endpoint}/healthz", timeout=2).status_code == 200:
                return process, endpoint
        except httpx.HTTPError:
            time.sleep(0.2)
    process.kill()
    raise SystemExit("the server did not answer")


async def measure(load: Load, people: int, seconds: float, passwords: dict[str, str], pid: int) -> float:
    """CPU seconds the server used while people clicked."""
    logins = [list(SEATS)[number % len(SEATS)] for number in range(people)]
    clients = [await load.arrive(login, passwords[login]) for login in logins]
    before, until = cpu_seconds(pid), time.monotonic() + seconds
    await asyncio.gather(
        load.baseline(until), *[load.person(login, client, until) for login, client in zip(logins, clients, strict=True)]
    )
    return cpu_seconds(pid) - before


def report(load: Load, cpu: float, seconds: float) -> None:
    clicks = sum(len(found) for kind, found in load.seconds.items() if kind in {"click", "document"})
    for kind, found in sorted(load.seconds.items()):
        p50, p95, p99 = (quantiles(found, n=100, method="inclusive")[at] for at in (49, 94, 98))
        print(f"{kind:10} {len(found):6,} answers  p50 {p50 * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  p99 {p99 * 1000:6.0f} ms")
    print(
        f"{clicks / seconds:.1f} clicks a second, {cpu / clicks * 1000:.0f} CPU ms of the server each, {cpu / seconds:.2f} cores"
    )
    print(f"not answered with 200: {len(load.failed)} {sorted(set(load.failed))[:5]}")
    for path, took in sorted(load.slowest.items(), key=lambda pair: -pair[1])[:5]:
        print(f"  slowest {took * 1000:6.0f} ms  {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7)
    stated = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        shutil.copytree(stated.home, home)
        passwords = {row["login"]: row["password"] for row in json.loads((home / "demo.json").read_text("utf-8"))["accounts"]}
        process, endpoint = started(home)
        try:
            asyncio.run(measure(Load(endpoint, stated.seed), len(SEATS), 15, passwords, process.pid))
            load = Load(endpoint, stated.seed + 1)
            used = asyncio.run(measure(load, stated.people, stated.seconds, passwords, process.pid))
        finally:
            process.terminate()
            process.wait(30)
    print(f"{stated.people} people, {stated.seconds:.0f} s, {os.cpu_count()} cores, Python {platform.python_version()}")
    report(load, used, stated.seconds)


if __name__ == "__main__":
    main()
