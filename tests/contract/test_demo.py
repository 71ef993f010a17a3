"""What a newcomer sees: the printed snippet works as printed, demo.json serves scripts, and the second start keeps everything."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

from tests.kit.demo import Running, copy_of, environment, serving


def printed_snippet(running: Running) -> str:
    """The last lines the server printed, from `import os` on."""
    words = running.printed.read_text("utf-8")
    return words[words.index("import os\n") :]


def pull(code: str, cache: Path) -> subprocess.CompletedProcess[str]:
    env = environment(cache, HF_HOME=str(cache))
    return subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=cache, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_printed_snippet_pulls_a_dataset(demo: Running, tmp_path: Path) -> None:
    code = printed_snippet(demo)
    assert len(code.strip().splitlines()) == 5
    done = pull(code, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    rows, _, title = done.stdout.strip().partition(" ")
    assert int(rows) > 50
    assert title


def test_without_a_token_the_client_says_the_dataset_is_gated(demo: Running, tmp_path: Path) -> None:
    code = printed_snippet(demo).replace(f', token="{demo.told["reader_token"]}"', ", token=False")
    done = pull(code, tmp_path)
    assert done.returncode != 0
    assert "gated" in done.stderr.lower()


def test_demo_json_is_private_and_complete(demo: Running) -> None:
    path = demo.home / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text("utf-8"))
    assert told["endpoint"] == demo.endpoint
    assert {"accounts", "reader_token", "curator_token", "datasets"} <= set(told)
    assert len(told["datasets"]) >= 4
    assert all(item["rows"] > 0 and item["revision"].startswith("v") and "/" in item["id"] for item in told["datasets"])


def test_a_second_start_keeps_data_tokens_and_passwords(demo: Running, prepared_home: Path, tmp_path: Path) -> None:
    first = json.loads((prepared_home / "demo.json").read_text("utf-8"))
    with serving(copy_of(prepared_home, tmp_path / "home"), seconds=60) as again:
        assert again.told["reader_token"] == first["reader_token"] == demo.told["reader_token"]
        assert again.told["accounts"] == first["accounts"]
        assert again.told["datasets"] == first["datasets"]


def test_the_record_is_whole_and_one_changed_byte_is_found(prepared_home: Path, tmp_path: Path) -> None:
    home = copy_of(prepared_home, tmp_path / "home")
    verify = [sys.executable, "-m", "corpushub", "audit", "verify", "--lang", "en"]
    whole = subprocess.run(verify, env=environment(home), capture_output=True, text=True, check=False)
    assert whole.returncode == 0, whole.stderr
    victim = max((path for path in (home / "objects").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    changed = bytearray(victim.read_bytes())
    changed[len(changed) // 2] ^= 1
    victim.unlink()
    victim.write_bytes(changed)
    broken = subprocess.run(verify, env=environment(home), capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert victim.name in broken.stdout + broken.stderr
