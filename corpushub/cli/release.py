"""`corpushub release …`: propose builds, publish what was approved, compare, and check a downloaded release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from corpushub.base.errors import Invalid
from corpushub.base.messages import Lang, text
from corpushub.cli.context import context
from corpushub.domain.places import in_words, split_of

app = typer.Typer(help="Versions of datasets: propose, publish, compare, verify.", no_args_is_help=True)
Dataset = Annotated[str, typer.Argument(help="The dataset, owner/name.", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="Folder of a downloaded release.", show_default=False)]
PLACE_COLUMNS = ("gate", "split", "row", "key", "column", "found")
SHOWN_PLACES = 30  # at a terminal; `--json`, the portal and the reports have more
COLUMNS = ("dataset", "version", "state", "day", "rows", "bytes", "commit")


@app.command()
def propose(
    build: Annotated[str, typer.Argument(help="Id of a finished build.")],
    version: Annotated[str, typer.Option(help="Version to give; without it the data decide.")] = "",
) -> None:
    """Gate a build and open its release case; prints every gate that failed, with its numbers and the rows it points at."""
    ctx = context()
    releases = ctx.hub().releases
    with ctx.progress() as progress:
        case = releases.propose(ctx.actor(), build, version=version or None, progress=progress)
    places = releases.evidence(ctx.actor(), case.id).places
    if ctx.json:
        about = {"case": case.id, "state": case.state, "version": case.data["version"], "gates": case.data["gates"]}
        ctx.show({**about, "places": places})
        return
    failed = [gate for gate in case.data["gates"] if gate["status"] == "fail"]
    if failed:
        ctx.show([gate_row(gate, ctx.lang) for gate in failed], columns=("gate", "about", "found", "effect", "waivable_by"))
    if places:
        ctx.show([place_row(place, ctx.lang) for place in places[:SHOWN_PLACES]], title=text("place.title", ctx.lang))
        print(text("place.note", ctx.lang))
        if len(places) > SHOWN_PLACES:
            print(text("place.more", ctx.lang, count=SHOWN_PLACES))
    ctx.say("releases.proposed", case=case.id, dataset=case.data["dataset"], version=case.data["version"], state=case.state)
    ctx.say("releases.next_blocked" if case.state == "blocked" else "releases.next_gated", case=case.id)
    print(case.id)


def gate_row(gate: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """What a gate is about, the numbers it was not content with, and who may let it pass."""
    failed = [one for one in gate["outcomes"] if not one["passed"]]
    names = [text(f"card_measure.{one['measure']}", lang) for one in failed]
    found = [f"{number(one['value'])} ({one['op']} {number(one['threshold'])})" for one in failed]
    return {
        "gate": gate["id"],
        "about": text(f"card_gate.{gate['id']}", lang),
        "found": "; ".join(map(" ".join, zip(names, found, strict=True))),
        "effect": gate["effect"],
        "waivable_by": " + ".join(gate["waivable_by"]),
    }


def place_row(place: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """A row that a gate points at, as people look it up."""
    shown = {**place, "split": split_of(place), "found": in_words(place["found"], lang)}
    return {text(f"place.{name}", lang): shown[name] for name in PLACE_COLUMNS}


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.12g}"


@app.command()
def reproduce(build: Annotated[str, typer.Argument(help="Id of a finished build.")]) -> None:
    """Build once more from the sources and keep how the result compares; else publishing does it, and takes as long. Exit 1: it differs."""
    ctx = context()
    with ctx.progress() as progress:
        found = ctx.hub().releases.reproduce(ctx.actor(), build, progress)
    ctx.show(asdict(found))
    raise typer.Exit(1 if any(found.measures().values()) else 0)


@app.command()
def publish(case: Annotated[str, typer.Argument(help="Id of an approved release case.")]) -> None:
    """Make an approved release public."""
    ctx = context()
    with ctx.progress() as progress:
        published = ctx.hub().releases.publish(ctx.actor(), case, progress)
    ctx.show(row(published))


@app.command("confirm-library")
def confirm_library() -> None:
    """State, as a reviewer, that the keyword library was looked through today; gate SAF-03 counts its age from here."""
    ctx = context()
    ctx.show(ctx.hub().reviews.confirm_library(ctx.actor()))


@app.command("list")
def list_releases(dataset: Annotated[str, typer.Argument(help="Only of this dataset.")] = "") -> None:
    """Published versions, newest first."""
    ctx = context()
    ctx.show([row(item) for item in ctx.hub().releases.list(ctx.actor(), dataset or None)], columns=COLUMNS)


@app.command()
def show(dataset: Dataset, version: Annotated[str, typer.Argument(help="The version, 1.0.0.")]) -> None:
    """One version with the digest of every file."""
    ctx = context()
    releases = ctx.hub().releases
    release = releases.get(ctx.actor(), dataset, version)
    manifest = releases.manifest(ctx.actor(), dataset, version)
    if ctx.json:
        ctx.show(
            {
                **row(release),
                "manifest": manifest.to_json(),
                "tombstone": asdict(release.tombstone) if release.tombstone else None,
            }
        )
        return
    ctx.show(row(release))
    ctx.show([asdict(item) for item in manifest.files], columns=("path", "bytes", "sha256"))


@app.command()
def diff(
    dataset: Dataset,
    old: Annotated[str, typer.Argument(help="The older version, 1.0.0.")],
    new: Annotated[str, typer.Argument(help="The newer version, 1.1.0.")],
) -> None:
    """How one version differs from another, row by row."""
    ctx = context()
    ctx.show(ctx.hub().releases.diff(ctx.actor(), dataset, old, new).to_json())


@app.command()
def withdraw(
    case: Annotated[str, typer.Argument(help="Id of the release case.")],
    reason: Annotated[str, typer.Option(help="Why, for every holder of a copy.")],
    successor: Annotated[str, typer.Option(help="The version that replaces it.")] = "",
) -> None:
    """Vote to withdraw a version; the second person's vote completes it and a tombstone stands."""
    ctx = context()
    after = ctx.hub().releases.withdraw(ctx.actor(), case, reason, successor)
    ctx.show({"case": after.id, "state": after.state})


@app.command()
def verify(
    folder: Folder,
    pubkey: Annotated[
        Path | None, typer.Option(help="File with what `release key` prints at the hub, got from a trusted place outside it.")
    ] = None,
    oms_key: Annotated[
        Path | None, typer.Option(help="Public key (PEM) of the OpenSSF bundle release.sig, to check that too.")
    ] = None,
    day: Annotated[str, typer.Option(help="Judge waivers as of this day, 2026-12-31.")] = "",
) -> None:
    """Check sums, signature, counts, gates and approvals of a downloaded release. Exit 0: all holds; 1: something does not."""
    from corpushub.services.oms import verify_bundle
    from corpushub.services.verify import keys_in, told, verify_folder

    ctx = context()
    problems = verify_folder(folder, keys_in(pubkey) if pubkey else (), as_day(day))
    problems += verify_bundle(folder, oms_key) if oms_key else ()
    if ctx.json:
        ctx.show({"ok": not problems, "problems": told(problems)})
    else:
        for problem in problems:
            print(problem.explain(ctx.lang))
        ctx.say("verify.bad" if problems else "verify.good", count=len(problems), folder=folder.name)
    raise typer.Exit(1 if problems else 0)


@app.command()
def key() -> None:
    """Print the public key releases are signed with, to publish; `release verify --pubkey` wants it in a file."""
    print(context().hub().audit.release_key())


@app.command()
def sign(
    folder: Folder,
    key: Annotated[Path, typer.Option(help="Private elliptic-curve key, PEM.")],
) -> None:
    """Write an OpenSSF model-signing bundle, release.sig, over a release folder."""
    from corpushub.services.oms import sign_folder

    context().show({"bundle": sign_folder(folder, key).name})


def as_day(word: str) -> date | None:
    try:
        return date.fromisoformat(word) if word else None
    except ValueError:
        raise Invalid("verify.day", day=word) from None


def row(release: Any) -> dict[str, Any]:
    return {name: getattr(release, name) for name in (*COLUMNS, "case", "manifest_digest", "logical_digest")}
