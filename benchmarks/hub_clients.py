"""The hub as its clients feel it: API latency among 10,000 datasets, many downloads at once, and what load_dataset costs over local files.

    python benchmarks/hub_clients.py                          # everything, about six minutes
    python benchmarks/hub_clients.py --datasets 500 --files 500 --clients 2

* API: requests one after another; 95th percentile of list, search, facet, info, tree and paths-info.
* Load: `--clients` processes with 8 workers each download the release again and again while 200 requests a second go to the API;
  counts errors and the server's memory before and after.
* Cold start: `load_dataset` of a fresh cache from the hub against the same files from disk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PORT = int(os.environ.get("BENCH_PORT", "18811"))
BASE = f"http://127.0.0.1:{PORT}"
WIDE, TABLE = "bench/wide", "bench/table"
CARD = "---\nlicense: cc-by-4.0\nlanguage: [{lang}]\npretty_name: Dataset {n}\n---\n# Dataset {n}\n\nA dataset about subject {n} for the benchmark.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=400_000, help="rows of the table load_dataset reads")
    parser.add_argument("--folder", type=Path, help="keep what is prepared here, and use it again")
    parser.add_argument("--only", choices=("prepare", "api", "load", "cold"), help="one part")
    options = parser.parse_args()
    with prepared(options) as (folder, token):
        if options.only == "prepare":
            return
        with serving(folder) as pid:
            print("| what | figure |\n|---|---|")
            if options.only in {None, "api"}:
                latency(token, options, pid)
            if options.only in {None, "load"}:
                load(folder, token, options, pid)
            if options.only in {None, "cold"}:
                cold(folder, token)


@contextmanager
def prepared(options: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """A folder with a hub's home, made unless `--folder` has one, and a token for it."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-", dir=os.environ.get("BENCH_DIR")) as name:
        folder = options.folder or Path(name)
        folder.mkdir(exist_ok=True)
        kept = folder / "token"
        if not kept.exists():
            kept.write_text(prepare(folder, options))
        yield folder, kept.read_text()


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A server over the folder's home; its process id."""
    server = start(folder)
    try:
        yield server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def prepare(folder: Path, options: argparse.Namespace) -> str:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from corpushub.base.settings import Settings
    from corpushub.domain.parties import SYSTEM
    from corpushub.domain.tree import entry_for
    from corpushub.services.hub import open_hub
    from tests.kit.gov import credit_code

    hub = open_hub(Settings(home=folder / "home"))
    org = {
        "id": "bench",
        "credit_code": credit_code(1),
        "kind": "operator",
        "region": "990100",
        "name": {"en": "bench", "zh": "bench"},
    }
    hub.parties.bootstrap(SYSTEM, orgs=[org], people=[{"id": "bench", "org": "bench", "name": "bench", "roles": ["operator"]}])
    sink = BytesIO()
    noise = np.random.default_rng(7)
    words = noise.integers(0, 60_000, (options.rows, 12))
    pq.write_table(
        pa.table({"id": np.arange(options.rows), "text": [" ".join(map(str, row)) for row in words.tolist()]}),
        sink,
        row_group_size=50_000,
    )
    table = {"README.md": CARD.format(lang="zh", n=0).encode(), "data/train-00000-of-00001.parquet": sink.getvalue()}
    wide = {"README.md": CARD.format(lang="zh", n=1).encode()}
    wide |= {f"data/{n:05}.txt": f"file {n} ".encode() * 200 for n in range(options.files)}
    (folder / "local").mkdir()
    (folder / "local/train.parquet").write_bytes(sink.getvalue())
    releases = [(TABLE, table), (WIDE, wide)]
    releases += [
        (f"city{n % 50}/set-{n}", {"README.md": CARD.format(lang=("zh", "en")[n % 2], n=n).encode()})
        for n in range(options.datasets)
    ]
    for at in range(0, len(releases), 500):
        with hub.database.begin() as unit:
            for repo, files in releases[at : at + 500]:
                unit.repos.ensure(repo, org="bench", by="bench")
                for data in files.values():
                    hub.objects.put_bytes(data)
                commit = unit.repos.commit(
                    repo, [entry_for(path, data) for path, data in files.items()], "v1", "bench", datetime.now(UTC)
                )
                unit.repos.set_tag(repo, "v1.0.0", commit)
                unit.repos.set_branch(repo, "main", commit)
    with hub.database.read() as unit:
        waiting = bool(unit.repos.undescribed(1))
    while waiting:
        hub.repositories.forget()
        hub.repositories.describe_new()
        with hub.database.read() as unit:
            waiting = bool(unit.repos.undescribed(1))
    token, _ = hub.access.issue_token(hub.parties.actor_of("bench"), name="bench")
    hub.close()
    return token


def start(folder: Path) -> subprocess.Popen[bytes]:
    code = (
        "from corpushub.services.hub import open_hub; from corpushub.base.settings import load_settings; from corpushub.web import serve;"
        f"serve(open_hub(load_settings()), host='127.0.0.1', port={PORT}, with_portal=False)"
    )
    env = os.environ | {"CORPUSHUB_HOME": str(folder / "home"), "PORT": str(PORT), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
    while subprocess.run(["curl", "-sf", "-o", "/dev/null", f"{BASE}/healthz"], check=False).returncode:
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        time.sleep(0.1)
    return server


def routes() -> dict[str, tuple[str, str, dict[str, list[str]] | None]]:
    """Method, path and form of what is asked; `{n}` counts through the datasets, so that no two questions in a row are the same."""
    return {
        "list 100 datasets": ("GET", "/api/datasets?limit=100", None),
        "search by word": ("GET", "/api/datasets?search=set-{n}&limit=20", None),
        "facet language:zh": ("GET", "/api/datasets?filter=language:zh&limit=20", None),
        "info of a dataset seen for the first time": ("GET", "/api/datasets/city{city}/set-{n}", None),
        "info of a dataset asked for before": ("GET", "/api/datasets/city7/set-7", None),
        "refs": ("GET", "/api/datasets/city{city}/set-{n}/refs", None),
        "tree page of 1,000": ("GET", f"/api/datasets/{WIDE}/tree/v1.0.0/data?limit=1000", None),
        "paths-info of 100": (
            "POST",
            f"/api/datasets/{WIDE}/paths-info/v1.0.0",
            {"paths": [f"data/{n:05}.txt" for n in range(100)]},
        ),
        "resolve HEAD": ("HEAD", f"/datasets/{WIDE}/resolve/v1.0.0/data/00007.txt", None),
    }


def latency(token: str, options: argparse.Namespace, pid: int) -> None:
    import httpx

    with httpx.Client(base_url=BASE, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        for name, (method, path, form) in routes().items():
            taken, before = [], 0.0
            for number in range(210):
                if number == 10:
                    before = processor_ms(pid)
                n = number * 37 % options.datasets
                started = time.perf_counter()
                answer = client.request(method, path.format(n=n, city=n % 50), data=form)
                answer.raise_for_status() if answer.status_code != 307 else None
                if number >= 10:
                    taken.append((time.perf_counter() - started) * 1000)
            marks, work = quantiles(taken, n=20), (processor_ms(pid) - before) / len(taken)
            print(f"| API, {name}: p50, p95, processor | {marks[9]:.1f}, {marks[18]:.1f}, {work:.2f} ms |", flush=True)


def processor_ms(pid: int) -> float:
    """Processor time a process has used, with all its threads that still live."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(line.read_text().split()[0]) for line in threads) / 1e6


def load(folder: Path, token: str, options: argparse.Namespace, pid: int) -> None:
    before = memory(pid)
    env = os.environ | {
        "HF_ENDPOINT": BASE,
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    code = (
        "import time, tempfile, sys; from huggingface_hub import snapshot_download\n"
        f"end, count = time.time() + {options.seconds}, 0\n"
        "while time.time() < end:\n"
        "    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as d:\n"
        f"        snapshot_download({WIDE!r}, repo_type='dataset', revision='v1.0.0', local_dir=d, max_workers=8, allow_patterns='data/000*.txt')\n"
        "    count += 100\n"
        "print(count)\n"
    )
    clients = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            env=env | {"HF_HOME": str(folder / f"hf{n}")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(options.clients)
    ]
    asked, refused = asyncio.run(steady(token, options))
    files, broken = 0, 0
    for client in clients:
        out, err = client.communicate()
        files += int(out.strip() or 0)
        broken += client.returncode != 0
        if client.returncode:
            print(err[-500:], file=sys.stderr)
    print(f"| {options.clients} clients x 8 workers: files taken, clients that failed | {files:,}, {broken} |")
    reasons = ", ".join(f"{count} {reason}" for reason, count in refused.most_common()) or "0"
    print(f"| API requests meanwhile, failed | {asked:,} ({asked / options.seconds:.0f}/s), {reasons} |")
    print(f"| server memory before, after | {before:.0f}, {memory(pid):.0f} MiB |", flush=True)


async def steady(token: str, options: argparse.Namespace) -> tuple[int, Counter[str]]:
    """200 requests a second, whatever the answers take; gives how many were asked, and why how many failed."""
    import httpx

    asked, failed = 0, Counter[str]()
    async with httpx.AsyncClient(
        base_url=BASE, headers={"authorization": f"Bearer {token}"}, timeout=60, limits=httpx.Limits(max_connections=100)
    ) as client:

        async def ask(number: int) -> None:
            try:
                answer = await client.get(f"/api/datasets/city{number % 50}/set-{number % options.datasets}")
            except httpx.HTTPError as error:
                failed[type(error).__name__] += 1
            else:
                if answer.status_code != httpx.codes.OK:
                    failed[str(answer.status_code)] += 1

        started, waiting = time.monotonic(), set()
        while (now := time.monotonic()) - started < options.seconds:
            due = int((now - started) * 200)
            while asked < due:
                task = asyncio.create_task(ask(asked))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                asked += 1
            await asyncio.sleep(0.005)
        await asyncio.gather(*waiting)
    return asked, failed


def memory(pid: int) -> float:
    """Resident memory in MiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def cold(folder: Path, token: str) -> None:
    env = os.environ | {"HF_ENDPOINT": BASE, "HF_TOKEN": token, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    timed = "import time; from datasets import load_dataset; t = time.perf_counter(); n = {call}.num_rows; print(time.perf_counter() - t)"
    calls = {
        "hub": f"load_dataset('{TABLE}', revision='v1.0.0', split='train')",
        "disk": f"load_dataset('parquet', data_files='{folder}/local/train.parquet', split='train')",
    }
    best = {}
    for name, call in calls.items():
        taken = []
        for number in range(3):
            home = {"HF_HOME": str(folder / f"cold-{name}-{number}-{time.monotonic_ns()}")}
            done = subprocess.run(
                [sys.executable, "-c", timed.format(call=call)], env=env | home, capture_output=True, text=True, check=True
            )
            taken.append(float(done.stdout.split()[-1]))
        best[name] = sorted(taken)[1]
    size = (folder / "local/train.parquet").stat().st_size / 2**20
    print(
        f"| load_dataset of {size:.0f} MiB, cold: hub / disk | {best['hub']:.2f} / {best['disk']:.2f} s = {best['hub'] / best['disk']:.2f} |"
    )


if __name__ == "__main__":
    main()
