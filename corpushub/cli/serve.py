"""`corpushub serve`: hub and portal over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from corpushub.cli.context import context


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 0,
) -> None:
    """Open hub, REST and portal; stops cleanly on Ctrl-C."""
    from corpushub.web import serve as serve_hub

    hub = context().hub()
    serve_hub(hub, host=host or hub.settings.host, port=port or hub.settings.port)


COMMANDS = (serve,)
