"""`corpushub federation …`: exchange signed catalogs with other hubs, over HTTP or as files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from corpushub.base.files import replacing
from corpushub.cli.context import context

app = typer.Typer(help="Exchange signed catalogs with district hubs, the city and partner regions.", no_args_is_help=True)


@app.command()
def key() -> None:
    """Print the public key this hub's catalog is signed with, to hand to the other hub."""
    print(context().hub().federation.key.verifier)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write, for instance catalog.json.")],
    after: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Only what came after this number of an earlier page.")] = 0,
    partner: Annotated[str, typer.Option(help="Only what this partner region is told.")] = "",
) -> None:
    """Write a signed page of this hub's catalog."""
    ctx = context()
    page = ctx.hub().federation.delta(after=after, partner=partner)
    with replacing(target) as stream:
        stream.write(json.dumps(page, ensure_ascii=False, indent=1).encode())
    from corpushub.domain.delta import read_delta

    read = read_delta(page, ctx.hub().federation.key.verifier)
    ctx.say("federation.page_written", count=len(read.entries), upto=read.upto)


@app.command("import")
def import_page(
    peer: Annotated[str, typer.Argument(help="The peer the page comes from.")],
    file: Annotated[Path, typer.Argument(help="What the peer exported.", exists=True, dir_okay=False)],
) -> None:
    """Take over a peer's page: all of it or nothing."""
    ctx = context()
    from corpushub.store.peers import read_file

    ctx.show(asdict(ctx.hub().federation.receive(ctx.actor(), peer, read_file(file))))


@app.command()
def pull(peer: Annotated[str, typer.Argument(help="The peer to ask.")]) -> None:
    """Ask a peer for everything new."""
    ctx = context()
    ctx.show(asdict(ctx.hub().federation.pull(ctx.actor(), peer)))


@app.command("add-peer")
def add_peer(
    name: Annotated[str, typer.Argument(help="A short name.")],
    key: Annotated[str, typer.Argument(help="What `corpushub federation key` printed there.")],
    region: Annotated[list[str], typer.Option(help="A region it speaks for (GB/T 2260); repeat for more.")],
    address: Annotated[str, typer.Option(help="Where it is reached; empty: by file only.")] = "",
    partner: Annotated[str, typer.Option(help="The name it lists us under as a partner region.")] = "",
) -> None:
    """Believe a hub about its regions from now on."""
    ctx = context()
    from corpushub.services.federation import Peer

    ctx.show(asdict(ctx.hub().federation.add_peer(ctx.actor(), Peer(name, key, tuple(region), address, partner))))


@app.command()
def peers() -> None:
    """The hubs this one listens to."""
    ctx = context()
    ctx.show([asdict(peer) for peer in ctx.hub().federation.peers()], columns=("name", "regions", "address", "partner", "key"))


@app.command()
def origin(resource: Annotated[str, typer.Argument(help="The entry's id.")]) -> None:
    """Whose word an entry is, with its signature checked now."""
    ctx = context()
    ctx.show(dict(ctx.hub().federation.origin(resource)))
