"""A fictional city with real open data, set up through the same services everybody uses, so that the first screen is never empty.

Registration takes ten working days of public notice, so the city's past is acted out on an earlier clock; builds and releases are made now.
Every part looks first whether it is already there: a set-up that was cut short goes on where it stopped, a second start changes nothing.
"""

from __future__ import annotations

import json
import secrets
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpushub.base.identity import business_day, digest_of, fixed_clock
from corpushub.base.messages import Lang, text
from corpushub.base.settings import preferred_lang
from corpushub.domain.build import silent
from corpushub.domain.flows.release import stopping
from corpushub.domain.parties import SYSTEM, Actor
from corpushub.domain.sampling import PURPOSES as SAMPLES
from corpushub.domain.workflow import Case
from corpushub.services.builds import BuildRecord
from corpushub.services.demo_scenes import play, scenes
from corpushub.services.hub import Hub, open_hub

APPLIED_DAYS_AGO, CODED_DAYS_AGO = 60, 30
CHANNELS = ["file", "stream", "query", "compute"]
PURPOSES = ["model-training", "model-evaluation", "research"]
READER, CURATOR, REVIEWERS = "sun.yue", "chen.yu", ("wang.min", "li.wei")
UPDATED = "yunzhou/epidemic-notices"
EARLIER = {"notices": "samples/epidemic_notices_january.csv"}
ROOM = {"unit": "id", "dimensions": ["sex", "education", "income"], "filters": ["sex", "income"], "max_groups": 1, "max_rows": 1}
RECIPES = ("laws-and-reports", "legal-questions", "census-income", "epidemic-notices")


@dataclass(frozen=True, slots=True)
class Account:
    login: str
    password: str
    name: str
    org: str
    roles: tuple[str, ...]


class Demo:
    """The demo city of one hub."""

    def __init__(self, hub: Hub, lang: Lang | None = None) -> None:
        self.hub = hub
        self.lang: Lang = lang or ("en" if preferred_lang() == "en" else "zh")
        self.city: dict[str, Any] = tomllib.loads(files("corpushub.rules").joinpath("demo.toml").read_text("utf-8"))

    def prepare(self) -> dict[str, Any]:
        """Set up what is missing, write `demo.json` (mode 0600), tell the person at the terminal, and return what the file says."""
        if not self.kept("ready"):
            self.say("demo.first_start")
            self.found()
            self.apply()
            self.give_codes()
            self.authorize()
            for name in RECIPES:
                self.publish(name)
            self.open_room()
            self.grant_access()
            self.propose_update()
            self.play_scenes()
            self.keep("ready", True)
        told = self.describe()
        self.write(told)
        self.tell(told)
        return told

    # What is remembered between starts

    def kept(self, name: str) -> Any:
        with self.hub.database.read() as unit:
            return unit.documents.get("demo", name)

    def keep(self, name: str, value: Any) -> None:
        with self.hub.database.begin() as unit:
            unit.documents.put("demo", name, value)

    def say(self, key: str, **facts: object) -> None:
        print(text(key, self.lang, **facts), file=sys.stderr, flush=True)

    # The city's past

    def earlier(self, days: int) -> Hub:
        """The same hub as it was `days` ago."""
        return open_hub(self.hub.settings, fixed_clock(self.hub.clock() - timedelta(days=days)))

    @property
    def today(self) -> date:
        return business_day(self.hub.clock())

    def actor(self, person: str) -> Actor:
        return self.hub.parties.actor_of(person)

    def found(self) -> None:
        """Organisations, people and their passwords."""
        past = self.earlier(APPLIED_DAYS_AGO + 1)
        orgs = [{"region": self.city["region"], **org} for org in self.city["orgs"]]
        past.parties.bootstrap(SYSTEM, orgs=orgs, people=self.city["people"])
        past.close()
        passwords = self.kept("passwords") or {person["id"]: secrets.token_urlsafe(9) for person in self.city["people"]}
        self.keep("passwords", passwords)
        for person, password in passwords.items():
            self.hub.accounts.set_password(SYSTEM, person, password)

    def apply(self) -> None:
        """Catalog entries, and for each the application for registration and its formal review; public notice begins."""
        past, registrar = self.earlier(APPLIED_DAYS_AGO), self.actor("zhao.qing")
        for entry in self.city["resources"]:
            owner = replace(self.actor("wu.fan"), org=entry["owner"])
            if self.hub.cases.list(SYSTEM, flow="registration", subject=entry["id"]).items:
                continue
            with self.hub.database.read() as unit:
                known = unit.catalog.get(entry["id"])
            if known is None:
                past.catalog.add(owner, {**entry, "region": self.city["region"]})
            start = past.registrations.prepare(owner, entry["id"], "zh")
            said = {name: text(f"demo.{name}", "zh") for name in ("scenarios", "risk_assessment")} | start["materials"]
            form = {**start, "materials": said, "evidence_digest": digest_of(entry["id"]), "commitment": True}
            case = past.cases.open(owner, "registration", form)
            past.cases.execute(owner, case.id, "submit")
            past.cases.execute(registrar, case.id, "accept")
            past.cases.execute(registrar, case.id, "pass_formal", {"note": text("demo.formal", "zh")})
        past.close()

    def give_codes(self) -> None:
        """Public notice is over: every entry gets its registration code."""
        later = self.earlier(CODED_DAYS_AGO)
        for case in self.hub.cases.list(SYSTEM, flow="registration", states=("notice",), limit=100).items:
            later.cases.execute(SYSTEM, case.id, "end_notice")
        later.close()

    def authorize(self) -> None:
        """One agreement over all entries: decided, approved by the authority, signed by the operator, active."""
        if self.hub.cases.list(SYSTEM, flow="authorization", states=("active",)).items:
            return
        past = self.earlier(CODED_DAYS_AGO - 5)
        implementer, authority, operator = self.actor("li.wei"), self.actor("zhang.hua"), self.actor("chen.yu")
        begins = self.today - timedelta(days=CODED_DAYS_AGO - 5)
        sections = {name: text(f"demo.section_{name}", "zh") for name in ("conditions", "operation", "term", "exit", "security")}
        content = {
            "mode": "domain",
            "domains": sorted({entry["domain"] for entry in self.city["resources"]}),
            "implementer": "yz-service",
            "operator": "yz-operate",
            "resources": [entry["id"] for entry in self.city["resources"]],
            "purposes": PURPOSES,
            "channels": CHANNELS,
            "valid_from": begins.isoformat(),
            "valid_to": (begins + timedelta(days=3 * 365)).isoformat(),
            "sections": sections,
        }
        run = past.cases.execute
        case = past.cases.open(implementer, "authorization", content)
        minutes = {"minutes": text("demo.minutes", "zh", year=begins.year), "decided_on": begins.isoformat(), "participants": 9}
        run(implementer, case.id, "record_decision", {**minutes, "minutes_digest": digest_of(content)})
        run(authority, case.id, "approve", {"note": text("demo.approved", "zh")})
        run(implementer, case.id, "select", {"method": "tender", "selection_record": text("demo.selection", "zh")})
        run(operator, case.id, "sign", {"agreement_digest": digest_of([case.id, content])})
        run(implementer, case.id, "activate")
        past.close()

    # Now

    @cached_property
    def recipes(self) -> Path:
        stated = self.hub.settings.recipes_dir
        return Path(stated) if stated else Path(__file__).resolve().parents[2] / "recipes"

    def publish(self, name: str) -> None:
        """Build a recipe, propose the release, have two people of two other organisations approve it, and publish."""
        curator = self.actor(CURATOR)
        path = self.recipes / f"{name}.yaml"
        dataset = f"yunzhou/{name}"
        if self.hub.cases.list(SYSTEM, flow="release", subject=dataset, states=("released",)).items:
            return
        self.say("demo.building", dataset=dataset)
        running = self.hub.cases.list(SYSTEM, flow="release", subject=dataset, states=("gated", "in_review", "approved")).items
        case = running[0] if running else self.propose(curator, self.first_build(curator, path))
        for person in ("li.wei", "wang.min"):
            if case.state == "in_review":
                case = self.hub.cases.execute(self.actor(person), case.id, "approve", {"note": text("demo.reviewed", "zh")})
        if case.state == "approved":
            self.hub.releases.publish(curator, case.id)

    def propose(self, curator: Actor, record: BuildRecord, notes: Mapping[str, str] | None = None) -> Case:
        """Have the build's samples reviewed, propose it, have what may be waived waived, and submit."""
        self.hub.reviews.confirm_library(self.actor(REVIEWERS[0]))
        self.review(curator, record.id)
        case = self.hub.releases.propose(curator, record.id, notes=notes)
        for gate in stopping(case.data["gates"]):
            case = self.hub.cases.execute(
                self.actor(REVIEWERS[0]), case.id, "waive", {"gate": gate, "reason": text(f"demo.waived_{gate}", "zh")}
            )
        return self.hub.cases.execute(curator, case.id, "submit")

    def review(self, curator: Actor, build: str) -> None:
        """Two people judge every row of the samples, blind. The city is a play: the reason of each verdict says that nobody read the row."""
        said = (True, f"{text('demo.acted', 'zh')} {text('demo.acted', 'en')}")
        for purpose in SAMPLES:
            sample = self.hub.reviews.open(curator, build, purpose)
            for person in REVIEWERS:
                reviewer = self.actor(person)
                items = self.hub.reviews.queue(reviewer, sample.id, limit=sample.size or 1)
                self.hub.reviews.judge_all(reviewer, sample.id, {item.row: said for item in items})

    def first_build(self, curator: Actor, path: Path) -> BuildRecord:
        """The dataset's first version; the one that is updated later starts from an earlier cut of its source."""
        addresses = EARLIER if path.stem == UPDATED.partition("/")[2] else {}
        return self.hub.builds.build(curator, path, addresses=addresses, progress=silent)

    def open_room(self) -> None:
        """The census may also be asked without being taken away."""
        dataset = "yunzhou/census-income"
        if not self.hub.cleanroom.rooms():
            self.hub.cleanroom.open(self.actor(CURATOR), dataset, ROOM, epsilon=20.0)

    def grant_access(self) -> None:
        """The developer's organisation asks for each dataset and is granted it."""
        reader, decider, second = self.actor(READER), self.actor("li.wei"), self.actor("wang.min")
        for name in RECIPES:
            dataset = f"yunzhou/{name}"
            if self.hub.cases.list(SYSTEM, flow="entitlement", subject=dataset).items:
                continue
            form = {
                "dataset": dataset,
                "purpose": "model-training",
                "channels": CHANNELS,
                "plan": text("demo.plan", "zh"),
                "terms_accepted": True,
            }
            case = self.hub.cases.open(reader, "access", form)
            run = self.hub.cases.execute
            run(reader, case.id, "submit")
            run(decider, case.id, "triage")
            run(decider, case.id, "propose", {"conditions": text("demo.conditions", "zh")})
            for person in (second, self.actor("zhang.hua")):
                if self.hub.cases.get(reader, case.id).state == "decision":
                    run(person, case.id, "approve")
            run(reader, case.id, "countersign")

    def propose_update(self) -> None:
        """A further version with more rows waits for approval, so that reviewers find a real one with its difference."""
        if self.hub.cases.list(SYSTEM, flow="release", subject=UPDATED, states=("in_review",)).items:
            return
        curator = self.actor(CURATOR)
        record = self.hub.builds.build(curator, self.recipes / f"{UPDATED.partition('/')[2]}.yaml")
        self.propose(curator, record, {"zh": text("demo.update", "zh"), "en": text("demo.update", "en")})

    def play_scenes(self) -> None:
        """The rest of the city's life, scene by scene."""
        (agreement, *_) = self.hub.cases.list(SYSTEM, flow="authorization", states=("active",)).items
        known: dict[str, str] = self.kept("scenes") or {"authorization": agreement.id}
        for scene in scenes():
            if scene["id"] not in known:
                known = {**known, scene["id"]: play(scene, self.hub.cases, self.actor, self.today, known)}
                self.keep("scenes", known)

    def token(self, person: str, scopes: tuple[str, ...]) -> str:
        """The person's demo token; a new one where the old was lost or revoked."""
        known = self.kept(f"token:{person}")
        if known and self.hub.access.actor_of_token(known):
            return str(known)
        secret, _ = self.hub.access.issue_token(
            self.actor(person), name="demo", scopes=scopes, purpose="model-training", days=366
        )
        self.keep(f"token:{person}", secret)
        return secret

    def accounts(self) -> list[Account]:
        passwords: Mapping[str, str] = self.kept("passwords")
        names = {org["id"]: org["name"][self.lang] for org in self.city["orgs"]}
        return [
            Account(person["id"], passwords[person["id"]], person["name"], names[person["org"]], tuple(person["roles"]))
            for person in self.city["people"]
        ]

    def datasets(self) -> list[dict[str, Any]]:
        released = self.hub.cases.list(SYSTEM, flow="release", states=("released",), limit=100).items
        rows = [
            {"id": case.data["dataset"], "revision": f"v{case.data['version']}", "rows": case.data["rows"]} for case in released
        ]
        return sorted(rows, key=lambda row: (RECIPES.index(row["id"].partition("/")[2]), row["revision"]))

    def describe(self) -> dict[str, Any]:
        """What `demo.json` says."""
        return {
            "endpoint": self.hub.settings.endpoint(),
            "accounts": [
                {"login": item.login, "password": item.password, "name": item.name, "org": item.org, "roles": list(item.roles)}
                for item in self.accounts()
            ],
            "reader_token": self.token(READER, ("read", "request")),
            "curator_token": self.token(CURATOR, ("read", "write", "request")),
            "datasets": self.datasets(),
        }

    def write(self, told: Mapping[str, Any]) -> None:
        """`demo.json`, readable by its owner only, whole or not at all; and who commands act for, where nothing else is stated."""
        home = self.hub.settings.home
        draft = home / "demo.json.new"
        draft.touch(mode=0o600)
        draft.chmod(0o600)
        draft.write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", "utf-8")
        draft.replace(home / "demo.json")
        stated = home / "corpushub.toml"
        if not stated.exists():
            stated.write_text(f'acting_as = "{CURATOR}"\n', "utf-8")

    def tell(self, told: Mapping[str, Any]) -> None:
        """Addresses, accounts and the snippet, on standard output."""
        endpoint = told["endpoint"]
        print(text("demo.open_at", self.lang, zh=f"{endpoint}/zh/", en=f"{endpoint}/en/"))
        for account in told["accounts"]:
            print(
                f"  {account['login']:<10} {account['password']}  {account['name']} · {account['org']} ({', '.join(account['roles'])})"
            )
        print(text("demo.pull", self.lang))
        print(snippet(told), flush=True)


def snippet(told: Mapping[str, Any]) -> str:
    """Five lines of Python that pull the first dataset; they run as printed."""
    first = told["datasets"][0]
    return "\n".join(
        (
            "import os",
            f'os.environ["HF_ENDPOINT"] = "{told["endpoint"]}"',
            "from datasets import load_dataset",
            f'rows = load_dataset("{first["id"]}", revision="{first["revision"]}", split="train", token="{told["reader_token"]}")',
            'print(rows.num_rows, rows[0]["title"])',
        )
    )
