"""Composition root: the one place where services get their stores. Doors receive a Hub; they never build a service."""

from __future__ import annotations

from dataclasses import dataclass

from corpushub.base.identity import Clock, system_clock
from corpushub.base.settings import Settings
from corpushub.base.signing import hub_key
from corpushub.services.access import Access
from corpushub.services.accounts import Accounts
from corpushub.services.audit import Audit
from corpushub.services.builds import Builds
from corpushub.services.cards import Cards
from corpushub.services.cases import Cases
from corpushub.services.catalog import Catalog
from corpushub.services.cleanroom import Cleanroom
from corpushub.services.comparisons import Comparisons
from corpushub.services.compute import Compute
from corpushub.services.contributions import Contributions
from corpushub.services.dataspace import Dataspace
from corpushub.services.evaluations import Evaluations
from corpushub.services.federation import Federation
from corpushub.services.finder import Finder
from corpushub.services.intake import Intake
from corpushub.services.jobs import Jobs
from corpushub.services.joins import Joins
from corpushub.services.matching import Matching
from corpushub.services.oidc import Oidc
from corpushub.services.orders import Orders
from corpushub.services.oversight import Oversight
from corpushub.services.parties import Parties
from corpushub.services.passes import Passes
from corpushub.services.previews import Previews
from corpushub.services.registers import Registers
from corpushub.services.releases import Releases
from corpushub.services.repositories import Repositories
from corpushub.services.reviews import Reviews
from corpushub.services.samples import Samples
from corpushub.services.studio import Studio
from corpushub.services.sweeper import Sweeper
from corpushub.services.viewer import Viewer
from corpushub.store.db import Database
from corpushub.store.objects import Objects


@dataclass(frozen=True, slots=True)
class Hub:
    """Every service of one hub, over one database and one object store."""

    settings: Settings
    clock: Clock
    database: Database
    objects: Objects
    parties: Parties
    cases: Cases
    jobs: Jobs
    oversight: Oversight
    registers: Registers
    federation: Federation
    dataspace: Dataspace
    catalog: Catalog
    finder: Finder
    accounts: Accounts
    oidc: Oidc
    access: Access
    repositories: Repositories
    contributions: Contributions
    audit: Audit
    builds: Builds
    releases: Releases
    cleanroom: Cleanroom
    compute: Compute
    matching: Matching
    previews: Previews
    comparisons: Comparisons
    cards: Cards
    reviews: Reviews
    viewer: Viewer
    passes: Passes
    sweeper: Sweeper
    samples: Samples
    studio: Studio
    evaluations: Evaluations

    def close(self) -> None:
        """Write what is buffered and let the stores go."""
        self.access.close()
        self.database.close()


def open_hub(settings: Settings, clock: Clock = system_clock) -> Hub:
    """Open or create the settings' stores and put the services together. Raises: Unavailable where a store does not answer."""
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database_url or str(settings.home / "hub.db"), clock=clock)
    objects = Objects.of(settings)
    parties = Parties(database=database, clock=clock)
    accounts = Accounts(database=database, settings=settings, parties=parties, clock=clock)
    cases = Cases(database=database, settings=settings, clock=clock)
    catalog = Catalog(database=database, cases=cases, clock=clock)
    access = Access(database=database, settings=settings, clock=clock, parties=parties)
    repositories = Repositories(database=database, objects=objects, settings=settings, clock=clock, access=access)
    contributions = Contributions(
        database=database, objects=objects, settings=settings, clock=clock, access=access, repositories=repositories
    )
    matching = Matching(database=database, cases=cases, settings=settings, clock=clock, home_region=settings.region)
    jobs = Jobs(database=database, cases=cases, clock=clock)
    builds = Builds(database=database, settings=settings, catalog=catalog, clock=clock)
    releases = Releases(
        database=database, objects=objects, cases=cases, builds=builds, key=hub_key(settings, "release"), clock=clock
    )
    viewer = Viewer(objects=objects, repositories=repositories, access=access)
    hub = Hub(
        settings=settings,
        clock=clock,
        database=database,
        objects=objects,
        parties=parties,
        cases=cases,
        oversight=Oversight(database=database, cases=cases, clock=clock),
        federation=Federation(database=database, cases=cases, settings=settings, clock=clock),
        dataspace=Dataspace(database=database, cases=cases, base=settings.endpoint()),
        registers=Registers(database=database, cases=cases, clock=clock),
        jobs=jobs,
        catalog=catalog,
        finder=Finder(database=database, shelf=matching.shelf),
        accounts=accounts,
        oidc=Oidc(database=database, settings=settings, accounts=accounts, parties=parties, clock=clock),
        access=access,
        repositories=repositories,
        contributions=contributions,
        audit=Audit(database=database, objects=objects, settings=settings, clock=clock),
        builds=builds,
        matching=matching,
        releases=releases,
        viewer=viewer,
        sweeper=Sweeper(database=database, objects=objects, incoming=contributions.incoming, clock=clock),
        passes=Passes(
            database=database, objects=objects, access=access, repositories=repositories, viewer=viewer, settings=settings
        ),
        samples=Samples(database=database, viewer=viewer, clock=clock),
        cleanroom=Cleanroom(database=database, access=access, viewer=viewer, clock=clock),
        compute=Compute(database=database, cases=cases, builds=builds, jobs=jobs, viewer=viewer, parties=parties),
        previews=Previews(repositories=repositories, objects=objects),
        comparisons=Comparisons(database=database, releases=releases, viewer=viewer),
        cards=Cards(builds=builds, clock=clock),
        reviews=Reviews(database=database, builds=builds, versions=releases.version_for, clock=clock),
        studio=Studio(database=database, settings=settings, builds=builds, jobs=jobs, parties=parties, clock=clock),
        evaluations=Evaluations(database=database, clock=clock),
    )
    return connect(hub)


def connect(hub: Hub) -> Hub:
    """What services do for each other beyond what they were made with: hooks, job handlers, and the chores of every round of the worker."""
    hub.cases.linkage = Joins(objects=hub.objects, rules=hub.cases.rules).risky
    Intake(parties=hub.parties, builds=hub.builds, releases=hub.releases, jobs=hub.jobs, contributions=hub.contributions)
    hub.cases.followers["incident"] = hub.oversight.alert
    orders = Orders(database=hub.database, cases=hub.cases, matching=hub.matching, clock=hub.clock)
    hub.jobs.upkeep = (
        *(
            hub.sweeper.sweep_if_due,
            hub.audit.sign_if_due,
            hub.matching.keep_up,
            orders.open_due,
            hub.access.attempts.flush,
            hub.database.tidy,
        ),
        *(hub.oversight.recheck_conflicts, hub.oversight.watch_deliveries, hub.oversight.end_exhausted, hub.federation.pull_all),
        hub.oversight.tallies.keep_up,
    )
    return hub
