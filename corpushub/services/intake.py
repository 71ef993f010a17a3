"""From a push to a release case: a contribution tagged `v1.2.3` that carries its recipe is built, gated and proposed like any other.

* The pushed tree is laid out as files; `recipe.yaml` in it names the catalogue entries and the pushed files as their source, so the same
  authorization is asked, the same steps and scans run, and the same gates judge. Nothing pushed is ever delivered as it came.
* The tag stays invisible to readers. When the case is approved and published, the release takes the tag over.
* What came of it stands with the contribution: the case, or the refusal with everything that was wrong.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpushub.base.errors import HubError, Invalid
from corpushub.base.messages import LANGS
from corpushub.domain.parties import Actor
from corpushub.domain.tree import Tree, path_problem
from corpushub.services.builds import Builds, Options
from corpushub.services.contributions import Contributions
from corpushub.services.jobs import Jobs, Report
from corpushub.services.parties import Parties
from corpushub.services.releases import Releases
from corpushub.store.jobs import Job

JOB, CONTRIBUTION, RECIPE = "contribution", "contribution", "recipe.yaml"
_VERSION = re.compile(r"v(\d+\.\d+\.\d+)")


class Intake:
    def __init__(self, *, parties: Parties, builds: Builds, releases: Releases, jobs: Jobs, contributions: Contributions) -> None:
        self.database, self.objects, self.settings = contributions.database, contributions.objects, contributions.settings
        self.parties, self.builds, self.releases, self.jobs = parties, builds, releases, jobs
        jobs.handlers.setdefault(JOB, self.carry_out)
        contributions.tagged = self.tagged

    def tagged(self, actor: Actor, repo_id: str, tag: str, commit: str) -> None:
        """Queue what a version tag on a pushed commit asks for; other tags ask for nothing."""
        if _VERSION.fullmatch(tag):
            payload = {"person": actor.person, "repo": repo_id, "tag": tag, "commit": commit}
            self.jobs.submit(actor, JOB, payload, once=f"{repo_id}@{tag}:{commit}")

    def carry_out(self, job: Job, report: Report) -> Mapping[str, Any]:
        """Build and propose; the result is the case, or the refusal."""
        repo_id, commit, tag = (str(job.payload[name]) for name in ("repo", "commit", "tag"))
        actor = self.parties.actor_of(str(job.payload["person"]))
        self._note(commit, {"state": "building", "tag": tag})
        folder = self.settings.home / "contributions" / commit
        try:
            recipe = self.lay_out(commit, folder)
            if (named := self.builds.read(recipe).dataset) != repo_id:
                raise Invalid("repo.recipe_dataset", named=named, repo=repo_id)
            report({"stage": "build"})
            build = self.builds.build(actor, recipe, options=Options({}, roots=(folder,)))
            self.releases.reproduce(actor, build.id)  # while the commit's files still lie here
            case = self.releases.propose(actor, build.id, version=tag.removeprefix("v"))
        except HubError as error:
            told = {"state": "refused", "code": error.code, "told": {lang: error.explain(lang) for lang in LANGS}}
            self._note(commit, told)
            return told
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        done = {"state": "proposed", "case": case.id, "build": build.id}
        self._note(commit, done)
        return done

    def lay_out(self, commit: str, folder: Path) -> Path:
        """The commit's files below `folder`; gives its recipe. Raises: Invalid("repo.recipe_missing")."""
        with self.database.read() as unit:
            tree: Tree = unit.repos.tree(commit)
        if RECIPE not in tree.by_path:
            raise Invalid("repo.recipe_missing", file=RECIPE)
        shutil.rmtree(folder, ignore_errors=True)
        for entry in tree.entries:
            if path_problem(entry.path):
                continue
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            local = self.objects.local_path(entry.sha256)
            if local is not None:
                os.link(local, target)
            else:
                with self.objects.open(entry.sha256) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
        return folder / RECIPE

    def _note(self, commit: str, more: Mapping[str, Any]) -> None:
        with self.database.begin() as unit:
            known = unit.documents.get(CONTRIBUTION, commit) or {}
            unit.documents.put(CONTRIBUTION, commit, {**known, **more})
