"""Many downloads beside a steady rate of API requests: does anything fail, and does the server's memory stay flat?

    python benchmarks/hub_load.py                       # 16 clients x 8 connections and 200 API requests a second, for three minutes
    python benchmarks/hub_load.py --seconds 20 --files 500

Client of its own and not the Hub's: 16 of those ask two cores for more than they have, and then it is the driver that fails. This one is a
single asyncio process that speaks HTTP/1.1 on 128 kept connections and reads every body to its end: a HEAD and a GET per file as
`snapshot_download` does, one in two hundred of a large file, and a new connection after every five hundred files. The API requests go out on
time whatever the answers take; an answer that comes late counts as late, one that does not come in 30 seconds as failed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from hub_clients import BASE, PORT, WIDE, memory, prepared, serving

ANSWER_SECONDS = 30
IDLE_SECONDS = (
    20  # a connection unused for longer is not trusted, as any client's pool does it: the server closes it after thirty
)
BIG = "bench/table", "data/train-00000-of-00001.parquet"


@dataclass
class Run:
    """What has been asked and answered so far."""

    token: str
    clients: list[str]  # a token for each
    options: argparse.Namespace
    files: int = 0
    bytes: int = 0
    asked: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    taken_ms: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    over: bool = False


class Line:
    """One connection; opened when first used, and again after a failure."""

    def __init__(self, token: str) -> None:
        self.head = f"Host: 127.0.0.1:{PORT}\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n\r\n"
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.used = 0.0

    async def ask(self, method: str, path: str) -> tuple[int, int]:
        """Status, and bytes of the body. Raises: OSError, asyncio.IncompleteReadError, TimeoutError."""
        if time.monotonic() - self.used > IDLE_SECONDS:
            self.close()
        async with asyncio.timeout(ANSWER_SECONDS):
            if self.writer is None or self.reader is None:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", PORT)
            self.writer.write(f"{method} {path} HTTP/1.1\r\n{self.head}".encode())
            head = await self.reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
            left = 0 if method == "HEAD" else length
            while left:
                data = await self.reader.read(min(left, 1 << 18))
                if not data:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(data)
            self.used = time.monotonic()
            return int(head[9:12]), 0 if method == "HEAD" else length

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def download(run: Run, number: int) -> None:
    """One of a client's workers: file after file."""
    line, chance, count = Line(run.clients[number // 8]), random.Random(number), 0
    while not run.over:
        repo, path = (WIDE, f"data/{chance.randrange(run.options.files):05}.txt") if chance.random() > 0.005 else BIG
        for method in ("HEAD", "GET"):
            status, size = await tried(run, line, method, f"/datasets/{repo}/resolve/v1.0.0/{path}")
            run.files += method == "GET" and status == 200
            run.bytes += size
        count += 1
        if count % 500 == 0:
            line.close()
        await asyncio.sleep(run.options.pause)
    line.close()


async def tried(run: Run, line: Line, method: str, path: str) -> tuple[int, int]:
    try:
        status, size = await line.ask(method, path)
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        line.close()
        run.failed[f"{method} {type(error).__name__}"] += 1
        return 0, 0
    if status not in {200, 307}:
        run.failed[f"{method} {status}"] += 1
    return status, size


async def steady(run: Run) -> None:
    """`rate` API requests a second, each on time, on as many connections as are needed."""
    free, waiting = [Line(run.token)], set[asyncio.Task[None]]()
    paths = [
        "/api/datasets/city{city}/set-{n}",
        "/api/datasets?limit=20&search=set-{n}",
        f"/api/datasets/{WIDE}/tree/v1.0.0/data?limit=100",
        "/api/datasets/city{city}/set-{n}/refs",
    ]

    async def one(number: int) -> None:
        line = free.pop() if free else Line(run.token)
        asked = time.perf_counter()
        n = number % run.options.datasets
        await tried(run, line, "GET", paths[number % len(paths)].format(city=n % 50, n=n))
        run.taken_ms.append((time.perf_counter() - asked) * 1000)
        free.append(line)

    started = time.monotonic()
    while not run.over:
        due = int((time.monotonic() - started) * run.options.rate)
        while run.asked < due:
            task = asyncio.create_task(one(run.asked))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            run.asked += 1
        await asyncio.sleep(0.005)
    await asyncio.gather(*waiting)
    for line in free:
        line.close()


async def watched(run: Run, pid: int) -> None:
    """Memory every ten seconds; ends the run."""
    for _ in range(max(1, run.options.seconds // 10)):
        await asyncio.sleep(min(10, run.options.seconds))
        run.memory.append(memory(pid))
    run.over = True


async def driven(run: Run, pid: int) -> None:
    run.memory.append(memory(pid))
    workers = [download(run, number) for number in range(run.options.clients * 8)]
    await asyncio.gather(watched(run, pid), steady(run), *workers)


def tokens(folder: Path, count: int) -> list[str]:
    """One for each client, because the throttle counts by token: together they ask for more than one may."""
    from corpushub.base.settings import Settings
    from corpushub.services.hub import open_hub

    hub = open_hub(Settings(home=folder / "home"))
    try:
        return [hub.access.issue_token(hub.parties.actor_of("bench"), name=f"client {number}")[0] for number in range(count)]
    finally:
        hub.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16, help="of 8 connections each")
    parser.add_argument("--rate", type=int, default=200, help="API requests a second")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds a worker rests between files")
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--folder", type=Path, help="keep what is prepared here, and use it again (as hub_clients.py)")
    options = parser.parse_args()
    with prepared(options) as (folder, token), serving(folder) as pid:
        run = Run(token, tokens(folder, options.clients), options)
        asyncio.run(driven(run, pid))
    marks = quantiles(run.taken_ms, n=100)
    print("| what | figure |\n|---|---|")
    print(
        f"| {options.clients} x 8 connections at {BASE}, {options.seconds} s: files, bytes | {run.files:,}, {run.bytes / 2**30:.1f} GiB |"
    )
    print(
        f"| API requests beside them | {run.asked:,} = {run.asked / options.seconds:.0f}/s; p50 {marks[49]:.0f}, p95 {marks[94]:.0f} ms |"
    )
    print(f"| failed | {dict(run.failed) or 0} |")
    print(f"| server memory every 10 s | {', '.join(f'{value:.0f}' for value in run.memory)} MiB |")


if __name__ == "__main__":
    main()
