"""The portal's map: six areas, the seats that may enter each, and the screens that stand in its navigation.

An area is one Gradio mount per language (`/zh/make`), so that the right to enter is decided by the path before Gradio sees a request.
No Gradio here: the gate may read this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from corpushub.base.messages import LANGS
from corpushub.domain.parties import Actor, Role

R = Role
EVERYBODY: frozenset[Role] = frozenset()
OFFICE = frozenset({R.AUTHORITY, R.SECTOR, R.PROVIDER, R.IMPLEMENTER, R.OPERATOR, R.REGISTRAR, R.DISTRICT, R.CDO})
MAKERS = frozenset({R.OPERATOR, R.REVIEWER, R.IMPLEMENTER, R.CDO, R.AUTHORITY, R.ASSESSOR, R.PROVIDER, R.AUDITOR})
WATCHERS = frozenset({R.SUPERVISOR, R.AUDITOR, R.AUTHORITY, R.CDO, R.DISTRICT, R.OPERATOR, R.IMPLEMENTER})


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation: its path below `/zh` or `/en`, its words' key, and the seats that see it (empty: all who may enter)."""

    path: str
    key: str
    roles: frozenset[Role] = EVERYBODY


@dataclass(frozen=True, slots=True)
class Area:
    """One mount. `roles` empty and `public`: anybody; empty and not public: anybody signed in."""

    name: str
    roles: frozenset[Role]
    public: bool
    places: tuple[Place, ...]

    def admits(self, actor: Actor) -> bool:
        """May `actor` enter at all? The services behind decide every act again."""
        if self.public:
            return True
        return not actor.is_anonymous and (not self.roles or actor.has(*self.roles))


AREAS: tuple[Area, ...] = (
    Area(
        "home",
        EVERYBODY,
        False,
        (
            Place("/home/tasks", "tasks"),
            Place("/home/notices", "notices"),
            Place("/home/people", "people"),
            Place("/home/account", "account"),
        ),
    ),
    Area(
        "data",
        EVERYBODY,
        True,
        (
            Place("/data/datasets", "datasets"),
            Place("/data/catalog", "catalog"),
            Place("/data/objections", "objections"),
            Place("/data/disclosure", "disclosure"),
        ),
    ),
    Area(
        "demand",
        EVERYBODY,
        False,
        (
            Place("/demand/ask", "ask"),
            Place("/demand/mine", "mine"),
            Place("/demand/desk", "desk", frozenset({R.OPERATOR, R.PROVIDER, R.AUTHORITY, R.SECTOR})),
            Place("/demand/orders", "orders", frozenset({R.OPERATOR, R.DEVELOPER, R.PROVIDER, R.AUTHORITY})),
        ),
    ),
    Area(
        "make",
        MAKERS,
        False,
        (
            Place("/make/studio", "studio", frozenset({R.OPERATOR, R.REVIEWER, R.AUDITOR, R.AUTHORITY})),
            Place("/make/contributions", "contributions", frozenset({R.OPERATOR})),
            Place("/make/reviews", "reviews"),
            Place("/make/samples", "samples"),
        ),
    ),
    Area(
        "govern",
        OFFICE,
        False,
        (
            Place("/govern/registrations", "registrations"),
            Place("/govern/resources", "resources"),
            Place("/govern/authorizations", "authorizations"),
            Place("/govern/delegations", "delegations"),
            Place("/govern/prices", "prices"),
            Place("/govern/records", "records"),
        ),
    ),
    Area(
        "oversee",
        WATCHERS,
        False,
        (
            Place("/oversee/dashboard", "dashboard"),
            Place("/oversee/monitor", "monitor"),
            Place("/oversee/registers", "registers", frozenset({R.AUTHORITY, R.AUDITOR, R.SUPERVISOR, R.IMPLEMENTER, R.CDO})),
            Place("/oversee/partners", "partners", frozenset({R.AUTHORITY, R.DISTRICT, R.AUDITOR, R.SUPERVISOR, R.CDO})),
            Place("/oversee/audit", "audit", frozenset({R.AUDITOR, R.AUTHORITY, R.SUPERVISOR, R.ADMIN})),
        ),
    ),
)
BY_NAME = {area.name: area for area in AREAS}


def area_of(path: str) -> Area | None:
    """The area a request path such as `/zh/make/gradio_api/run` belongs to; None outside the portal."""
    parts = path.split("/", 3)
    return BY_NAME.get(parts[2]) if len(parts) > 2 and parts[1] in LANGS else None


def leads(actor: Actor, path: str) -> bool:
    """Does the navigation lead `actor` to the screen at this path below the language?"""
    return any(
        place.path == path and area.admits(actor) and (not place.roles or actor.has(*place.roles))
        for area in AREAS
        for place in area.places
    )
