"""Serving: one 1 GiB file and 10,000 files of 20 KB, by the hub, by nginx and by Starlette's FileResponse, in one run on one machine.

    python benchmarks/hub.py                 # everything, about five minutes; writes nothing but its report
    python benchmarks/hub.py --big 64 --small 500 --seconds 2    # a glance

Work per CPU second of the server is what is compared: wall time on a shared machine says more about the neighbours. The server runs
on one core, the client on another. The hub checks a bearer token and its permission on every request and records every delivery; nginx
and FileResponse do neither. Three nginx are measured, so that nobody has to guess which one a share is of: one that logs nothing, the
same with a log, and one as Debian's package sets it up.

Needs: nginx, wrk, curl, taskset.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPO = "bench/files"
SMALL_BYTES = 20_000
SERVER_CPU, CLIENT_CPU = "0", "1"
DOWNLOADS = 4  # of the large file: one is over in a few ticks of the processor's clock
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Served:
    """A running server: where, which processes count as it, and what a client has to send."""

    name: str
    base: str
    pids: list[int]
    big: str
    small: str
    token: str = ""
    settled: float = 0.0  # seconds after a run until all its work is done, deliveries recorded


@dataclass
class Figure:
    server: str
    big_gb_per_cpu_s: float
    big_mb_per_s: float
    small_per_cpu_s: float
    small_per_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--big", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--small", type=int, default=10_000, help="number of small files")
    parser.add_argument("--seconds", type=int, default=6, help="seconds per wrk run")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many rounds is told")
    parser.add_argument("--only", action="append", choices=list(SERVERS), help="these servers, beside nginx and FileResponse")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-bench-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        token, paths = prepare(folder, options.big, options.small)
        rounds: dict[str, list[Figure]] = {}
        for _ in range(options.rounds):
            for server in [*(SERVERS[name] for name in options.only or SERVERS), *BESIDE]:
                with server(folder, token, paths) as served:
                    rounds.setdefault(served.name, []).append(measure(folder, served, options.big, options.seconds))
    report([median(figures) for figures in rounds.values()], as_json=options.json)


def prepare(folder: Path, big: int, small: int) -> tuple[str, list[str]]:
    """A home with one released dataset, the same bytes as plain files, and a curator's token."""
    from corpushub.base.settings import Settings
    from corpushub.domain.parties import SYSTEM
    from corpushub.domain.tree import large_entry
    from corpushub.services.hub import open_hub
    from tests.kit.gov import credit_code

    plain = folder / "plain"
    (plain / "data").mkdir(parents=True)
    made = open_hub(Settings(home=folder / "home"))
    made.parties.bootstrap(
        SYSTEM,
        orgs=[
            {
                "id": "bench",
                "credit_code": credit_code(1),
                "kind": "operator",
                "region": "990100",
                "name": {"en": "bench", "zh": "bench"},
            }
        ],
        people=[{"id": "bench", "org": "bench", "name": "bench", "roles": ["operator"]}],
    )
    noise = random.Random(7)
    block = noise.randbytes(1 << 20)
    with (plain / "big.bin").open("wb") as stream:
        for number in range(big):
            stream.write(number.to_bytes(8, "big") + block[8:])
    paths = [f"data/{number:05}.bin" for number in range(small)]
    for number, path in enumerate(paths):
        (plain / path).write_bytes(number.to_bytes(8, "big") + block[8:SMALL_BYTES])
    entries = []
    for path in ["big.bin", *paths]:
        file = plain / path
        entries.append(large_entry(path, made.objects.put_file(file), file.stat().st_size))
    actor = made.parties.actor_of("bench")
    with made.database.begin() as unit:
        unit.repos.ensure(REPO, org="bench", by="bench")
        commit = unit.repos.commit(REPO, entries, "bench", "bench", datetime.now(UTC))
        unit.repos.set_tag(REPO, "v1.0.0", commit)
        unit.repos.set_branch(REPO, "main", commit)
    token, _ = made.access.issue_token(actor, name="bench")
    made.close()
    return token, paths


@contextmanager
def hub(folder: Path, token: str, _: list[str], *, port: int = 18801, **settings: str) -> Iterator[Served]:
    env = os.environ | {"CORPUSHUB_HOME": str(folder / "home"), "PORT": str(port), "PYTHONPATH": str(ROOT)}
    env |= {f"CORPUSHUB_{name.upper()}": value for name, value in settings.items()}
    code = (
        "from corpushub.services.hub import open_hub; from corpushub.base.settings import load_settings; from corpushub.web import serve;"
        f"serve(open_hub(load_settings()), host='127.0.0.1', port={port}, with_portal=False)"
    )
    base = f"http://127.0.0.1:{port}"
    path = f"/datasets/{REPO}/resolve/v1.0.0/"
    with running([sys.executable, "-c", code], base + "/healthz", env) as pid:
        yield Served("hub (default)", base, [pid], path + "big.bin", path, token)


@contextmanager
def hub_with_accel(folder: Path, token: str, paths: list[str]) -> Iterator[Served]:
    """Every request asks the hub; nginx sends the bytes."""
    with behind_nginx(folder, token, paths) as (inner, pids):
        yield Served("hub behind nginx (X-Accel)", "http://127.0.0.1:18803", [*inner.pids, *pids], inner.big, inner.small, token)


@contextmanager
def hub_with_passes(folder: Path, token: str, paths: list[str]) -> Iterator[Served]:
    """A HEAD asks the hub and gets a pass; under it nginx serves the release alone, and the hub judges and records beside."""
    with behind_nginx(folder, token, paths) as (inner, pids):
        asked = ["curl", "-sIL", "-o", "/dev/null", "-w", "%{url_effective}", "-H", f"Authorization: Bearer {token}"]
        address = subprocess.run([*asked, inner.base + inner.big], check=True, capture_output=True, text=True).stdout
        base, _, place = address.partition("/take/")
        place = f"/take/{place.removesuffix('big.bin')}"
        yield Served("hub behind nginx (pass)", base, [*inner.pids, *pids], f"{place}big.bin", place, settled=4.0)


@contextmanager
def behind_nginx(folder: Path, token: str, paths: list[str]) -> Iterator[tuple[Served, list[int]]]:
    from corpushub.api.nginx import nginx_conf

    home = folder / "home"
    conf = nginx_conf(upstream="127.0.0.1:18802", home=home, objects=home / "objects", ports=(18803, 18806))
    (home / "nginx").mkdir(exist_ok=True)
    settings = {"accel_redirect": "/objects", "files_url": "http://127.0.0.1:18806"}
    with (
        hub(folder, token, paths, port=18802, **settings) as inner,
        nginx_with(folder, conf.replace("worker_processes auto", "worker_processes 1"), "http://127.0.0.1:18803/healthz") as pids,
    ):
        yield inner, pids


@contextmanager
def nginx(folder: Path, _: str, __: list[str]) -> Iterator[Served]:
    """As fast as it gets: no log at all, open files kept."""
    with plain_nginx(folder, "nginx (silent)", 18804, "access_log off; open_file_cache max=16000;") as served:
        yield served


@contextmanager
def nginx_that_logs(folder: Path, _: str, __: list[str]) -> Iterator[Served]:
    """The same with a log of what it sent, buffered like the one a hub reads."""
    log = f"access_log {folder}/logged combined buffer=64k flush=1s;"
    with plain_nginx(folder, "nginx (logging)", 18807, f"{log} open_file_cache max=16000;") as served:
        yield served


@contextmanager
def nginx_of_debian(folder: Path, _: str, __: list[str]) -> Iterator[Served]:
    """As Debian's package sets it up: each answer written to the log at once, files opened for each."""
    log = f"access_log {folder}/debian; types_hash_max_size 2048; gzip on;"
    with plain_nginx(folder, "nginx (as in Debian)", 18808, log) as served:
        yield served


@contextmanager
def plain_nginx(folder: Path, name: str, port: int, settings: str) -> Iterator[Served]:
    inner = f"server {{ listen 127.0.0.1:{port}; root {folder / 'plain'}; }}"
    http = f"sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream; {settings}"
    conf = f"worker_processes 1; worker_rlimit_nofile 65536; events {{ worker_connections 1024; }} http {{ {http} {inner} }}"
    with nginx_with(folder, conf, f"http://127.0.0.1:{port}/data/00000.bin") as pids:
        yield Served(name, f"http://127.0.0.1:{port}", pids, "/big.bin", "/")


@contextmanager
def starlette(folder: Path, _: str, __: list[str]) -> Iterator[Served]:
    code = (
        "import uvicorn; from starlette.applications import Starlette; from starlette.routing import Route;"
        "from starlette.responses import FileResponse\n"
        f"async def file(request): return FileResponse({str(folder / 'plain')!r} + '/' + request.path_params['path'])\n"
        "uvicorn.run(Starlette(routes=[Route('/{path:path}', file)]), host='127.0.0.1', port=18805, log_level='warning', access_log=False)"
    )
    with running([sys.executable, "-c", code], "http://127.0.0.1:18805/data/00000.bin", dict(os.environ)) as pid:
        yield Served("Starlette FileResponse", "http://127.0.0.1:18805", [pid], "/big.bin", "/")


Server = Callable[[Path, str, list[str]], AbstractContextManager[Served]]
SERVERS: dict[str, Server] = {"hub": hub, "accel": hub_with_accel, "pass": hub_with_passes}
BESIDE: tuple[Server, ...] = (nginx, nginx_that_logs, nginx_of_debian, starlette)


@contextmanager
def running(words: list[str], probe: str, env: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, *words], env=env, stderr=subprocess.DEVNULL)
    try:
        wait_for(probe, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def nginx_with(folder: Path, conf: str, probe: str) -> Iterator[list[int]]:
    place = folder / f"nginx-{time.monotonic_ns()}"
    place.mkdir()
    folder.chmod(0o755)
    head = f"pid {place}/pid; error_log {place}/error.log; daemon off; user root;\n"
    (place / "conf").write_text(head + conf)
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CPU, "nginx", "-p", str(place), "-c", str(place / "conf")], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(probe, process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield [process.pid, *map(int, children)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"no server for {url}")
        if subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise SystemExit(f"no answer from {url}")


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes so far."""
    total = 0
    for pid in pids:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(words[11]) + int(words[12])
    return total / TICKS


def measure(folder: Path, served: Served, big: int, seconds: int) -> Figure:
    header = ["-H", f"Authorization: Bearer {served.token}"] if served.token else []
    curl = ["taskset", "-c", CLIENT_CPU, "curl", "-sf", "-o", "/dev/null", *header, served.base + served.big]
    subprocess.run(curl, check=True)
    before, start = cpu_seconds(served.pids), time.monotonic()
    for _ in range(DOWNLOADS):
        subprocess.run(curl, check=True)
    wall, spent = (time.monotonic() - start) / DOWNLOADS, (cpu_seconds(served.pids) - before) / DOWNLOADS
    count = len(list((folder / "plain/data").iterdir()))
    every = f"{served.base}{served.small}data/[00000-{count - 1:05}].bin"
    subprocess.run(["taskset", "-c", CLIENT_CPU, "curl", "-sf", "-o", "/dev/null", *header, every], check=True)
    script = folder / "paths.lua"
    script.write_text(
        f"math.randomseed(7)\nrequest = function() return wrk.format('GET', '{served.small}data/'"
        f" .. string.format('%05d', math.random(0, {count - 1})) .. '.bin') end\n"
    )
    wrk = ["taskset", "-c", CLIENT_CPU, "wrk", "-t1", "-c16", *header, "-s", str(script)]
    subprocess.run([*wrk, "-d1s", served.base], check=True, capture_output=True)
    time.sleep(served.settled)
    waiting = cpu_seconds(served.pids)
    time.sleep(served.settled)
    before = cpu_seconds(served.pids)
    waiting = before - waiting  # what the same wait costs when nothing was asked: no work for a file
    told = subprocess.run([*wrk, f"-d{seconds}s", served.base], check=True, capture_output=True, text=True).stdout
    time.sleep(served.settled)
    small_spent = cpu_seconds(served.pids) - before - waiting
    if "Non-2xx" in told:
        raise SystemExit(f"{served.name}: errors\n{told}")
    requests = int(next(line for line in told.splitlines() if "requests in" in line).split()[0])
    rate = float(next(line for line in told.splitlines() if line.startswith("Requests/sec")).split()[1])
    return Figure(served.name, big / 1024 / max(spent, 0.01), big / wall, requests / max(small_spent, 0.01), rate)


def median(figures: list[Figure]) -> Figure:
    def middle(field: str) -> float:
        return sorted(float(getattr(figure, field)) for figure in figures)[len(figures) // 2]

    return Figure(
        figures[0].server, *(middle(field) for field in ("big_gb_per_cpu_s", "big_mb_per_s", "small_per_cpu_s", "small_per_s"))
    )


def report(figures: list[Figure], *, as_json: bool) -> None:
    """Each server as a share of every nginx, and as a multiple of FileResponse."""
    by = {figure.server: figure for figure in figures}
    nginxes = [name for name in by if name.startswith("nginx")]
    slow = by["Starlette FileResponse"]
    rows = [
        vars(figure)
        | {f"large of {name}": figure.big_gb_per_cpu_s / by[name].big_gb_per_cpu_s for name in nginxes}
        | {f"small of {name}": figure.small_per_cpu_s / by[name].small_per_cpu_s for name in nginxes}
        | {"small of FileResponse": figure.small_per_cpu_s / slow.small_per_cpu_s}
        for figure in figures
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    shares = "".join(f" of {name} |" for name in nginxes)
    print(f"| server | large: GiB / CPU-s |{shares} small: requests / CPU-s |{shares} times FileResponse |")
    print("|---" * (4 + 2 * len(nginxes)) + "|")
    for row in rows:
        large, small = ("".join(f" {row[f'{kind} of {name}']:.0%} |" for name in nginxes) for kind in ("large", "small"))
        print(
            f"| {row['server']} | {row['big_gb_per_cpu_s']:.2f} |{large} {row['small_per_cpu_s']:,.0f} |{small}"
            f" {row['small of FileResponse']:.1f} |"
        )


if __name__ == "__main__":
    missing = [tool for tool in ("nginx", "wrk", "curl", "taskset") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"this benchmark needs {', '.join(missing)}")
    sys.path.insert(0, str(ROOT))
    main()
