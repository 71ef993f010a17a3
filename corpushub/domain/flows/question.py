"""Question about the meaning of data (article 2): its named interpreter owes an answer in time."""

from __future__ import annotations

from corpushub.domain.flows.shared import known_data, tell
from corpushub.domain.form import Field
from corpushub.domain.parties import Actor, Role
from corpushub.domain.workflow import OPENER, SIGNED_IN, Case, Clock, Context, Data, Flow, Seat, step

ASK = (Field("about"), Field("field", required=False), Field("text", "note", min_len=4, private=True))


def interpreter(_: Case, __: Actor, data: Data, context: Context) -> Data:
    """Whose duty it is: the owner of the entry, or of the entries behind the dataset."""
    entry = context.facts.resource(data["about"])
    if entry is not None:
        return {"provider": [entry.owner], "interpreter": str(entry.interpreter.get("person", ""))}
    orgs = {
        found.owner
        for release in context.facts.cases("release", subject=data["about"])[:1]
        for name in release.data.get("resources", ())
        if (found := context.facts.resource(name))
    }
    return {"provider": sorted(orgs)}


PROVIDER = Seat(party="provider")

FLOW = Flow(
    name="question",
    prefix="que",
    subject="about",
    public_states=("answered",),
    readers=(PROVIDER,),
    opening=step(
        "open",
        "-> asked",
        "asked",
        SIGNED_IN,
        fields=ASK,
        guards=(known_data("about"),),
        derive=interpreter,
        effects=(tell("notice.question_asked", "provider"),),
    ),
    transitions=(
        step(
            "answer",
            "asked, answered -> answered",
            "answered",
            PROVIDER,
            Seat(Role.OPERATOR),
            fields=(Field("answer", "note", min_len=4),),
            effects=(tell("notice.question_answered", "opener"),),
        ),
        step("ask_again", "answered -> asked", "asked_again", OPENER, fields=(Field("text", "note", min_len=4, private=True),)),
        step("close", "answered -> closed", "closed", OPENER),
    ),
    clocks=(Clock("answer", "question.answer", ("asked",), ("answered", "closed")),),
)
