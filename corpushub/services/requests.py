"""Asking for a dataset from outside the portal: the access flow (articles 4 to 6) in the words of the Hub protocol and of agents.

Nothing is granted here: every act is a command of the flow, judged by its seats, quorum and guards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpushub.base.errors import Forbidden, Invalid, NotFound
from corpushub.domain.parties import Actor
from corpushub.domain.workflow import Case
from corpushub.services.access import Access
from corpushub.services.cases import Cases
from corpushub.services.repositories import Repositories

STATUSES: Mapping[str, tuple[str, ...]] = {
    "pending": ("submitted", "in_review", "decision", "returned", "appealed"),
    "accepted": ("approved", "granted"),
    "rejected": ("rejected", "withdrawn", "closed"),
}
FIELDS = ("purpose", "channels", "plan", "days", "members", "max_rows", "regions", "terms_accepted")
_EVERY = 10_000  # requests of one dataset or organisation: clients ask for all of them
_TOWARDS_DECISION = {"submitted": "triage", "in_review": "propose"}


@dataclass(frozen=True, slots=True)
class Standing:
    """A request as its readers see it: `status` is pending, accepted or rejected."""

    case: Case
    status: str


class Requests:
    def __init__(self, *, cases: Cases, access: Access, repositories: Repositories) -> None:
        self.cases = cases
        self.access = access
        self.repositories = repositories

    def ask(self, actor: Actor, repo_id: str, form: Mapping[str, Any]) -> Case:
        """Open and submit a request.

        Raises: NotFound("repo.unknown"), Forbidden("token.scope_missing" | …), Invalid("case.form" | "access.terms" | …).
        """
        self.access.require_scope(actor, "request", repo_id)
        repo = self.repositories.get(actor, repo_id)
        asked = {name: form[name] for name in FIELDS if form.get(name) not in (None, "", [])}
        case = self.cases.open(actor, "access", {**asked, "dataset": repo.id})
        return self.cases.execute(actor, case.id, "submit")

    def of(self, actor: Actor, repo_id: str, status: str) -> list[Standing]:
        """Requests for a dataset that the actor may read. Raises: Invalid("http.parameter_invalid"), NotFound, Forbidden("token.…")."""
        if status not in STATUSES:
            raise Invalid("http.parameter_invalid", name="status", value=status[:40])
        repo = self.repositories.get(actor, repo_id)
        self.access.require_scope(actor, "read", repo.id)
        return [Standing(case, status) for case in self._about(actor, repo.id, status)]

    def _about(self, actor: Actor, repo_id: str, status: str) -> Sequence[Case]:
        return self.cases.list(actor, flow="access", subject=repo_id, states=STATUSES[status], limit=_EVERY).items

    def mine(self, actor: Actor, case_id: str = "") -> list[Standing]:
        """Requests of the actor's organisation, newest first; or the one named. Raises: Forbidden("token.…")."""
        self.access.require_scope(actor, "read")
        found = (
            (self.cases.get(actor, case_id),) if case_id else self.cases.list(actor, flow="access", mine=True, limit=_EVERY).items
        )
        return [Standing(case, status_of(case)) for case in found if case.flow == "access"]

    def decide(self, actor: Actor, repo_id: str, whose: str, *, status: str, reason: str = "") -> Standing:
        """Take the actor's next step towards accepting or rejecting a request: triage, proposal, vote.

        Raises: Forbidden where the flow does not let the actor; NotFound("access.no_request"); Invalid, Conflict of the flow.
        """
        self.access.require_scope(actor, "write", repo_id)
        repo = self.repositories.get(actor, repo_id)
        case = next((case for case in self._about(actor, repo.id, "pending") if whose in {case.id, case.opened_by}), None)
        if case is None:
            raise NotFound("repo.no_request", who=whose[:80], repo=repo_id)
        if status == "rejected":
            if case.state != "decision":
                case = self._forward(actor, case)
            case = self.cases.execute(actor, case.id, "reject", {"reason_code": "out_of_scope", "reason": reason or "-"})
        elif status == "accepted":
            before = case.state
            case = self._forward(actor, case)
            if case.state == "decision":
                case = self._approve(actor, case, voted_already=before != "decision")
        else:
            raise Invalid("http.parameter_invalid", name="status", value=status[:40])
        self.access.forget()
        return Standing(case, status_of(case))

    def _forward(self, actor: Actor, case: Case) -> Case:
        while command := _TOWARDS_DECISION.get(case.state):
            case = self.cases.execute(actor, case.id, command)
        return case

    def _approve(self, actor: Actor, case: Case, *, voted_already: bool) -> Case:
        try:
            return self.cases.execute(actor, case.id, "approve")
        except Forbidden:
            # Whoever brought it forward may be no decider: then the request waits for one, which is an answer too.
            if voted_already:
                return case
            raise


def status_of(case: Case) -> str:
    return next((status for status, states in STATUSES.items() if case.state in states), "pending")
