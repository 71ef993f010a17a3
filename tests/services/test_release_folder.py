"""Equal inputs give equal bytes, whatever the thread count, hash seed or time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl

from corpushub.domain.card_origin import evaluation
from corpushub.domain.recipe import Column
from corpushub.services.card_facts import make_facts
from corpushub.services.release_folder import assemble
from corpushub.services.source_languages import fewest_sources
from tests.kit.cards import a_build, a_recipe, an_origin
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
    card, names = release.text("README.md"), evaluation()["scores"][-1]
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


def test_a_party_stands_in_the_card_by_its_name_in_the_card_s_language_and_at_home(tmp_path: Path) -> None:
    names = {"grantor": {"zh": "云州市政务服务局", "en": "Yunzhou Government Services Bureau"}}
    made = on_disk(tmp_path, origins=(an_origin(names=names),))
    assert "| Yunzhou Government Services Bureau (云州市政务服务局) |" in made.text("README.md")
    assert "| 云州市政务服务局 |" in made.text("README.md")


def test_whoever_gave_data_is_credited_in_the_card(tmp_path: Path) -> None:
    names = {"contributor": {"zh": "北辰科技", "en": "Beichen"}}
    made = on_disk(tmp_path, origins=(an_origin(came="donated", names=names),))
    assert "| `notices` | Beichen (北辰科技) | donated |" in made.text("README.md")
    assert "| `notices` | 北辰科技 | 捐赠 |" in made.text("README.md")
    assert "北辰科技" not in on_disk(tmp_path / "own").text("README.md")


def sources_counted(folder: Path, told: dict[str, list[str]]) -> int:
    """Two sources, rows that say their language, and the lineage that says where each came from."""
    (folder / "provenance").mkdir(parents=True)
    ids = [str(number) for number in range(len(told["language"]))]
    pl.DataFrame({"id": ids, "language": told["language"]}).write_parquet(folder / "rows.parquet")
    pl.DataFrame({"id": ids, "source": told["source"]}).write_parquet(folder / "provenance/lineage.parquet")
    built = a_build(folder / "other")
    file = replace(built.files[0], path="rows.parquet")
    one = built.sources[0]
    recipe = a_recipe()
    contract = replace(recipe.contract, key="id", columns=(*recipe.contract.columns, Column("language")))
    both = replace(built, files=(file,), sources=(one, replace(one, name="other")))
    return fewest_sources(replace(recipe, contract=contract), both, folder)


def test_sources_are_counted_for_each_language(tmp_path: Path) -> None:
    languages = ["zh", "zh", "en", "und"]
    assert sources_counted(tmp_path / "a", {"language": languages, "source": ["notices", "other", "other", "notices"]}) == 1
    assert (
        sources_counted(
            tmp_path / "b", {"language": [*languages, "en"], "source": ["notices", "other", "other", "notices", "notices"]}
        )
        == 2
    )
