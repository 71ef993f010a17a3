"""The one reader of the environment and of `corpushub.toml` in the home folder. Environment wins over file, file over default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from corpushub.base.errors import Invalid


@dataclass(frozen=True, slots=True)
class Settings:
    """Where state lives and how the hub is reached. `home` holds everything the defaults need.

    Each field may be set as CORPUSHUB_<FIELD> or as a key of `<home>/corpushub.toml`.
    """

    home: Path  # the folder of everything below
    database_url: str = ""  # empty: SQLite in home
    objects_url: str = ""  # empty: folder in home; s3://bucket/prefix otherwise
    host: str = "127.0.0.1"  # address to listen on
    port: int = 7860  # port to listen on; PORT counts too
    public_url: str = ""  # what clients call us; empty: http://host:port
    recipes_dir: str = ""  # empty: ./recipes of the checkout
    lang: str = "zh"  # language of the portal where a visitor states none
    acting_as: str = ""  # the person commands act for when none is named
    region: str = "110000"  # the place this hub serves (GB/T 2260): what "here" means in a demand
    search_engine: str = "numpy"  # what picks matching's candidates: numpy, or tantivy where the extra [search] is installed
    rulebook: str = "beijing"  # the rules overlay in force
    allowed_hosts: str = ""  # comma separated hosts that HTTP sources, harvests and peers may name
    source_roots: str = ""  # os.pathsep separated folders that file sources may name besides the recipes folder
    s3_endpoint: str = ""  # S3-speaking server, empty: AWS
    s3_access_key_id: str = ""  # credentials of the object store
    s3_secret_access_key: str = ""  # credentials of the object store
    s3_region: str = "us-east-1"  # region of the object store
    oidc_issuer: str = ""  # OpenID Connect issuer for sign-in, empty: local accounts only
    oidc_client_id: str = ""  # client id at the issuer
    oidc_client_secret: str = ""  # client secret at the issuer
    session_hours: int = 12  # how long a sign-in lasts
    build_workers: int = 0  # 0: as many as cores
    accel_redirect: str = ""  # nginx internal location for X-Accel-Redirect, empty: send bytes ourselves
    files_url: str = ""  # where nginx serves released files under passes (its second server), empty: nowhere

    def endpoint(self) -> str:
        """Base URL clients use, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings(env: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Settings from `overrides`, else the environment, else the home's file, else defaults.

    Raises: Invalid("settings.not_toml"), Invalid("settings.unknown_key" | "settings.not_a_number") naming the key.
    """
    env = os.environ if env is None else env
    home = Path(str(overrides.pop("home", "") or env.get("CORPUSHUB_HOME") or default_home(env))).expanduser()
    file = home / "corpushub.toml"
    stated = read_toml(file) if file.exists() else {}
    known = {item.name for item in fields(Settings)}
    if unknown := sorted(set(stated) - known):
        raise Invalid("settings.unknown_key", key=unknown[0], file=file.name)
    values: dict[str, Any] = dict(stated)
    for name in known - {"home"}:
        if (word := env.get(f"CORPUSHUB_{name.upper()}")) is not None:
            values[name] = word
    if "port" not in overrides and env.get("PORT"):
        values["port"] = env["PORT"]
    values.update(overrides)
    for name in ("port", "session_hours", "build_workers"):
        if name in values:
            values[name] = whole_number(name, values[name])
    return Settings(home=home, **values)


@contextmanager
def environment_with(**words: str) -> Generator[None]:
    """These variables in the environment, for a process started meanwhile."""
    held = {name: os.environ.get(name) for name in words}
    os.environ.update(words)
    try:
        yield
    finally:
        for name, word in held.items():
            os.environ.pop(name)
            os.environ.update({name: word} if word is not None else {})


def preferred_lang() -> str:
    """Language of this shell: CORPUSHUB_LANG, else Chinese or English by the locale, Chinese first where nothing is said."""
    if stated := os.environ.get("CORPUSHUB_LANG"):
        return stated
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if locale.startswith("en") else "zh"


def read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Invalid("settings.not_toml", file=file.name, reason=str(error)) from None
    except UnicodeDecodeError:
        raise Invalid("settings.not_toml", file=file.name, reason="UTF-8") from None


def whole_number(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise Invalid("settings.not_a_number", key=name) from None


def default_home(env: Mapping[str, str]) -> str:
    """The user's data folder (XDG base directory specification)."""
    return str(Path(env.get("XDG_DATA_HOME") or "~/.local/share") / "corpushub")
