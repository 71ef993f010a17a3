"""`corpushub serve`: hub and portal over HTTP; `corpushub nginx`: nginx in front of it; `corpushub sweep`: its unused bytes."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

import typer

from corpushub.base.errors import Invalid
from corpushub.cli.context import context

HOST_NAME = re.compile(r"_|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 0,
) -> None:
    """Open hub, REST and portal; stops cleanly on Ctrl-C."""
    from corpushub.web import check_port
    from corpushub.web import serve as serve_hub

    ctx = context()
    # Said as settings, so that every address the hub tells of itself is the one it listens on.
    ctx.stated = {name: value for name, value in (("host", host), ("port", port)) if value}
    settings = ctx.settings()
    check_port(settings.host, settings.port)
    hub = ctx.hub()
    ctx.say("cli.serving", url=f"http://{settings.host}:{settings.port}")
    serve_hub(hub, host=settings.host, port=settings.port)


def nginx(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port nginx listens on for the hub.")] = 80,
    files_port: Annotated[
        int,
        typer.Option(min=1, max=65535, help="Port nginx serves passes on; the port of CORPUSHUB_FILES_URL where that is set."),
    ] = 81,
    name: Annotated[str, typer.Option(help="Host name clients use; _ takes any.")] = "_",
) -> None:
    """Print an nginx configuration that sends object bytes itself while the hub decides.

    Start the hub with CORPUSHUB_ACCEL_REDIRECT=/objects and CORPUSHUB_FILES_URL=http://HOST:FILES_PORT. nginx has to be able to read the
    hub's home and to write its log there.
    """
    from corpushub.api.nginx import nginx_conf

    if not HOST_NAME.fullmatch(name):
        raise Invalid("cli.host_name", name=name)
    hub = context().hub()
    stated = urlsplit(hub.settings.files_url).port
    upstream = f"{hub.settings.host}:{hub.settings.port}"
    hub.passes.folder.folder.mkdir(exist_ok=True)
    home = hub.settings.home
    print(nginx_conf(upstream=upstream, home=home, objects=home / "objects", ports=(port, stated or files_port), name=name))


def sweep() -> None:
    """Remove stored bytes no release, proposal, push or upload names any more; the running hub does it once a day."""
    ctx = context()
    swept = ctx.hub().sweeper.sweep(ctx.actor())
    ctx.show({"objects": swept.objects, "bytes": swept.bytes, "kept": swept.kept})


COMMANDS = (serve, nginx, sweep)
