"""Output of a compute job at the training base (articles 4 and 9): what was worked out inside waits until somebody of another organisation has
looked at it. Opened by the job itself once its gates have passed; nothing leaves while it is held.
"""

from __future__ import annotations

from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Role
from corpushub.domain.workflow import CLOCK, Flow, Seat, step

HOLDER = Seat(party="holder")
LOOKERS = (Seat(Role.REVIEWER), Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY))

FLOW = Flow(
    name="output",
    prefix="out",
    subject="booking",
    orgs=("holder",),
    readers=(HOLDER, *LOOKERS),
    opening=step(
        "open",
        "-> held",
        "held",
        CLOCK,
        fields=(
            Field("holder", "org"),
            Field("booking", "case"),
            Field("job"),
            Field("datasets", "words"),
            Field("output_digest", "digest"),
            Field("rows", "int"),
            Field("bytes", "int"),
        ),
    ),
    transitions=(
        step(
            "let_out",
            "held -> cleared",
            "cleared",
            *LOOKERS,
            fields=(NOTE,),
            decides="org",
            effects=(tell("notice.output_cleared", "holder"),),
        ),
        step(
            "retain",
            "held -> retained",
            "retained",
            *LOOKERS,
            fields=(REASON,),
            decides="org",
            effects=(tell("notice.refused", "holder"),),
        ),
    ),
)
