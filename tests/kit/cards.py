"""Builders for cards and releases: a small real build with its Parquet files on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from corpushub.base.identity import file_sha256, sha256
from corpushub.base.signing import SigningKey
from corpushub.domain.build import Built, BuiltFile, ColumnFact, EntityFact, Progress, SourceFact, StepFact, silent
from corpushub.domain.card import Origin, Publisher
from corpushub.domain.parties import Actor
from corpushub.domain.policy import SourceGrant
from corpushub.domain.recipe import Recipe
from corpushub.domain.sampling import PURPOSES
from corpushub.domain.workflow import Case
from corpushub.services.release_cases import Release
from corpushub.services.releases import Releases
from corpushub.services.reviews import Reviews
from corpushub.store.objects import Objects
from tests.kit.gov import City, a_city, authorized, registered

RECIPE = """\
dataset: yunzhou/notices
title: {zh: 云州市办事须知语料, en: Yunzhou service notices}
purpose: model-training
licence: {id: other, name: yunzhou-open-terms, link: LICENSE}
languages: [zh]
tasks: [text-generation]
tags: [government]
sources:
  notices: {resource: 990100/stats/notices, from: notices.csv, format: csv}
contract:
  key: id
  columns:
    id: {dtype: str, required: true, unique: true, desc: {zh: 主键, en: primary key}}
    topic: {dtype: str, required: true, in: [交通, 社保, 教育], desc: {zh: 主题, en: topic}}
    text: {dtype: str, required: true, min_len: 4, pii: scrub, desc: {zh: 正文, en: body}}
    views: {dtype: int, desc: {zh: 浏览次数, en: number of views}}
    issued: {dtype: date, desc: {zh: 发布日期, en: day of issue}}
steps:
  - normalize: {columns: [text]}
  - scrub: {columns: [text], policy: training}
gates: {PII-01: 0}
card:
  zh: {summary: 云州市各部门办事须知，供政务问答模型训练。, uses: 政务问答与检索增强。, limitations: 只含 2024 年以后的须知。, maintenance: 每月更新。, contact: data@yunzhou.example}
  en:
    summary: Service notices of the departments of Yunzhou, for training question answering on public services.
    uses: Question answering and retrieval on public services.
    limitations: Only notices from 2024 on.
    maintenance: Monthly.
    contact: data@yunzhou.example
"""


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


class Spec:
    params = Anything


def a_recipe(text: str = RECIPE, name: str = "notices.yaml") -> Recipe:
    return Recipe.parse(text, name=name, steps={"normalize": Spec(), "scrub": Spec()})


WORDS = [
    "窗口",
    "材料",
    "申请",
    "居民",
    "社区",
    "公交",
    "线路",
    "补贴",
    "学校",
    "报名",
    "医保",
    "结算",
    "养老",
    "登记",
    "公示",
    "街道",
    "证明",
    "预约",
    "网上",
    "受理",
    "期限",
    "复印",
    "照片",
    "户籍",
    "租房",
]


def sentence(number: int) -> str:
    """Words that differ from row to row, the same on every machine."""
    digits = sha256(str(number).encode())
    return "，".join(WORDS[int(digits[at : at + 2], 16) % len(WORDS)] for at in range(0, 24 + number % 17 * 2, 2)) + "。"


def rows(count: int = 60, start: int = 0) -> list[dict[str, Any]]:
    topics = ("交通", "社保", "教育")
    return [
        {
            "id": f"n-{number:05d}",
            "topic": topics[number % 3],
            "text": f"办理第{number}号事项，请携带<身份证号>，咨询电话<电话号码>。" + sentence(number),
            "views": None if number % 20 == 0 else number * 7 % 1000,
            "issued": date(2024, 1, 1) + timedelta(days=number * 3),
        }
        for number in range(start, start + count)
    ]


def write_data(folder: Path, splits: Mapping[str, list[dict[str, Any]]]) -> tuple[BuiltFile, ...]:
    """Parquet files in the release's layout."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    files = []
    for split, content in splits.items():
        path = f"data/{split}-00000-of-00001.parquet"
        frame = pl.DataFrame(
            content, schema={"id": pl.String, "topic": pl.String, "text": pl.String, "views": pl.Int64, "issued": pl.Date}
        )
        frame.write_parquet(folder / path, compression="zstd", compression_level=3)
        files.append(BuiltFile(path, "", split, frame.height, (folder / path).stat().st_size, file_sha256(folder / path)))
    return tuple(files)


def write_lineage(folder: Path, content: list[dict[str, Any]]) -> None:
    (folder / "provenance").mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({
        "id": [row["id"] for row in content],
        "source": ["notices"] * len(content),
        "source_sha256": ["a" * 64] * len(content),
        "source_row": list(range(1, len(content) + 1)),
        "row_sha256": [sha256(repr(row).encode()) for row in content],
    })  # fmt: skip
    frame.write_parquet(folder / "provenance/lineage.parquet")


def a_build(folder: Path, splits: Mapping[str, list[dict[str, Any]]] | None = None, recipe: Recipe | None = None) -> Built:
    """A build of two splits: 61 rows read, one dropped, every figure consistent with the files."""
    recipe = recipe or a_recipe()
    splits = splits or {"train": rows(50), "test": rows(10, 50)}
    everything = [row for content in splits.values() for row in content]
    files = write_data(folder, splits)
    write_lineage(folder, everything)
    kinds = {"id": "string", "topic": "string", "text": "string", "views": "int64", "issued": "date32"}
    read = len(everything) + 1
    logical = sha256(
        repr(sorted((row["id"], row["topic"], row["text"], row["views"], str(row["issued"])) for row in everything)).encode()
    )
    return Built(
        dataset=recipe.dataset,
        recipe_digest=recipe.digest,
        fingerprint=sha256(f"{recipe.digest}{logical}".encode()),
        logical_digest=logical,
        files=files,
        columns=tuple(
            ColumnFact(column.name, kinds[column.name], not column.required, column.description) for column in recipe.contract.columns
        ),
        sources=(SourceFact("notices", "990100/stats/notices", "csv", "gb18030", "a" * 64, 12345, read, 2, 1, {"too_many_fields": 2}),),
        steps=(
            StepFact(1, "normalize", 1, {"columns": ["text"]}, read, read, 12, {}),
            StepFact(2, "dedup_exact", 1, {"on": "text"}, read, read - 1, 0, {"duplicate": 1}),
            StepFact(3, "scrub", 1, {"columns": ["text"], "policy": "training"}, read - 1, read - 1, 60, {}),
        ),
        entities=(EntityFact("CN_ID_CARD", 60, 60, 0, 0, "replace"), EntityFact("CN_MOBILE", 60, 60, 0, 0, "replace")),
        measures={
            "duplicates_exact": 1, "duplicates_across_splits": 0, "near_duplicates_across_splits": 0, "contaminated_rows": 0,
            "contract_failures": 0, "lineage_coverage": 1.0, "key_uniqueness": 1.0, "key_completeness": 1.0, "quality_validity": 1.0,
            "quality_completeness": 0.997, "quality_accuracy": 1.0, "quality_consistency": 1.0, "text_rows": len(everything),
            "generated_rows": 0, "source_records": 1.0,
        },
        tools={"polars": "2.1.0", "pyarrow": "26.0.1", "python": "3.11"},
    )  # fmt: skip


def an_origin(**changes: Any) -> Origin:
    origin = Origin(
        source="notices", resource="990100/stats/notices", title={"zh": "办事须知", "en": "service notices"},
        registration_code="YZ-2026-000017", authorization="auth-01", grantor="云州市政务服务局", operator="云州数据运营有限公司",
        purposes=("model-training", "evaluation"), valid_from="2026-01-01", valid_to="2028-12-31", terms_digest="b" * 64,
        licence="bj-open-data-terms",
    )  # fmt: skip
    return replace(origin, **changes)


PUBLISHER = Publisher({"zh": "云州数据运营有限公司", "en": "Yunzhou Data Operations"}, "data@yunzhou.example")


@dataclass(frozen=True)
class Record:
    """A build as the releases service reads it."""

    id: str
    recipe: Recipe
    built: Built
    folder: Path
    grants: tuple[SourceGrant, ...] = ()
    built_by: str = "operator"
    builder_org: str = "data-group"
    sample: int = 0


class SomeBuilds:
    """Builds by id, in memory."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def get(self, actor: Actor, build_id: str) -> Record:
        del actor
        return self.records[build_id]

    def again(self, record: Record, scratch: Path, progress: Progress = silent) -> Built:
        """The build itself, as a sound builder would give it again."""
        del scratch
        return record.built

    def secret(self) -> bytes:
        return bytes(32)


ITEMS = [{"name": name, "meaning": {"zh": name, "en": name}} for name in ("id", "topic", "text", "views", "issued")]


@dataclass
class Works:
    """A city whose operator builds and releases."""

    city: City
    folder: Path
    releases: Releases
    builds: SomeBuilds
    reviews: Reviews

    def build(
        self,
        name: str = "b-1",
        splits: Mapping[str, list[dict[str, Any]]] | None = None,
        *,
        recipe: Recipe | None = None,
        **changes: Any,
    ) -> str:
        """Build `splits` as the operator; gives the build's id."""
        folder = self.folder / name
        recipe = recipe or a_recipe()
        built = replace(a_build(folder, splits, recipe), **changes)
        grants = self.city.catalog.authorize_build(self.city["operator"], recipe)
        self.builds.records[name] = Record(name, recipe, built, folder, grants)
        return name

    def reviewed(self, build_id: str, version: str = "") -> str:
        """Two people pass every row of every sample of a build; gives the build's id."""
        for purpose in PURPOSES:
            review = self.reviews.open(self.city["operator"], build_id, purpose, version=version)
            for person in ("reviewer", "implementer"):
                if items := self.reviews.queue(self.city[person], review.id, limit=review.size):
                    self.reviews.judge_all(self.city[person], review.id, {item.row: (True, "") for item in items})
        return build_id

    def proposed(self, build_id: str, **options: Any) -> Case:
        """A reviewed build as a release case, with the waivers that the small seed library and the single source need."""
        case = self.releases.propose(self.city["operator"], self.reviewed(build_id, options.get("version", "")), **options)
        for gate in ("SRC-03", "SAF-03"):
            case = self.city.do("reviewer", case, "waive", gate=gate, reason=f"{gate}: a small city begins")
        return case

    def approved(self, build_id: str, **options: Any) -> Case:
        case = self.city.do("operator", self.proposed(build_id, **options), "submit")
        self.city.do("implementer", case, "approve")
        return self.city.do("reviewer", case, "approve")

    def released(self, name: str = "b-1", splits: Mapping[str, list[dict[str, Any]]] | None = None) -> Release:
        return self.releases.publish(self.city["operator"], self.approved(self.build(name, splits)).id)


def a_works(folder: Path) -> Works:
    """A city with one registered and authorized resource, and nothing released yet."""
    city = a_city(folder)
    resource = "990100/stats/notices"
    registered(city, items=ITEMS, licence="bj-open-data-terms")
    city.made["authorization"] = authorized(city, fields={resource: [item["name"] for item in ITEMS]})
    builds = SomeBuilds()
    objects = Objects(folder / "objects")
    releases = Releases(
        database=city.database,
        objects=objects,
        cases=city.cases,
        builds=builds,
        key=SigningKey.generate("hub.example"),
        clock=city.clock,
    )
    reviews = Reviews(database=city.database, builds=builds, versions=releases.version_for, clock=city.clock)
    return Works(city, folder, releases, builds, reviews)
