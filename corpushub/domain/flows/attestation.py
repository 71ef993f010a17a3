"""Attestation: what became of copies after a right ended (revocation effects). A duty of the holder, accepted by the grantor."""

from __future__ import annotations

from corpushub.domain.flows.shared import NOTE, REASON, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Role
from corpushub.domain.workflow import CLOCK, Clock, Flow, Seat, step

HOLDER = Seat(party="holder")
GRANTORS = (Seat(Role.IMPLEMENTER), Seat(Role.AUTHORITY))

FLOW = Flow(
    name="attestation",
    prefix="att",
    subject="entitlement",
    orgs=("holder",),
    readers=(HOLDER, *GRANTORS),
    opening=step(
        "open",
        "-> due",
        "asked",
        CLOCK,
        fields=(Field("holder", "org"), Field("entitlement", "case"), Field("dataset"), Field("cause")),
        effects=(tell("notice.attestation_due", "holder"),),
    ),
    transitions=(
        step(
            "attest",
            "due, questioned -> attested",
            "attested",
            HOLDER,
            involves=True,
            fields=(
                Field("treatment", "choice", choices=("deleted", "returned", "retained")),
                Field("statement", "note", min_len=4),
                Field("models", "words", required=False),
            ),
        ),
        step("question", "attested -> questioned", "questioned", *GRANTORS, fields=(REASON,), decides="org"),
        step("accept", "attested -> closed", "accepted", *GRANTORS, fields=(NOTE,), decides="org"),
    ),
    clocks=(Clock("attest", "authorization.exit_period", ("due",), ("attested", "closed")),),
)
