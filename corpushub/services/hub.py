"""Composition root: the one place where services get their stores. Doors receive a Hub; they never build a service.

A service is imported and made when it is first asked for, so that a command pays for what it uses; a server asks for all of them at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from corpushub.base.identity import Clock, system_clock
from corpushub.base.settings import Settings
from corpushub.base.signing import hub_key
from corpushub.store.db import Database, Unit
from corpushub.store.home import database_of, make_home
from corpushub.store.objects import Objects

if TYPE_CHECKING:
    from corpushub.domain.parties import Actor
    from corpushub.domain.workflow import Case
    from corpushub.services.access import Access
    from corpushub.services.accounts import Accounts
    from corpushub.services.audit import Audit
    from corpushub.services.backup import Backup
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
    from corpushub.services.matching import Matching
    from corpushub.services.oidc import Oidc
    from corpushub.services.oversight import Oversight
    from corpushub.services.parties import Parties
    from corpushub.services.passes import Passes
    from corpushub.services.previews import Previews
    from corpushub.services.registers import Registers
    from corpushub.services.registrations import Registrations
    from corpushub.services.releases import Releases
    from corpushub.services.repositories import Repositories
    from corpushub.services.reviews import Reviews
    from corpushub.services.samples import Samples
    from corpushub.services.studio import Studio
    from corpushub.services.sweeper import Sweeper
    from corpushub.services.viewer import Viewer


class Hub:
    """Every service of one hub, over one database and one object store. Raises: Unavailable where a store does not answer."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        make_home(settings.home)
        self.settings, self.clock = settings, clock
        self.database = Database(settings.database_url or str(database_of(settings.home)), clock=clock)
        self.objects = Objects.of(settings)

    def load(self) -> None:
        """Make every service now, with its kinds of jobs, and give the worker its chores.

        A server does so before it begins: its threads must not meet a service that is half made.
        """
        for name, made in vars(Hub).items():
            if isinstance(made, cached_property):
                getattr(self, name)
        self.jobs.upkeep = self._chores()

    def close(self) -> None:
        """Write what is buffered and let the stores go."""
        if "access" in vars(self):
            self.access.close()
        self.database.close()

    @cached_property
    def access(self) -> Access:
        from corpushub.services.access import Access

        return Access(database=self.database, settings=self.settings, clock=self.clock, parties=self.parties)

    @cached_property
    def accounts(self) -> Accounts:
        from corpushub.services.accounts import Accounts

        return Accounts(
            database=self.database,
            settings=self.settings,
            parties=self.parties,
            attempts=self.access.attempts,
            clock=self.clock,
        )

    @cached_property
    def audit(self) -> Audit:
        from corpushub.services.audit import Audit

        return Audit(database=self.database, objects=self.objects, settings=self.settings, clock=self.clock)

    @cached_property
    def backup(self) -> Backup:
        from corpushub.services.backup import Backup

        return Backup(database=self.database, objects=self.objects, settings=self.settings, clock=self.clock)

    @cached_property
    def builds(self) -> Builds:
        from corpushub.services.builds import Builds

        return Builds(database=self.database, settings=self.settings, catalog=self.catalog, clock=self.clock)

    @cached_property
    def cards(self) -> Cards:
        from corpushub.services.cards import Cards

        return Cards(builds=self.builds, clock=self.clock)

    @cached_property
    def cases(self) -> Cases:
        from corpushub.services.cases import Cases
        from corpushub.services.joins import Joins

        made = Cases(database=self.database, settings=self.settings, clock=self.clock)
        made.linkage = Joins(objects=self.objects, rules=made.rules).risky
        made.followers["incident"] = self._alert
        made.carriers["release", "publish"] = self._publish
        return made

    @cached_property
    def catalog(self) -> Catalog:
        from corpushub.services.catalog import Catalog

        return Catalog(database=self.database, cases=self.cases, clock=self.clock)

    @cached_property
    def cleanroom(self) -> Cleanroom:
        from corpushub.services.cleanroom import Cleanroom

        return Cleanroom(database=self.database, access=self.access, viewer=self.viewer, clock=self.clock)

    @cached_property
    def comparisons(self) -> Comparisons:
        from corpushub.services.comparisons import Comparisons

        return Comparisons(database=self.database, releases=self.releases, viewer=self.viewer)

    @cached_property
    def compute(self) -> Compute:
        from corpushub.services.compute import Compute

        return Compute(
            database=self.database, cases=self.cases, builds=self.builds, jobs=self.jobs, viewer=self.viewer, parties=self.parties
        )

    @cached_property
    def contributions(self) -> Contributions:
        from corpushub.services.contributions import Contributions

        made = Contributions(
            database=self.database,
            objects=self.objects,
            settings=self.settings,
            clock=self.clock,
            access=self.access,
            repositories=self.repositories,
        )
        made.tagged = self._tagged
        return made

    @cached_property
    def dataspace(self) -> Dataspace:
        from corpushub.services.dataspace import Dataspace

        return Dataspace(database=self.database, cases=self.cases, base=self.settings.endpoint())

    @cached_property
    def evaluations(self) -> Evaluations:
        from corpushub.services.evaluations import Evaluations

        return Evaluations(database=self.database, clock=self.clock)

    @cached_property
    def federation(self) -> Federation:
        from corpushub.services.federation import Federation

        return Federation(database=self.database, cases=self.cases, settings=self.settings, clock=self.clock)

    @cached_property
    def finder(self) -> Finder:
        from corpushub.services.finder import Finder

        return Finder(database=self.database, shelf=self.matching.shelf)

    @cached_property
    def intake(self) -> Intake:
        from corpushub.services.intake import Intake

        return Intake(
            parties=self.parties, builds=self.builds, releases=self.releases, jobs=self.jobs, contributions=self.contributions
        )

    @cached_property
    def jobs(self) -> Jobs:
        from corpushub.services.jobs import Jobs

        return Jobs(database=self.database, cases=self.cases, clock=self.clock)

    @cached_property
    def matching(self) -> Matching:
        from corpushub.services.matching import Matching

        return Matching(
            database=self.database, cases=self.cases, settings=self.settings, clock=self.clock, home_region=self.settings.region
        )

    @cached_property
    def oidc(self) -> Oidc:
        from corpushub.services.oidc import Oidc

        return Oidc(
            database=self.database, settings=self.settings, accounts=self.accounts, parties=self.parties, clock=self.clock
        )

    @cached_property
    def oversight(self) -> Oversight:
        from corpushub.services.oversight import Oversight

        return Oversight(database=self.database, cases=self.cases, clock=self.clock)

    @cached_property
    def parties(self) -> Parties:
        from corpushub.services.parties import Parties

        return Parties(database=self.database, clock=self.clock)

    @cached_property
    def passes(self) -> Passes:
        from corpushub.services.passes import Passes

        return Passes(
            database=self.database,
            objects=self.objects,
            access=self.access,
            repositories=self.repositories,
            viewer=self.viewer,
            settings=self.settings,
        )

    @cached_property
    def previews(self) -> Previews:
        from corpushub.services.previews import Previews

        return Previews(repositories=self.repositories, objects=self.objects)

    @cached_property
    def registers(self) -> Registers:
        from corpushub.services.registers import Registers

        return Registers(database=self.database, cases=self.cases, clock=self.clock)

    @cached_property
    def registrations(self) -> Registrations:
        from corpushub.services.registrations import Registrations

        return Registrations(database=self.database, cases=self.cases, catalog=self.catalog, parties=self.parties)

    @cached_property
    def releases(self) -> Releases:
        from corpushub.services.releases import Releases

        return Releases(
            database=self.database,
            objects=self.objects,
            cases=self.cases,
            builds=self.builds,
            key=hub_key(self.settings, "release"),
            clock=self.clock,
        )

    @cached_property
    def repositories(self) -> Repositories:
        from corpushub.services.repositories import Repositories

        return Repositories(
            database=self.database, objects=self.objects, settings=self.settings, clock=self.clock, access=self.access
        )

    @cached_property
    def reviews(self) -> Reviews:
        from corpushub.services.reviews import Reviews

        return Reviews(database=self.database, builds=self.builds, versions=self.releases.version_for, clock=self.clock)

    @cached_property
    def samples(self) -> Samples:
        from corpushub.services.samples import Samples

        return Samples(database=self.database, viewer=self.viewer, secret=self.builds.secret, clock=self.clock)

    @cached_property
    def studio(self) -> Studio:
        from corpushub.services.studio import Studio

        return Studio(
            database=self.database,
            settings=self.settings,
            builds=self.builds,
            jobs=self.jobs,
            parties=self.parties,
            clock=self.clock,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        from corpushub.services.sweeper import Sweeper

        return Sweeper(database=self.database, objects=self.objects, incoming=self.contributions.incoming, clock=self.clock)

    @cached_property
    def viewer(self) -> Viewer:
        from corpushub.services.viewer import Viewer

        return Viewer(objects=self.objects, repositories=self.repositories, access=self.access)

    def _chores(self) -> tuple[Callable[[], object], ...]:
        """What the worker looks after in every round."""
        from corpushub.services.monitoring import Monitoring
        from corpushub.services.orders import Orders

        orders = Orders(database=self.database, cases=self.cases, matching=self.matching, clock=self.clock)
        return (
            self.sweeper.sweep_if_due,
            self.audit.sign_if_due,
            self.matching.keep_up,
            orders.open_due,
            self.access.attempts.flush,
            self.database.tidy,
            self.oversight.recheck_conflicts,
            Monitoring(database=self.database, cases=self.cases, clock=self.clock).watch,
            self.oversight.end_exhausted,
            self.federation.pull_all,
            self.oversight.tallies.keep_up,
        )

    def _alert(self, unit: Unit, case: Case) -> None:
        self.oversight.alert(unit, case)

    def _publish(self, actor: Actor, case_id: str) -> None:
        self.releases.publish(actor, case_id)

    def _tagged(self, actor: Actor, repo_id: str, tag: str, commit: str) -> None:
        self.intake.tagged(actor, repo_id, tag, commit)


def open_hub(settings: Settings, clock: Clock = system_clock) -> Hub:
    """Open or create the settings' stores and put all services together. Raises: Unavailable where a store does not answer."""
    hub = Hub(settings, clock)
    hub.load()
    return hub
