"""Third-party assessment and application-plan review (article 15): asked for, given to an assessor without a stake, reported, accepted for a time."""

from __future__ import annotations

from corpushub.domain.flows.shared import NOTE, REASON, day_end, known_org, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Role
from corpushub.domain.workflow import CLOCK, OPENER, Flow, Seat, step

ASK = (
    Field("about"),
    Field("kind", "choice", choices=("security", "risk", "application_plan", "quality", "effect")),
    Field("assessor", "org"),
    Field("scope", "note", min_len=4),
)
REPORT = (
    Field("report_digest", "digest"),
    Field("result", "choice", choices=("pass", "conditional", "fail")),
    Field("findings", "records", required=False),
    Field("valid_to", "date"),
)
ASSESSOR = Seat(Role.ASSESSOR, "assessor")

FLOW = Flow(
    name="assessment",
    prefix="ass",
    subject="about",
    readers=(Seat(party="assessor"),),
    opening=step(
        "open",
        "-> asked",
        "asked",
        Role.IMPLEMENTER,
        Role.OPERATOR,
        Role.AUTHORITY,
        Role.PROVIDER,
        fields=ASK,
        guards=(known_org("assessor"),),
        effects=(tell("notice.assessment_asked", "assessor"),),
    ),
    transitions=(
        step("take", "asked -> running", "taken", ASSESSOR, decides="org"),
        step("decline", "asked -> declined", "declined", ASSESSOR, fields=(REASON,)),
        step(
            "report",
            "running -> reported",
            "reported",
            ASSESSOR,
            fields=REPORT,
            decides="org",
            effects=(tell("notice.assessment_reported", "opener"),),
        ),
        step(
            "accept",
            "reported -> accepted",
            "accepted",
            Role.AUTHORITY,
            Role.IMPLEMENTER,
            Role.REVIEWER,
            fields=(NOTE,),
            decides="person",
        ),
        step(
            "return",
            "reported -> running",
            "returned",
            Role.AUTHORITY,
            Role.IMPLEMENTER,
            Role.REVIEWER,
            fields=(REASON,),
            decides="person",
        ),
        step(
            "close_finding",
            "accepted, reported ->",
            "finding_closed",
            OPENER,
            fields=(Field("finding"), Field("evidence", "note", min_len=4)),
        ),
        step("withdraw", "asked -> withdrawn", "withdrawn", OPENER),
        step(
            "expire",
            "accepted -> expired",
            "expired",
            CLOCK,
            due=day_end("valid_to"),
            effects=(tell("notice.assessment_expired", "opener"),),
        ),
    ),
)
