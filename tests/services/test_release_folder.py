"""Equal inputs give equal bytes, whatever the thread count, hash seed or time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from corpushub.domain.card_origin import evaluation
from corpushub.services.card_facts import make_facts
from corpushub.services.release_folder import assemble
from tests.kit.released import OnDisk, a_key, inputs_for, on_disk

ASSEMBLE = """
import sys
from pathlib import Path
from tests.kit.released import on_disk
print(on_disk(Path(sys.argv[1])).made.manifest.digest)
"""


def tree(folder: Path) -> str:
    lines = [
        f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return "\n".join(lines)


def test_two_processes_with_other_threads_and_hash_seeds_write_the_same_bytes(tmp_path: Path) -> None:
    digests, trees = set(), set()
    for number, threads in enumerate(("1", "4")):
        env = {
            **os.environ,
            "POLARS_MAX_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "PYTHONHASHSEED": str(number + 1),
            "TZ": ("UTC", "Asia/Tokyo")[number],
            "LC_ALL": "C",
        }
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ASSEMBLE, str(folder)],
            env=env,
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
        )
        digests.add(done.stdout.strip())
        trees.add(tree(folder / "release"))
    assert len(digests) == 1
    assert len(trees) == 1


def test_the_attestation_is_part_of_the_same_bytes(tmp_path: Path) -> None:
    inputs = inputs_for(tmp_path)
    assert assemble(inputs, a_key()).documents == assemble(inputs, a_key()).documents


def test_every_number_of_the_card_comes_from_the_data(tmp_path: Path) -> None:
    release: OnDisk = on_disk(tmp_path)
    card, names = release.text("README.md"), evaluation()[1]["PERSON"]
    for words in (
        "num_examples: 50",
        "num_examples: 10",
        "| `topic` | 3 |",
        "重复 1",
        f"| {names['recall']:.2%} | {names['lower']:.2%} – {names['upper']:.2%} |",
        "`CN_ID_CARD` | 60 | 60 | 0 | 0 |",
    ):
        assert words in card, words


def test_documents_and_data_say_the_same(tmp_path: Path) -> None:
    made = make_facts(inputs_for(tmp_path))
    assert made.problems == ()
    assert made.facts.measures["card_errors"] == 0


def test_the_documentation_words_of_tc609_are_in_the_card(tmp_path: Path) -> None:
    card = on_disk(tmp_path).text("README.md")
    words = (
        "数据集规模 格式规范 文件结构 访问渠道 技术支持 模态类型 数据分布 标签统计 样本示例 局限性 数据来源 采集方法 加工处理流程 标注规范 版本控制 "
        "使用许可 目标应用场景 评估方法 基准测试结果 典型应用案例"
    )
    assert [word for word in words.split() if word not in card] == []
