"""Build a release again from its own recipe and tell how the result compares: byte by byte, by content, or row by row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpushub.base.errors import Invalid, NotFound
from corpushub.base.identity import file_sha256
from corpushub.domain.build import Built, Progress, silent
from corpushub.domain.parties import Actor
from corpushub.domain.release import parse_checksums
from corpushub.engine.rowdiff import compare_rows

if TYPE_CHECKING:
    from corpushub.services.builds import Builds, Options

EQUAL, SAME, DIFFERS = "byte_equal", "logically_equal", "differs"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`verdict`: byte_equal, logically_equal or differs; `rows` names keys of rows that differ, by kind, at most twenty each."""

    verdict: str
    stated: str
    rebuilt: str
    files: Sequence[str] = ()
    rows: Mapping[str, Sequence[str]] | None = None
    recipe_changed: bool = False


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A second build beside the first: their logical digests, the files whose bytes differ, and the tools of the second."""

    stated: str
    rebuilt: str
    files: Sequence[str]
    tools: Mapping[str, str]

    def measures(self) -> dict[str, float]:
        differs = self.stated != self.rebuilt
        return {"rebuild_data_differs": int(differs), "rebuild_differs": int(differs or bool(self.files))}


def compared(first: Built, second: Built) -> Reproduced:
    """How the second build of a recipe compares with the first (gate REP-01)."""
    one, two = ({file.path: file.sha256 for file in built.files} for built in (first, second))
    differing = [path for path in sorted({*one, *two}) if one.get(path) != two.get(path)]
    return Reproduced(first.logical_digest, second.logical_digest, differing, dict(second.tools))


def rebuild(
    actor: Actor, builds: Builds, release: Path, recipe: Path, *, options: Options | None = None, progress: Progress = silent
) -> Rebuilt:
    """Build `recipe` and compare with the release in the folder `release`.

    Raises: NotFound("verify.no_release"), what a build refuses with.
    """
    sums, stated = release_facts(release)
    record = builds.build(actor, recipe, progress=progress, options=options)
    differing = tuple(
        path for path, digest in sorted(sums.items())
        if path.startswith("data/") and (not (record.folder / path).is_file() or file_sha256(record.folder / path) != digest)
    )  # fmt: skip
    extra = [file.path for file in record.built.files if file.path not in sums]
    changed = record.recipe.digest != stated["recipe"]
    if not differing and not extra:
        return Rebuilt(EQUAL, stated["logical"], record.built.logical_digest, recipe_changed=changed)
    if record.built.logical_digest == stated["logical"]:
        return Rebuilt(SAME, stated["logical"], record.built.logical_digest, (*differing, *extra), recipe_changed=changed)
    before = {path: release / path for path in sums if path.startswith("data/") and (release / path).is_file()}
    after = {file.path: record.folder / file.path for file in record.built.files}
    found = compare_rows(before, after, record.recipe.contract.key)
    return Rebuilt(DIFFERS, stated["logical"], record.built.logical_digest, (*differing, *extra), found.examples, changed)


def release_facts(release: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Sums of a release folder, and the digests its attestation states.

    Raises: NotFound("verify.no_release"), Invalid("verify.unreadable_file").
    """
    import base64

    if not (release / "SHA256SUMS").is_file():
        raise NotFound("verify.no_release", file="SHA256SUMS")
    sums = parse_checksums((release / "SHA256SUMS").read_text("utf-8"))
    path = release / "provenance/build.dsse.json"
    try:
        envelope: dict[str, Any] = json.loads(path.read_text("utf-8"))
        definition = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["buildDefinition"]
        logical, recipe = definition["internalParameters"]["logicalSha256"], definition["externalParameters"]["recipeSha256"]
    except (OSError, ValueError, KeyError):
        raise Invalid("verify.unreadable_file", file="provenance/build.dsse.json") from None
    return sums, {"logical": logical, "recipe": recipe}
