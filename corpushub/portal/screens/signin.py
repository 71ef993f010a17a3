"""Sign in: one form, and what the hub is in three lines."""

from __future__ import annotations

from corpushub.portal.frame import MARK
from corpushub.portal.html import Safe, a, button, div, element, form, h1, input_, label, li, p, span, ul
from corpushub.portal.pages import Words


def view(t: Words, then: str, *, refusal: str, name: str, oidc: bool) -> Safe:
    """The whole page. `then` is where the person goes next, `refusal` why the last try failed."""
    other = "en" if t.lang == "zh" else "zh"
    promises = ul(*[li(t(f"signin.promise_{number}")) for number in (1, 2, 3)], c="promises")
    return element(
        "main",
        div(
            div(
                div(MARK, span("corpushub", c="brand-word"), c="brand"),
                p(t("portal.tagline"), c="tagline"),
                promises,
                c="signin-side",
            ),
            div(
                a(
                    t(f"portal.lang_{other}"),
                    href=f"/signin?lang={other}&next={then.replace(f'/{t.lang}/', f'/{other}/', 1)}",
                    c="quiet other-lang",
                ),
                h1(t("signin.title")),
                p(refusal, c="refusal", role="alert") if refusal else None,
                fields(t, then, name),
                oidc_link(t, then) if oidc else None,
                p(t("signin.no_account"), c="quiet"),
                a(t("signin.browse"), href=f"/{t.lang}/data/datasets", c="quiet browse"),
                c="signin-form",
            ),
            c="signin-box",
        ),
        c="signin-page",
    )


def fields(t: Words, then: str, name: str) -> Safe:
    return form(
        input_(type_="hidden", name="next", value=then),
        input_(type_="hidden", name="lang", value=t.lang),
        label(
            span(t("signin.name")),
            input_(name="name", value=name or None, required=True, autocomplete="username", autofocus=not name),
        ),
        label(
            span(t("signin.password")),
            input_(name="password", type_="password", required=True, autocomplete="current-password", autofocus=bool(name)),
        ),
        button(t("signin.enter"), type_="submit", c="btn primary"),
        method="post",
        action="/signin",
    )


def oidc_link(t: Words, then: str) -> Safe:
    return div(div(span(t("signin.or")), c="or"), a(t("signin.oidc"), href=f"/signin/oidc?next={then}", c="btn"), c="oidc")
