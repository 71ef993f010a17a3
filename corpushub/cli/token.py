"""`corpushub token …`: credentials for the clients people already use."""

from __future__ import annotations

from typing import Annotated

import typer

from corpushub.cli.context import context

app = typer.Typer(help="Credentials for Hub clients and CI.", no_args_is_help=True)
COLUMNS = ("id", "name", "scopes", "purpose", "created_at", "expires_at", "revoked_at", "used_at")


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="What it is for, so that you recognise it later.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, write, request, or repo:owner/name; repeat for more.")] = None,
    purpose: Annotated[str, typer.Option(help="The one purpose it serves; empty: whatever your entitlement says.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long it lasts.")] = 90,
) -> None:
    """Issue a token for the acting person. Its secret is shown once."""
    ctx = context()
    secret, token = ctx.hub().access.issue_token(ctx.actor(), name=name, scopes=scope or ["read"], purpose=purpose, days=days)
    ctx.say("token.secret_once")
    shown = {
        "token": secret,
        "id": token.id,
        "scopes": list(token.scopes),
        "purpose": token.purpose,
        "expires_at": token.expires_at,
    }
    ctx.show(shown)


@app.command("list")
def list_tokens() -> None:
    """The acting person's tokens, newest first."""
    ctx = context()
    rows = [{column: getattr(token, column) for column in COLUMNS} for token in ctx.hub().access.tokens(ctx.actor())]
    ctx.show([row | {"scopes": list(row["scopes"])} for row in rows], columns=COLUMNS)


@app.command()
def revoke(token: Annotated[str, typer.Argument(help="The token's id, as listed.")]) -> None:
    """End a token at once."""
    ctx = context()
    ctx.hub().access.revoke(ctx.actor(), token)
    ctx.show({"id": token, "revoked": True})


@app.command()
def deliveries(
    dataset: Annotated[str, typer.Option(help="Only of this dataset.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """What left the hub: who took which file, when, for what purpose."""
    ctx = context()
    rows = ctx.hub().access.deliveries(ctx.actor(), repo=dataset, limit=limit)
    ctx.show(
        list(rows), columns=("at", "repo", "path", "files", "bytes", "rows", "person", "org", "entitlement", "purpose", "channel")
    )
