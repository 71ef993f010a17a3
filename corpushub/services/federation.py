"""Catalogs of several hubs as one (articles 1, 5 and 11): districts report to the city, partner regions exchange what they agreed to share.

Pages travel by HTTP or as files and are the same bytes either way (`domain/delta.py`). Only peers somebody entered by their key are believed,
and only about their own regions. Who said what stays provable: the envelope of every entry is kept.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from corpushub.base.errors import Conflict, Forbidden, HubError, Invalid, NotFound
from corpushub.base.identity import Clock, business_day, canonical, is_name, iso
from corpushub.base.settings import Settings
from corpushub.base.signing import SigningKey, VerifierKey, hub_key
from corpushub.domain.catalog import Resource, plain
from corpushub.domain.delta import ENTRY_TYPE, PAGE_BYTES, Delta, Span, make_delta, opened, outside, page_of, read_delta, told_to
from corpushub.domain.flows import flow_named
from corpushub.domain.parties import SYSTEM, Actor, Org, OrgKind, Role, is_credit_code, is_region
from corpushub.domain.workflow import Event
from corpushub.services.cases import Cases
from corpushub.store import peers
from corpushub.store.db import Database, Unit

KEEPERS = (Role.AUTHORITY, Role.DISTRICT, Role.SYSTEM)
PEER, CURSOR, PROOF = "peer", "federation", "federated"
_PAGE = 1000
_SHARED = tuple(f"share_item.{row.event}" for row in flow_named("share_item").transitions)
log = logging.getLogger("corpushub.federation")
_TYPES = tuple(
    f"resource.{name}" for name in ("added", "revised", "registered", "registration_ended", "attribute_changed", "classified")
)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another hub: its public key, the regions it speaks for, where it is reached (empty: by file only), and the name it lists us under."""

    name: str
    key: str
    regions: tuple[str, ...]
    address: str = ""
    partner: str = ""

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey.parse(self.key)


@dataclass(frozen=True, slots=True)
class Received:
    """What a page brought."""

    peer: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    upto: int
    more: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """A peer with how many entries of the catalog are its word, and when it last said something new."""

    peer: Peer
    entries: int
    at: str


class Federation:
    def __init__(self, *, database: Database, cases: Cases, settings: Settings, clock: Clock) -> None:
        self.database = database
        self.cases = cases
        self.settings = settings
        self.clock = clock

    @property
    def key(self) -> SigningKey:
        """The key this hub's catalog is signed with."""
        return hub_key(self.settings, "catalog")

    # Telling

    def delta(self, *, after: int = 0, partner: str = "") -> dict[str, Any]:
        """The page after number `after` of our own entries, for our city or for a partner. Anybody may read it: it holds what is public."""
        day = business_day(self.clock()).isoformat()
        with self.database.read() as unit:
            since = unit.events.since(after, types=(*_TYPES, *_SHARED) if partner else _TYPES, limit=_PAGE)
            found, held = self._fitting(unit, since)
            shared = self._sharing(unit, partner) if partner else []
            entries = told_to(held, partner, shared, day)
            orgs = [org for name in sorted({entry.owner for entry in entries}) if (org := unit.parties.org(name)) is not None]
        more = len(found) < len(since) or len(since) == _PAGE
        return make_delta(self.key, Span(after, found[-1][0] if found else after, more, partner), entries, orgs, shared)

    def _fitting(self, unit: Unit, since: Sequence[tuple[int, Event]]) -> tuple[Sequence[tuple[int, Event]], list[Resource]]:
        """As many of the events as make a page, at least one, and our own entries they speak of, each once."""
        held: dict[str, Resource | None] = {}
        size = 0
        for number, (_, event) in enumerate(since):
            new = [name for name in self._named(unit, event) if name not in held]
            for name in new:
                held[name] = None if unit.documents.get(PROOF, name) else unit.catalog.get(name)
            size += sum(len(canonical(entry.to_json())) for name in new if (entry := held[name]) is not None)
            if number and size > PAGE_BYTES:
                return since[:number], [entry for name, entry in held.items() if entry is not None and name not in new]
        return since, [entry for entry in held.values() if entry is not None]

    @staticmethod
    def _named(unit: Unit, event: Event) -> Sequence[str]:
        """Entries an event speaks of: its own, or those of a sharing duty that came or went."""
        if event.stream.startswith("resource:"):
            return (event.stream.removeprefix("resource:"),)
        case = unit.cases.get(event.stream)
        return tuple(case.data["resources"]) if case is not None else ()

    def _sharing(self, unit: Unit, partner: str) -> list[dict[str, Any]]:
        keys = ("scenario", "supplier", "demander", "resources", "mode", "frequency", "basis", "valid_to")
        items = unit.cases.list(flow="share_item", states=("effective", "breached"))
        rows = [
            {"id": case.id, **{name: case.data[name] for name in keys if name in case.data}}
            for case in items
            if case.data.get("partner") == partner
        ]
        return sorted(rows, key=lambda row: str(row["id"]))

    # Peers

    @staticmethod
    def require_keeper(actor: Actor) -> None:
        """Raises: Forbidden("federation.keepers_only")."""
        if not actor.has(*KEEPERS):
            raise Forbidden("federation.keepers_only")

    def add_peer(self, actor: Actor, peer: Peer) -> Peer:
        """Believe the holder of a key about some regions from now on; entering it again replaces key, regions and address.

        Its host has to be one the operator of this hub allows, as for sources: whoever keeps the catalog does not choose where we connect to.
        Raises: Forbidden("federation.keepers_only" | "federation.host"), Invalid("federation.peer" | "ledger.verifier_key"),
        Conflict("federation.own_key").
        """
        self.require_keeper(actor)
        if not is_name(peer.name) or not peer.regions or not all(is_region(code) for code in peer.regions):
            raise Invalid("federation.peer", name=peer.name)
        if peer.verifier.public == self.key.verifier.public:
            raise Conflict("federation.own_key")
        if peer.address:
            peers.require_allowed(peer.address, self.settings.allowed_hosts)
        with self.database.begin() as unit:
            unit.documents.put(PEER, peer.name, plain(asdict(peer)))
            self._note(unit, actor, f"peer:{peer.name}", "peer.entered", {"key": peer.key, "regions": list(peer.regions)})
        return peer

    def peers(self) -> tuple[Peer, ...]:
        with self.database.read() as unit:
            return tuple(Peer(**{**value, "regions": tuple(value["regions"])}) for _, value in unit.documents.list(PEER))

    def heard(self) -> tuple[Heard, ...]:
        """Every peer with what came from it."""
        with self.database.read() as unit:
            proofs = [value for _, value in unit.documents.list(PROOF)]
        found = []
        for peer in self.peers():
            times = [str(value["at"]) for value in proofs if value["peer"] == peer.name]
            found.append(Heard(peer, len(times), max(times, default="")))
        return tuple(found)

    def peer(self, name: str) -> Peer:
        """Raises: NotFound("federation.unknown_peer")."""
        found = next((peer for peer in self.peers() if peer.name == name), None)
        if found is None:
            raise NotFound("federation.unknown_peer", name=name)
        return found

    # Hearing

    def receive_text(self, actor: Actor, name: str, text: bytes | bytearray) -> Received:
        """As `receive`, of a page that is not yet taken apart."""
        return self.receive(actor, name, page_of(text))

    def receive(self, actor: Actor, name: str, page: Any) -> Received:
        """Take over a page of peer `name`: all of it or, where anything in it is wrong, nothing.

        Raises: Forbidden("federation.keepers_only" | "federation.outside_region"), NotFound("federation.unknown_peer"),
        Invalid("federation.not_a_delta" | "federation.tampered"), Conflict("federation.gap" | "federation.taken").
        """
        self.require_keeper(actor)
        peer = self.peer(name)
        delta = read_delta(page, peer.verifier)
        with self.database.begin() as unit:
            known = int(unit.documents.get(CURSOR, name) or 0)
            if delta.after > known:
                raise Conflict("federation.gap", peer=name, known=known, after=delta.after)
            self._take_orgs(unit, actor, peer, delta)
            came: dict[str, list[str]] = {"added": [], "changed": [], "known": []}
            for entry in delta.entries:
                came[self._take(unit, actor, peer, entry, delta.envelopes[entry.id])].append(entry.id)
            if delta.upto > known:
                unit.documents.put(CURSOR, name, delta.upto)
                unit.documents.put("peer_sharing", name, list(delta.sharing))
                self._note(
                    unit,
                    actor,
                    f"peer:{name}",
                    "peer.heard",
                    {"after": delta.after, "upto": delta.upto, "entries": len(delta.entries)},
                )
        return Received(name, tuple(came["added"]), tuple(came["changed"]), delta.upto, delta.more)

    def _take(self, unit: Unit, actor: Actor, peer: Peer, entry: Resource, envelope: Mapping[str, Any]) -> str:
        """added, changed or known. A peer replaces only what it said itself; of two versions the newer counts, whichever is heard last."""
        if outside(entry, peer.regions):
            raise Forbidden("federation.outside_region", peer=peer.name, resource=entry.id)
        before, proof = unit.catalog.get(entry.id), unit.documents.get(PROOF, entry.id)
        if before is not None and (proof is None or proof["peer"] != peer.name):
            raise Conflict("federation.taken", peer=peer.name, resource=entry.id)
        told = opened(envelope, peer.verifier, ENTRY_TYPE, entry.id)
        if (
            proof is not None
            and opened(proof["envelope"], VerifierKey.parse(proof["key"]), ENTRY_TYPE, entry.id)["version"] >= told["version"]
        ):
            return "known"
        others = [name for element in entry.elements for name in unit.catalog.authoritative(element) if name != entry.id]
        if others:
            raise Conflict("resource.element_taken", element=min(entry.elements), resource=others[0])
        self.cases.amend_in(unit, actor, entry.id, "federated" if before else "added", entry.to_json())
        unit.documents.put(
            PROOF, entry.id, {"peer": peer.name, "key": peer.key, "at": iso(self.clock()), "envelope": dict(envelope)}
        )
        return "changed" if before else "added"

    def _take_orgs(self, unit: Unit, actor: Actor, peer: Peer, delta: Delta) -> None:
        """Organisations the entries belong to, where we do not know them; one we know keeps what we know."""
        for told in delta.orgs:
            if unit.parties.org(told["id"]) is not None:
                continue
            if not is_name(told["id"]) or not is_credit_code(told["credit_code"]) or told["kind"] not in tuple(OrgKind):
                raise Invalid("federation.tampered", place=f"orgs[{told['id']}]")
            if unit.parties.org_by_code(told["credit_code"]) is not None:
                raise Conflict("party.org_exists", org=told["id"], credit_code=told["credit_code"])
            unit.parties.save_org(Org(told["id"], told["credit_code"], OrgKind(told["kind"]), told["region"], told["name"]))
            facts = {name: told[name] for name in ("credit_code", "kind", "region", "name")}
            self._note(unit, actor, f"org:{told['id']}", "org.added", {**facts, "parent": "", "peer": peer.name})

    def pull(self, actor: Actor, name: str) -> Received:
        """Everything new a peer has, page by page. Raises: as `receive`; Unavailable("federation.unreachable"), Invalid("federation.no_address")."""
        self.require_keeper(actor)
        peer = self.peer(name)
        if not peer.address:
            raise Invalid("federation.no_address", peer=name)
        added: list[str] = []
        changed: list[str] = []
        while True:
            with self.database.read() as unit:
                after = int(unit.documents.get(CURSOR, name) or 0)
            got = self.receive(
                actor, name, peers.read_page(peer.address, self.settings.allowed_hosts, after=after, partner=peer.partner)
            )
            added += got.added
            changed += got.changed
            if not got.more or got.upto <= after:
                return Received(name, tuple(added), tuple(changed), got.upto, more=False)

    def pull_all(self) -> int:
        """Hear every peer that has an address, once an hour; upkeep. How many entries came; a peer that does not answer is tried again next time."""
        hour = iso(self.clock())[:13]
        with self.database.read() as unit:
            if unit.documents.get("cursor", "federation") == hour:
                return 0
        with self.database.begin() as unit:
            unit.documents.put("cursor", "federation", hour)
        return sum(self._pull_if_there(peer) for peer in self.peers() if peer.address)

    def _pull_if_there(self, peer: Peer) -> int:
        try:
            return len(self.pull(SYSTEM, peer.name).added)
        except HubError as refused:
            log.warning("peer not heard peer=%s code=%s", peer.name, refused.code)
            return 0

    # Proving

    def origin(self, resource_id: str) -> Mapping[str, Any]:
        """Whose word an entry is, checked now: the peer, its key, and that its signature holds for what the catalog says.

        Raises: NotFound("federation.own_entry") for an entry of our own.
        """
        with self.database.read() as unit:
            proof, entry = unit.documents.get(PROOF, resource_id), unit.catalog.get(resource_id)
        if proof is None or entry is None or entry.secrecy:
            raise NotFound("federation.own_entry", resource=resource_id)
        try:
            told = opened(proof["envelope"], VerifierKey.parse(proof["key"]), ENTRY_TYPE, resource_id)
        except Invalid:
            told = {}
        here = {**entry.to_json(), "version": told.get("version")}
        return {
            "resource": resource_id,
            "peer": proof["peer"],
            "key": proof["key"],
            "at": proof["at"],
            "valid": json.dumps(told, sort_keys=True) == json.dumps(here, sort_keys=True),
        }

    def _note(self, unit: Unit, actor: Actor, stream: str, type_: str, data: Mapping[str, Any]) -> None:
        version = unit.events.version_of(stream) + 1
        unit.events.append(
            Event(stream, version, type_, actor.person, actor.org, self.clock(), data, "active", actor.on_behalf_of)
        )
