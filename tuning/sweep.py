"""A sweep: a folder of runs that share a dataset and most settings, and the plan that says what each is."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.config import Config
from copper_tf.runs.run import COMPOSITES, EVALUATION, is_run, open_run
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import CopperError, OutputError, RunError, SettingError
from tfds_copper.files import alone, write_json
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.runs.run import Run

__all__ = [
    "CHIEF",
    "FAILED",
    "ORACLE_IP",
    "ORACLE_PORT",
    "PARTS",
    "PLAN",
    "TUNER_ID",
    "Planned",
    "Sweep",
    "open_sweep",
    "start_sweep",
]

FORMAT = "copper-sweep 1"
PLAN, RUNS, FAILED, TRIES = "sweep.json", "runs", ".failed.json", ".tries.json"
# KerasTuner's own variables, and the name that makes a process the chief.
TUNER_ID, ORACLE_IP, ORACLE_PORT = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
CHIEF = "chief"
# Parts of a run that progress is told in.
PARTS = 1000
# A run in which its process died so often is given up.
_MOST_TRIES = 3


@dataclasses.dataclass(frozen=True)
class Planned:
    """What one run is.

    Attributes:
        group: the runs of a group differ in their seed alone.
        settings: those that differ from the sweep's base.
        role: what the group is for, in the words of who planned it.
        composites: whether it is measured what borders of areas add, see `borders.composites`.
    """

    group: str
    settings: Mapping[str, Any]
    role: str = ""
    composites: bool = False


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A planned sweep.

    Attributes:
        path: its folder.
        base: the settings that all runs share but for what the plan says.
        data: path of the built dataset.
        fingerprint: of the dataset.
        plan: every run, by name.
    """

    path: Path
    base: Config
    data: Path
    fingerprint: str
    plan: Mapping[str, Planned]

    def folder(self, name: str) -> Path:
        """Where a run goes."""
        return self.path / RUNS / name

    def _failure(self, name: str) -> Path:
        return self.path / RUNS / (name + FAILED)

    def config(self, name: str) -> Config:
        """The settings of a run."""
        return self.base.replace(**self.plan[name].settings)

    def is_done(self, name: str) -> bool:
        """Whether a run is trained and has all its scores."""
        needed = [EVALUATION, *([COMPOSITES] if self.plan[name].composites else [])]
        return all((self.folder(name) / "scores" / f"{scores}.json").is_file() for scores in needed)

    def reason(self, name: str) -> str:
        """Why a run failed, empty where it didn't."""
        file = self._failure(name)
        return str(json.loads(file.read_text(encoding="utf-8"))["reason"]) if file.is_file() else ""

    def tried(self, name: str) -> bool:
        """Counts a try of a run; False where its process died too often without an epoch done, which is noted then."""
        file = self.path / RUNS / (name + TRIES)
        last = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"tries": 0, "epochs": 0}
        epochs = self.epochs_of(name)
        tries = int(last["tries"]) if epochs == last["epochs"] else 0
        if tries >= _MOST_TRIES:
            self.fail(name, f"its process died {tries} times")
            return False
        write_json(file, {"tries": tries + 1, "epochs": epochs})
        return True

    def fail(self, name: str, reason: str) -> None:
        """Notes why a run failed."""
        write_json(self._failure(name), {"reason": reason})

    def forgive(self, name: str) -> None:
        """Forgets tries and failure of a run, so that it is tried anew."""
        for ending in (FAILED, TRIES):
            (self.path / RUNS / (name + ending)).unlink(missing_ok=True)

    def forgive_failures(self) -> None:
        """Lets every run that failed be tried anew; tries that a kill cut short go on being counted."""
        for name in self.plan:
            if self.reason(name):
                self.forgive(name)

    def share(self, name: str) -> float:
        """How much of a run is done, 0 to 1, by its history."""
        if self.is_done(name) or self.reason(name):
            return 1.0
        return 0.95 * self.epochs_of(name) / self.config(name).training.epochs

    def epochs_of(self, name: str) -> int:
        """Finished epochs of a run, 0 where there is none or it is damaged."""
        folder = self.folder(name)
        try:
            return len(open_run(folder).history()) if is_run(folder) else 0
        except CopperError:
            return 0

    def look(self) -> tuple[int, int, int, str]:
        """How far all runs are: (finished, done, total, what)."""
        shares = [self.share(name) for name in self.plan]
        done = sum(share == 1 for share in shares)
        return done, int(PARTS * sum(shares)), PARTS * len(shares), f"runs {done} of {len(shares)} done"

    def dataset(self) -> Dataset:
        """The dataset.

        Raises:
            RunError: if it has changed since the sweep was planned.
        """
        found = open_dataset(self.data)
        if found.fingerprint != self.fingerprint:
            raise RunError(
                f"{self.path}: its dataset must be the one it was planned for. Received: {self.data} changed"
            )
        return found

    def write(self) -> None:
        """Writes ``sweep.json``, atomically."""
        plan = {name: dataclasses.asdict(run) for name, run in self.plan.items()}
        content = {
            "format": FORMAT,
            "base": self.base.to_dict(),
            "data": {"path": str(self.data), "fingerprint": self.fingerprint},
            "runs": plan,
        }
        write_json(self.path / PLAN, content)

    def perform(self, name: str, dataset: Dataset, progress: Progress | None = None) -> Run:
        """Trains and evaluates a run, or goes on with it, or finds it done.

        Args:
            name: of the run.
            dataset: the sweep's own.
            progress: called with (done, total, what).
        """
        from copper_tf.analysis.evaluation import evaluate
        from copper_tf.training.boundary_bias import composites

        run = self.train(name, dataset, None, progress)
        if not run.scores_file(EVALUATION).is_file():
            evaluate(run, dataset, progress)
        if not self.is_done(name):
            composites(run, dataset, progress)
        return run

    def train(self, name: str, dataset: Dataset, until: int | None, progress: Progress | None = None) -> Run:
        """Trains a run, or goes on with it.

        Args:
            name: of the run.
            dataset: the sweep's own.
            until: stop after so many epochs of all.
            progress: called with (done, total, what).
        """
        from copper_tf.training.loop import train

        folder = self.folder(name)
        if folder.is_dir() and not (folder / "format").is_file():
            # Killed while it was being made.
            shutil.rmtree(folder)
        return train(self.config(name), dataset, folder, resume=True, until=until, progress=progress)


def open_sweep(path: Path) -> Sweep:
    """Opens a sweep.

    Raises:
        RunError: if there is none, or it is of another version.
    """
    file = path / PLAN
    if not file.is_file():
        raise RunError(f"{path}: must be a folder of a sweep, with {PLAN} in it. Received: no such file")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise RunError(f"{path}: this version of copper-tf reads {FORMAT!r}. Received: {content['format']!r}")
        data = content["data"]
        runs = {name: Planned(**run) for name, run in content["runs"].items()}
        return Sweep(path, Config.from_dict(content["base"]), Path(data["path"]), data["fingerprint"], runs)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{file}: must be the plan of a sweep. Received: {error!r}") from None


def start_sweep(asked: Sweep, *, resume: bool = False, force: bool = False) -> Sweep:
    """Writes the plan of a sweep, or adds to the one that is there; runs that are done stay.

    Args:
        asked: what is wanted.
        resume: go on with the sweep that is there, or start one where there is none; what it doesn't plan yet is added.
        force: replace a sweep that is there.

    Returns:
        The sweep of all that is planned in the folder.

    Raises:
        OutputError: if the folder holds other things, or a sweep and neither flag is given, or another process works in
            the sweep that is to be replaced.
        RunError: if `resume` meets other settings or data.
        SettingError: if both flags are given.
    """
    place = asked.path
    if resume and force:
        raise SettingError("resume goes on with a sweep and force replaces it: ask for one of them. Received: both")
    for name in asked.plan:
        # Before anything is deleted.
        asked.config(name)
    if (place / PLAN).is_file():
        if not (resume or force):
            advice = "--resume goes on with it, --force replaces it"
            raise OutputError(f"{place}: holds a sweep; {advice}. Received: neither")
        if force:
            # In one step: killed within, it must not leave half a sweep.
            old = place.with_name(f".{place.name}.replaced-{os.getpid()}")
            with alone(place):
                place.rename(old)
            shutil.rmtree(old)
        else:
            there = open_sweep(place)
            _check_same(asked, there)
            asked = dataclasses.replace(asked, plan={**there.plan, **asked.plan})
    elif place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise OutputError(f"{place}: a sweep needs an empty or absent folder. Received: one in use")
    asked.write()
    return asked


def _check_same(asked: Sweep, old: Sweep) -> None:
    """Refuses to mix runs of other settings or data."""
    if asked.fingerprint != old.fingerprint:
        raise RunError(f"{old.path}: --resume needs the dataset of the sweep, {old.data}. Received: {asked.data}")
    has = old.base.flat()
    for name, value in asked.base.flat().items():
        if value != has[name]:
            raise RunError(
                f"{old.path}: --resume goes on with the sweep's own settings, {name} = {has[name]!r}. "
                f"Received: {name} = {value!r}"
            )
    for name in set(asked.plan) & set(old.plan):
        if asked.plan[name] != old.plan[name]:
            raise RunError(
                f"{old.path}: run {name} was planned with other settings; take another folder. Received: {name}"
            )
