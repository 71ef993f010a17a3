"""The home is closed to other accounts, and what is nowhere else in it is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpushub.store.home import database_of, kept_files, make_home


@pytest.mark.parametrize(("before", "after"), [(None, 0o750), (0o755, 0o750), (0o700, 0o700), (0o2775, 0o2770), (0o1777, 0o1777)])
def test_other_accounts_cannot_enter_a_home(tmp_path: Path, before: int | None, after: int) -> None:
    home = tmp_path / "home"
    if before is not None:
        home.mkdir()
        home.chmod(before)
    make_home(home)
    assert home.stat().st_mode & 0o7777 == after


def test_what_is_made_again_or_half_made_is_not_kept(tmp_path: Path) -> None:
    names = (
        "hub.db", "hub.db-wal", "corpushub.toml", "keys/ledger.key", "builds/b/data/x.parquet", "builds/tmp-1/x.parquet", "cache/ab/rows.arrow",
        "objects/ab/cd", "uploads/u", "nginx/take/x", "compute/j/out", "tmp-x/file",
    )  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "builds" / "link").symlink_to(tmp_path / "cache")
    kept = [path.relative_to(tmp_path).as_posix() for path in kept_files(tmp_path, str(database_of(tmp_path)))]
    assert kept == ["builds/b/data/x.parquet", "corpushub.toml", "keys/ledger.key"]
