"""Carry a plan out: shard by shard through its stages, then written once, in order.

Every intermediate is in the cache under its fingerprint, so a build that was killed, or follows a small change, only does what is missing.
The result folder appears at the end with one rename. Nothing of host, clock, thread count or executor reaches a byte of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from corpushub.base.errors import Conflict, Invalid
from corpushub.base.identity import Stopwatch, digest_of
from corpushub.domain.build import Built, BuiltFile, ColumnFact, Progress, ProgressEvent, StepFact, silent
from corpushub.engine.cache import Cache, read_json, write_json
from corpushub.engine.digests import logical_digest
from corpushub.engine.mapping import Tally
from corpushub.engine.plan import Plan, Stage, tools
from corpushub.engine.run.barrier import Ruling, Verdict, read_measures, read_verdicts, ruling_key
from corpushub.engine.run.drops import DROPS, Drops, write_quarantine
from corpushub.engine.run.executors import Executor, Serial, T
from corpushub.engine.run.facts import nonzero, with_facts
from corpushub.engine.run.release import (
    DIGESTS,
    FILE,
    LINEAGE,
    File,
    Group,
    Measure,
    Measured,
    file_key,
    group_key,
    is_number,
    load,
    measured_in,
    measuring,
    merge_columns,
    released_columns,
    writing,
)
from corpushub.engine.run.work import Pieces, Task, left_by, tally_from
from corpushub.engine.run.write import FILE_BYTES, GROUP_BYTES, hub_type, runs, split_order
from corpushub.engine.shards import Shard

LINEAGE_BYTES = 150  # of a row, about


@dataclass(slots=True)
class Run:
    """One build in progress. `cancelled` is asked between shards."""

    plan: Plan
    cache: Cache
    executor: Executor
    progress: Progress = silent
    cancelled: Callable[[], bool] = bool
    reused: Counter[int] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)
    tallies: dict[int, Tally] = field(default_factory=dict)
    watch: Stopwatch = field(default_factory=Stopwatch)


def run(
    plan: Plan,
    folder: Path,
    *,
    cache: Cache,
    executor: Executor | None = None,
    progress: Progress = silent,
    cancelled: Callable[[], bool] = bool,
) -> Built:
    """Build `plan` into `folder`, which must not exist yet.

    Raises: Conflict("build.cancelled"), Invalid("build.empty" | what steps refuse).
    """
    return carry_out(Run(plan, cache, executor or Serial(), progress, cancelled), folder)


def carry_out(job: Run, folder: Path) -> Built:
    """As `run`; afterwards `job.reused` and `job.asked` tell how many shards of each stage came from earlier builds, and of how many."""
    plan, cache = job.plan, job.cache
    outputs, logs, inputs = stages(job)
    key = digest_of(["release", plan.fingerprint, measuring(), writing(), [shard.digest for shard in outputs.shards]])
    if cache.get(key) is None:
        with cache.make(key) as place:
            lost = sum(sum(tally.dropped.values()) for tally in job.tallies.values())
            built = write(job, outputs, Drops(digest_of(["drops", key]), tuple(logs), inputs, lost), place)
            write_quarantine(plan, place)
            write_json(place / "built.json", built.to_json())
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"tmp-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        # Finished files are never written again, so the result and the cache share them.
        shutil.copytree(cache.place(key), temporary, copy_function=link)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Built.from_json(read_json(folder / "built.json"))


def link(source: str, target: str) -> None:
    """A hard link for the large files, or a copy where the file system has none."""
    if not source.endswith(".parquet"):
        shutil.copyfile(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def stages(job: Run) -> tuple[Pieces, list[Pieces], dict[int, Pieces]]:
    """Carry out every stage. Gives the last pieces, all map stages' pieces (with their drop logs) and each barrier's input by its step."""
    plan = job.plan
    pieces = Pieces(tuple(at for at, _ in plan.shards), tuple(shard for _, shard in plan.shards))
    rulings: list[Verdict] = []
    logs: list[Pieces] = []
    inputs: dict[int, Pieces] = {}
    for number, stage in enumerate(plan.stages):
        if stage.kind == "map":
            pieces = map_stage(job, number, pieces, rulings)
            logs.append(pieces)
            rulings = []
        else:
            inputs[stage.steps[0].index] = pieces
            rulings = barrier_stage(job, number, pieces)
    return pieces, logs, inputs


def stage_key(stage: Stage, shard: Shard, ruling: str) -> str:
    return digest_of(["map", stage.fingerprint, shard.digest, ruling])


def slots_of(plan: Plan, pieces: Pieces) -> list[str]:
    """Each shard's place: dataset, source and number, or its first file and place there; stable when content changes."""
    counts: Counter[int] = Counter()
    slots = []
    for source, shard in zip(pieces.sources, pieces.shards, strict=True):
        opened = plan.sources[source]
        file = shard.origins[0] if opened.files > 1 and shard.origins else ""
        place = f"{file}|{shard.place}" if shard.place else file or str(counts[source])
        counts[source] += 1
        slots.append(f"{plan.recipe.dataset}|{opened.name}|{place}")
    return slots


def sketch_key(stage: Stage, shard: Shard) -> str:
    """A sketch depends on its step and the shard alone, not on the steps of other shards."""
    step = stage.steps[0]
    return digest_of(["sketch", step.step.name, step.step.version, step.params.model_dump(mode="json"), shard.digest])


def map_stage(job: Run, number: int, pieces: Pieces, rulings: Sequence[Verdict]) -> Pieces:
    stage = job.plan.stages[number]
    tasks = []
    slots = slots_of(job.plan, pieces)
    for at, shard in enumerate(pieces.shards):
        ruling = rulings[at] if rulings else None
        key = stage_key(stage, shard, ruling.digest if ruling else "")
        tasks.append(
            Task(
                number,
                key,
                shard,
                first=number == 0,
                ruling=ruling,
                source=pieces.sources[at],
                slot=slots[at],
            )
        )
    folders = staged(job, "map_shard", tasks)
    outputs = []
    for folder, task in zip(folders, tasks, strict=True):
        tally = read_json(folder / "tally.json")
        for step, value in zip(stage.steps, tally["steps"], strict=True):
            job.tallies.setdefault(step.index, Tally()).add(tally_from(value))
        outputs.append(left_by(task, folder, tally["rows"]))
    return Pieces(pieces.sources, tuple(outputs), tuple(folders), tuple(rulings))


def barrier_stage(job: Run, number: int, pieces: Pieces) -> list[Verdict]:
    stage = job.plan.stages[number]
    step = stage.steps[0]
    tasks = [Task(number, sketch_key(stage, shard), shard) for shard in pieces.shards]
    staged(job, "sketch_shard", tasks)
    memory = job.cache.folder(
        digest_of([step.step.name, step.step.version, step.params.model_dump(mode="json"), job.plan.recipe.dataset])[:40]
    )
    sketches = tuple(task.key for task in tasks)
    ruling = Ruling(number, ruling_key(stage, sketches), pieces.shards, sketches, memory)
    folder = perform(job, "rule_shards", [ruling], step.step.name)[0][0]
    told = read_measures(folder)
    rows, dropped = told["rows"], told["dropped"]
    job.tallies[step.index] = Tally(rows, rows - sum(dropped.values()), 0, dropped, told["measures"])
    return read_verdicts(folder)


def perform(job: Run, function: str, tasks: Sequence[T], name: str) -> tuple[list[Path], int]:
    """Do every task that the cache does not know yet, with progress; gives the folders in task order and how many were known."""
    known = {at for at, task in enumerate(tasks) if job.cache.get(task.key)}
    total = sum(task.rows for task in tasks)
    done = sum(tasks[at].rows for at in known)
    open_tasks = [task for at, task in enumerate(tasks) if at not in known]
    started = job.watch.seconds()
    fresh = 0
    for task in job.executor.perform(function, job.plan, open_tasks, job.cache):
        if job.cancelled():
            raise Conflict("build.cancelled", dataset=job.plan.recipe.dataset)
        fresh += task.rows
        seconds = max(job.watch.seconds() - started, 1e-6)
        rate = fresh / seconds
        left = total - done - fresh
        job.progress(ProgressEvent(name, done + fresh, total, "rows", rate, left / rate if rate else 0.0))
    return [job.cache.place(task.key) for task in tasks], len(known)


def staged(job: Run, function: str, tasks: Sequence[Task]) -> list[Path]:
    """Tasks of one stage of the plan."""
    stage = tasks[0].stage if tasks else 0
    name = "+".join(step.step.name for step in job.plan.stages[stage].steps) or "read"
    folders, known = perform(job, function, tasks, name)
    job.reused[stage] += known
    job.asked[stage] += len(tasks)
    return folders


def write(job: Run, outputs: Pieces, drops: Drops, folder: Path) -> Built:
    """The release files and everything known about the build."""
    plan = job.plan
    parts, measured = measure(job, outputs)
    if not measured.rows:
        raise Invalid("build.empty", dataset=plan.recipe.dataset, reasons=dropped_reasons(job))
    (folder / "data").mkdir()
    (folder / "provenance").mkdir()
    (folder / "reports").mkdir()
    files = []
    made = made_files(job, [*sorted(measured.rows, key=split_order), LINEAGE], parts, drops)
    if (found := job.cache.place(drops.key) / DROPS).exists():
        link(str(found), str(folder / "provenance" / DROPS))
    for at, place in enumerate(made.pop(LINEAGE)):
        name = "lineage.parquet" if at == 0 else f"lineage-{at:05d}.parquet"
        link(str(place / FILE), str(folder / "provenance" / name))
    for split, places in made.items():
        for at, place in enumerate(places):
            path = f"data/{split}-{at:05d}-of-{len(places):05d}.parquet"
            link(str(place / FILE), str(folder / path))
            about = read_json(place / "file.json")
            files.append(BuiltFile(path, "default", split, about["rows"], about["bytes"], about["sha256"]))
    columns = released_columns(plan)
    schema = {name: hub_type(dtype) for name, dtype in columns.items()}
    built = Built(
        dataset=plan.recipe.dataset,
        recipe_digest=plan.recipe.digest,
        fingerprint=plan.fingerprint,
        logical_digest=logical_digest(
            [job.cache.place(part.key) / DIGESTS for part, _ in parts], sum(measured.rows.values()), schema
        ),
        files=tuple(files),
        columns=column_facts(plan, columns),
        sources=tuple(source.fact for source in plan.sources),
        steps=step_facts(job),
        entities=(),
        measures={},
        tools=tools(),
    )
    return with_facts(plan, built, folder, {index: tally.measures for index, tally in job.tallies.items()}, measured)


def measure(job: Run, outputs: Pieces) -> tuple[list[tuple[Measure, Measured]], Measured]:
    """(every shard with what is known of it, what is known of all rows)."""
    plan = job.plan
    contract = digest_of([[asdict(column) for column in plan.recipe.contract.columns], list(plan.recipe.contract.rules)])
    about = ["measure", measuring(), contract, plan.recipe.contract.key, dict(plan.recipe.contract.timeliness)]
    names = list(released_columns(plan).items())
    schema = [(name, str(dtype)) for name, dtype in names]
    tasks = [
        Measure(digest_of([*about, schema, shard.digest]), shard, source, slot)
        for source, shard, slot in zip(outputs.sources, outputs.shards, slots_of(plan, outputs), strict=True)
    ]
    folders, _ = perform(job, "measure_shard", tasks, "measure")
    parts, whole = [], Measured()
    for task, folder in zip(tasks, folders, strict=True):
        part = measured_in(folder)
        whole.merge(part)
        parts.append(
            (task, Measured(rows=part.rows, bytes=part.bytes))
        )  # of one shard no more is asked: thousands would fill the memory
    if any(is_number(dtype) for _, dtype in names):
        bounds = tuple((name, low, high) for name, (low, high) in sorted(whole.bounds.items()))
        binned = [replace(task, key=digest_of(["bins", task.key, repr(bounds)]), bounds=bounds) for task in tasks]
        for folder in perform(job, "bin_shard", binned, "measure")[0]:
            merge_columns(whole.columns, load(folder))
    return parts, whole


def made_files(job: Run, splits: Sequence[str], parts: Sequence[tuple[Measure, Measured]], drops: Drops) -> dict[str, list[Path]]:
    """The files of each split (or of the lineage), each a folder in the cache. All row groups and the drop log first, so that nobody waits
    between splits.
    """
    groups = {split: groups_of(job.plan, split, parts) for split in splits}
    files = {split: files_of(found) for split, found in groups.items()}
    wanted = {key for made in files.values() for file in made if job.cache.get(file.key) is None for key in file.groups}
    tasks: list[Drops | Group] = [group for found in groups.values() for group, _ in found if group.key in wanted]
    perform(job, "write_part", [drops, *tasks], "write")
    places = iter(perform(job, "join_groups", [file for made in files.values() for file in made], "write")[0])
    return {split: [next(places) for _ in made] for split, made in files.items()}


def groups_of(plan: Plan, split: str, parts: Sequence[tuple[Measure, Measured]]) -> list[tuple[Group, int]]:
    """The row groups of a split (or of the lineage), each with its size."""
    mine = [(part, known.rows.get(split, 0), known.bytes.get(split, 0)) for part, known in parts]
    if split == LINEAGE:
        mine = [(part, part.rows, LINEAGE_BYTES * part.rows) for part, _ in parts]
    mine = [item for item in mine if item[1]]
    most = GROUP_BYTES // 8 if split == LINEAGE else GROUP_BYTES
    found = []
    for run in runs([size for _, _, size in mine], [part.slot for part, _, _ in mine], most):
        chosen = tuple(mine[at][0] for at in run)
        group = Group(group_key(plan, split, chosen), split, chosen, sum(mine[at][1] for at in run))
        found.append((group, sum(mine[at][2] for at in run)))
    return found


def files_of(groups: Sequence[tuple[Group, int]]) -> list[File]:
    files = []
    for run in runs([size for _, size in groups], [group.parts[-1].slot for group, _ in groups], FILE_BYTES):
        chosen = [groups[at][0] for at in run]
        files.append(File(file_key(chosen), tuple(group.key for group in chosen), sum(group.rows for group in chosen)))
    return files


def column_facts(plan: Plan, columns: Mapping[str, pl.DataType]) -> tuple[ColumnFact, ...]:
    promised = {column.name: column for column in plan.recipe.contract.columns}
    return tuple(
        ColumnFact(
            name,
            hub_type(dtype),
            not (name in promised and promised[name].required),
            promised[name].description if name in promised else {},
        )
        for name, dtype in columns.items()
    )


def step_facts(job: Run) -> tuple[StepFact, ...]:
    facts = []
    for step in job.plan.steps:
        tally = job.tallies.get(step.index, Tally())
        params = step.params.model_dump(mode="json")
        facts.append(
            StepFact(
                step.index, step.step.name, step.step.version, params, tally.rows_in, tally.rows_out, tally.changed,
                dict(sorted(tally.dropped.items())), dict(nonzero(tally.measures)),
            )
        )  # fmt: skip
    return tuple(facts)


def dropped_reasons(job: Run) -> str:
    counts: Counter[str] = Counter()
    for tally in job.tallies.values():
        counts.update(tally.dropped)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def reusable(plan: Plan, cache: Cache) -> dict[int, int]:
    """Shards of each stage that are already computed, as far as can be known without computing: up to the first gap."""
    found: dict[int, int] = {}
    pieces = tuple(shard for _, shard in plan.shards)
    rulings: list[str] = [""] * len(pieces)
    for number, stage in enumerate(plan.stages):
        if stage.kind == "map":
            keys = [stage_key(stage, shard, ruling) for shard, ruling in zip(pieces, rulings, strict=True)]
            rulings = [""] * len(pieces)
        else:
            keys = [sketch_key(stage, shard) for shard in pieces]
        folders = [cache.get(key) for key in keys]
        found[number] = sum(folder is not None for folder in folders)
        if found[number] < len(pieces):
            return found
        if stage.kind == "map":
            pieces = tuple(
                Shard(str(folder / "rows.arrow"), read_json(folder / "tally.json")["rows"], key)
                for folder, key in zip(folders, keys, strict=True)
                if folder is not None
            )
        else:
            ruling = cache.get(ruling_key(stage, keys))
            if ruling is None:
                return found
            rulings = [verdict.digest for verdict in read_verdicts(ruling)]
    return found
