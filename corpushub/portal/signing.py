"""Signing in and out: plain pages and a cookie, no Gradio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from corpushub.base.errors import HubError
from corpushub.base.messages import Lang
from corpushub.portal.pages import Words, link
from corpushub.portal.screens import signin
from corpushub.portal.shell import plain
from corpushub.services.accounts import COOKIE
from corpushub.services.hub import Hub

STATE = "corpushub_signin"


def address(lang: Lang, then: str) -> str:
    """Where to sign in, coming back to `then`."""
    return "/signin" + link(lang, "", next=then).removeprefix(f"/{lang}") + ("&lang=en" if lang == "en" else "")


def safe_next(then: str, lang: Lang) -> str:
    """`then` when it is a path of ours, else the tasks: no open redirect."""
    ours = then.startswith(("/zh/", "/en/")) and "\\" not in then and "\n" not in then
    return then if ours else link(lang, "/home/tasks")


def lang_of(request: Request, stated: str = "") -> Lang:
    """The language asked for, of the page to come back to, or of the browser."""
    then = request.query_params.get("next", "")
    if stated in {"zh", "en"}:
        return "en" if stated == "en" else "zh"
    if then.startswith(("/zh/", "/en/")):
        return "en" if then.startswith("/en/") else "zh"
    wanted = request.headers.get("accept-language", "zh").lower()
    return "zh" if "zh" in wanted or not wanted.startswith("en") else "en"


def routes(app: FastAPI, hub: Hub) -> None:
    """Add `/signin` and `/signout`."""

    def page(request: Request, lang: str = "", next_: str = "", refused: HubError | None = None, name: str = "") -> HTMLResponse:
        spoken = lang_of(request, lang)
        then = safe_next(next_ or request.query_params.get("next", ""), spoken)
        t = Words(spoken)
        view = signin.view(
            t, then, refusal=refused.explain(spoken) if refused else "", name=name, oidc=bool(hub.settings.oidc_issuer)
        )
        return HTMLResponse(
            plain(spoken, t("signin.title"), view), refused.status if refused else 200, headers={"Cache-Control": "no-store"}
        )

    def show(request: Request, lang: str = "") -> HTMLResponse:
        return page(request, lang)

    def enter(
        request: Request,
        name: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=400)] = "",
        then: Annotated[str, Form(alias="next", max_length=500)] = "",
        lang: Annotated[str, Form(max_length=5)] = "",
    ) -> Response:
        try:
            secret = hub.accounts.sign_in(name, password, agent=request.headers.get("user-agent", ""))
        except HubError as refused:
            return page(request, lang, then, refused, name)
        answer = RedirectResponse(safe_next(then, lang_of(request, lang)), 303)
        return with_session(answer, request, secret, hub)

    def leave(request: Request) -> Response:
        if secret := request.cookies.get(COOKIE):
            hub.accounts.sign_out(secret)
        answer = RedirectResponse("/signin", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    if hub.settings.oidc_issuer:
        identity_routes(app, hub, page)
    app.add_api_route("/signin", show, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/signin", enter, methods=["POST"], include_in_schema=False)
    app.add_api_route("/signout", leave, methods=["POST"], include_in_schema=False)


def with_session(answer: Response, request: Request, secret: str, hub: Hub) -> Response:
    """Set the session's cookie: not for scripts, same site only, over TLS where the hub is served over TLS."""
    secure = request.url.scheme == "https" or hub.settings.endpoint().startswith("https:")
    answer.set_cookie(
        COOKIE, secret, max_age=hub.settings.session_hours * 3600, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return answer


def identity_routes(app: FastAPI, hub: Hub, page: Callable[..., HTMLResponse]) -> None:
    """Add `/signin/oidc` and `/signin/callback`; `page` shows the sign-in page with a refusal."""

    def leave_for_identity(request: Request) -> Response:
        """To the city's identity provider; a cookie remembers which browser began."""
        lang = lang_of(request)
        try:
            begun = hub.oidc.begin(safe_next(request.query_params.get("next", ""), lang))
        except HubError as refused:
            return page(request, lang, refused=refused)
        answer = RedirectResponse(begun.url, 303)
        secure = hub.settings.endpoint().startswith("https:")
        answer.set_cookie(STATE, begun.state, max_age=600, httponly=True, samesite="lax", secure=secure, path="/signin")
        return answer

    def come_back(request: Request, state: str = "", code: str = "") -> Response:
        try:
            agent = request.headers.get("user-agent", "")
            secret, then = hub.oidc.finish(state, code, cookie=request.cookies.get(STATE, ""), agent=agent)
        except HubError as refused:
            return page(request, refused=refused)
        answer = with_session(RedirectResponse(safe_next(then, lang_of(request)), 303), request, secret, hub)
        answer.delete_cookie(STATE, path="/signin")
        return answer

    app.add_api_route("/signin/oidc", leave_for_identity, methods=["GET"], include_in_schema=False)
    app.add_api_route("/signin/callback", come_back, methods=["GET"], include_in_schema=False)
