"""A sweep: a folder of runs that share a dataset and most settings, and the plan that says what each is."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.config import Config
from copper_tf.runs.records import BoundaryBias
from copper_tf.runs.run import is_run, open_run
from copper_tf.training.patience import check_patience
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import CopperError, OutputError, RunError, SettingError
from tfds_copper.files import check_links, lock_folder, read_json, write_json
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.runs.run import Run

__all__ = [
    "FAILED",
    "PLAN",
    "UNITS",
    "PlannedRun",
    "Sweep",
    "SweepStatus",
    "open_sweep",
    "start_sweep",
]

FORMAT = "copper-sweep 1"
PLAN, RUNS, FAILED, ATTEMPTS = "sweep.json", "runs", ".failed.json", ".attempts.json"
# Progress of a run is given in so many units.
UNITS = 1000
# A run in which its process died so often is given up.
_MOST_ATTEMPTS = 3


class SweepStatus(NamedTuple):
    """How far the runs of a sweep are.

    Attributes:
        finished: number of finished runs.
        done: units of work that are done.
        total: units of work in all.
        text: the same in words.
    """

    finished: int
    done: int
    total: int
    text: str


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        group: the runs of a group differ in their seed alone.
        settings: those that differ from the sweep's base.
        role: what the group is for; its values are the planner's.
        infeasible: why it can't be trained, empty where it can.
        composites: whether it is measured what borders of areas add, see `measure_boundary_bias`.
    """

    group: str
    settings: Mapping[str, Any]
    role: str = ""
    infeasible: str = ""
    composites: bool = False


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A planned sweep.

    Attributes:
        path: its folder.
        base: the settings that all runs share, unless the plan says otherwise.
        data: path of the built dataset.
        fingerprint: of the dataset.
        plan: every run, by name.
    """

    path: Path
    base: Config
    data: Path
    fingerprint: str
    plan: Mapping[str, PlannedRun]

    def folder(self, name: str) -> Path:
        """Where a run goes."""
        return self.path / RUNS / name

    def _failure_file(self, name: str) -> Path:
        return self.path / RUNS / (name + FAILED)

    def config(self, name: str) -> Config:
        """The settings of a run."""
        return self.base.replace(**self.plan[name].settings)

    def is_done(self, name: str) -> bool:
        """Whether a run is trained and has all its scores."""
        needed = [Evaluation.NAME, *([BoundaryBias.NAME] if self.plan[name].composites else [])]
        return all((self.folder(name) / "scores" / f"{scores}.json").is_file() for scores in needed)

    def failure(self, name: str) -> str:
        """Why a run failed, empty where it didn't."""
        file = self._failure_file(name)
        return str(_noted(file)["reason"]) if file.is_file() else ""

    def count_attempt(self, name: str) -> bool:
        """Counts an attempt at a run; False where its process died too often without finishing an epoch in between."""
        file = self.path / RUNS / (name + ATTEMPTS)
        last = _noted(file) if file.is_file() else {"attempts": 0, "epochs": 0}
        epochs = self.epochs_of(name)
        attempts = int(last["attempts"]) if epochs == last["epochs"] else 0
        if attempts >= _MOST_ATTEMPTS:
            self.record_failure(name, f"its process died {attempts} times")
            return False
        write_json(file, {"attempts": attempts + 1, "epochs": epochs})
        return True

    def record_failure(self, name: str, reason: str) -> None:
        """Writes down why a run failed."""
        write_json(self._failure_file(name), {"reason": reason})

    def reset(self, name: str) -> None:
        """Forgets attempts and failure of a run, so that it is tried again."""
        for ending in (FAILED, ATTEMPTS):
            (self.path / RUNS / (name + ending)).unlink(missing_ok=True)

    def reset_failures(self) -> None:
        """Lets every run that failed be tried again; attempts that a kill cut short stay counted."""
        for name in self.plan:
            if self.failure(name):
                self.reset(name)

    def fraction_done(self, name: str) -> float:
        """The share of a run that is done, 0 to 1, by its history."""
        if self.is_done(name) or self.failure(name):
            return 1.0
        return 0.95 * self.epochs_of(name) / self.config(name).training.epochs

    def epochs_of(self, name: str) -> int:
        """Finished epochs of a run, 0 where there is none or it is damaged."""
        folder = self.folder(name)
        try:
            return len(open_run(folder).history()) if is_run(folder) else 0
        except CopperError:
            return 0

    def status(self) -> SweepStatus:
        """How far all runs are."""
        shares = [self.fraction_done(name) for name in self.plan]
        finished = sum(share == 1 for share in shares)
        text = f"runs {finished} of {len(shares)} done"
        return SweepStatus(finished, int(UNITS * sum(shares)), UNITS * len(shares), text)

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
        """Trains and evaluates a run, resumes it, or finds it done.

        Args:
            name: of the run.
            dataset: the sweep's own.
            progress: called with (done, total, what).
        """
        from copper_tf.analysis.evaluation import evaluate
        from copper_tf.training.boundary_bias import measure_boundary_bias

        run = self.train(name, dataset, None, progress)
        if not run.has(Evaluation):
            evaluate(run, dataset, progress)
        if not self.is_done(name):
            measure_boundary_bias(run, dataset, progress)
        return run

    def train(self, name: str, dataset: Dataset, until: int | None, progress: Progress | None = None) -> Run:
        """Trains a run or resumes it.

        Args:
            name: of the run.
            dataset: the sweep's own.
            until: epochs after which it stops; None for all.
            progress: called with (done, total, what).
        """
        from copper_tf.training.loop import train

        folder = self.folder(name)
        if folder.is_dir() and not (folder / "format").is_file():
            # Killed while it was being made.
            shutil.rmtree(folder)
        return train(self.config(name), dataset, folder, resume=True, until=until, progress=progress)


def _noted(file: Path) -> dict[str, Any]:
    """What was written down of a run.

    Raises:
        RunError: if the file is damaged.
    """
    try:
        return {"reason": "", "attempts": 0, "epochs": 0, **read_json(file)}
    except (TypeError, ValueError) as error:
        raise RunError(f"{file}: must be what copper wrote of a run. Received: {error}") from None


def open_sweep(path: Path) -> Sweep:
    """Opens a sweep.

    Raises:
        RunError: if there is none, or it is of another version.
    """
    file = path / PLAN
    if not file.is_file():
        raise RunError(f"{path}: must be a folder of a sweep, with {PLAN} in it. Received: no such file")
    check_links(path)
    try:
        content = read_json(file)
        if content["format"] != FORMAT:
            raise RunError(f"{path}: this version of copper-tf reads {FORMAT!r}. Received: {content['format']!r}")
        data = content["data"]
        runs = {name: PlannedRun(**run) for name, run in content["runs"].items()}
        return Sweep(path, Config.from_dict(content["base"]), Path(data["path"]), data["fingerprint"], runs)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{file}: must be the plan of a sweep. Received: {error!r}") from None


def start_sweep(requested: Sweep, *, resume: bool = False, force: bool = False) -> Sweep:
    """Writes the plan of a sweep, or adds to the one in the folder; runs that are done stay.

    Args:
        requested: the sweep.
        resume: continue the sweep in the folder, or start one where there is none; what is new in the plan is added.
        force: replace the sweep in the folder.

    Returns:
        The sweep of all that is planned in the folder.

    Raises:
        OutputError: if the folder holds other things, or a sweep and neither flag is given, or another process works in
            the sweep that is to be replaced.
        RunError: if `resume` meets other settings or data.
        SettingError: if both flags are given, or runs would stop early but keep their last weights.
    """
    folder = requested.path
    if resume and force:
        raise SettingError(
            "resume continues a sweep and force replaces it: only one of them can be given. Received: both"
        )
    for name in requested.plan:
        # Before anything is deleted.
        check_patience(requested.config(name))
    if (folder / PLAN).is_file():
        if not (resume or force):
            raise OutputError(f"{folder}: holds a sweep; --resume continues it, --force replaces it. Received: neither")
        if force:
            # In one step: killed within, it must not leave half a sweep.
            old = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
            with lock_folder(folder):
                folder.rename(old)
            shutil.rmtree(old)
        else:
            existing = open_sweep(folder)
            _check_same(requested, existing)
            requested = dataclasses.replace(requested, plan={**existing.plan, **requested.plan})
    elif folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder}: a sweep needs an empty or absent folder. Received: one in use")
    requested.write()
    return requested


def _check_same(requested: Sweep, existing: Sweep) -> None:
    """Refuses to mix runs of other settings or data."""
    if requested.fingerprint != existing.fingerprint:
        raise RunError(
            f"{existing.path}: --resume needs the dataset of the sweep, {existing.data}. Received: {requested.data}"
        )
    has = existing.base.flat()
    for name, value in requested.base.flat().items():
        if value != has[name]:
            raise RunError(
                f"{existing.path}: --resume continues with the sweep's own settings, {name} = {has[name]!r}. "
                f"Received: {name} = {value!r}"
            )
    for name in set(requested.plan) & set(existing.plan):
        if requested.plan[name] != existing.plan[name]:
            raise RunError(
                f"{existing.path}: run {name} was planned with other settings; take another folder. Received: {name}"
            )
