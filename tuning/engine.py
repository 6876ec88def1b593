"""KerasTuner's engine, alone in its process, or as chief or worker of many processes.

What is done is read from the run folders and not from KerasTuner's own files, so a kill at any moment costs at most the
epoch in flight, and what is done is never repeated. Any oracle that is a function of the results it is told serves: one
that lists the runs of a sweep, or one that searches a space.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import keras
import keras_tuner
from keras_tuner.errors import FailedTrialError

from tfds_copper.files import alone
from tfds_copper.progress import Progress
from tuning.heartbeat import Pulse, check_address, is_worker
from tuning.hparams import announce, announce_search, report, report_trial
from tuning.oracles import epochs_asked, oracle_of, point_of
from tuning.search_space import name_of
from tuning.sweep import PARTS, Sweep, open_sweep
from tuning.trials import Search

__all__ = ["hunt", "walk"]

_STATE = "tuner"
# Seconds between the questions of a worker that has nothing to do.
_PAUSE = 0.2


class _Job(Protocol):
    """What trials are."""

    sweep: Sweep

    def run_of(self, values: Mapping[str, Any]) -> str:
        """The name of the run that a trial is of."""

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """What is there already of a trial."""

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """Does a trial."""

    def told(self, name: str, part: float, text: str) -> tuple[int, int, str]:
        """(done, total, text) of the whole, part of the run of that name being done."""


class _Walk:
    """Every run of a sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.finished = sweep, 0

    def run_of(self, values: Mapping[str, Any]) -> str:
        """See `_Job`."""
        name = str(values["run"])
        if name not in self.sweep.plan:
            # The chief has added to the plan since.
            self.sweep = open_sweep(self.sweep.path)
        self.finished = sum(self.sweep.is_done(n) or bool(self.sweep.reason(n)) for n in self.sweep.plan)
        return name

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """See `_Job`."""
        return {"done": 1.0} if self.sweep.is_done(str(values["run"])) else None

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """See `_Job`."""
        report(self.sweep.perform(str(values["run"]), dataset, progress))
        return {"done": 1.0}

    def told(self, name: str, part: float, text: str) -> tuple[int, int, str]:
        """See `_Job`."""
        done, total = self.finished, len(self.sweep.plan)
        return int(PARTS * (done + part)), PARTS * total, f"runs {done} of {total} done, {name}: {text}"


class _Hunt:
    """The points that an oracle proposes."""

    def __init__(self, search: Search) -> None:
        self.search, self.sweep = search, search.sweep
        self.done, self.steps = 0, 0

    def _asked(self, values: Mapping[str, Any]) -> tuple[str, int]:
        return name_of(point_of(values)), epochs_asked(values, self.sweep.base.training.epochs)

    def run_of(self, values: Mapping[str, Any]) -> str:
        """See `_Job`."""
        self.done, self.steps = self.search.spent()
        return self._asked(values)[0]

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """See `_Job`."""
        found = self.search.result(*self._asked(values))
        return None if found is None else {self.search.objective: found["scores"][self.search.objective]}

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """See `_Job`."""
        name, until = self._asked(values)
        found = self.search.perform(name, until, dataset, progress)
        report_trial(self.search, name, until, found)
        return {self.search.objective: found["scores"][self.search.objective]}

    def told(self, name: str, part: float, text: str) -> tuple[int, int, str]:
        """See `_Job`."""
        total = self.search.steps
        return min(self.steps, total), total, f"{self.done} points tried, {name}: {text}"


class _Listed(keras_tuner.Oracle):
    """Hands out the runs of a list, in its order."""

    def __init__(self, names: Sequence[str]) -> None:
        space = keras_tuner.HyperParameters()
        space.Choice("run", list(names))
        super().__init__(
            objective=keras_tuner.Objective("done", "max"), max_trials=len(names), hyperparameters=space,
            # One run that fails says nothing of the others.
            max_consecutive_failed_trials=len(names) + 1,
        )  # fmt: skip
        self.names = list(names)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next run."""
        return {"status": "RUNNING", "values": {"run": self.names[int(trial_id)]}}


class _Runner(keras_tuner.Tuner):
    """Performs the trials that the oracle hands out."""

    def __init__(self, job: _Job, oracle: keras_tuner.Oracle, progress: Progress | None) -> None:
        self.job, self.progress = job, progress
        self.dataset = job.sweep.dataset()
        super().__init__(oracle, directory=str(job.sweep.path), project_name=_STATE, overwrite=not is_worker())

    def pre_create_trial(self) -> None:
        """Lets a chief breathe that has nothing to hand out yet."""
        if is_worker():
            time.sleep(_PAUSE)

    def run_trial(self, trial: Any, *arguments: Any, **more: Any) -> dict[str, float]:
        """One trial; one that fails is noted with its reason."""
        values = trial.hyperparameters.values
        name = self.job.run_of(values)
        there = self.job.result(values)
        if there is not None:
            return there
        sweep = self.job.sweep
        if sweep.reason(name) or not sweep.tried(name):
            raise FailedTrialError(sweep.reason(name))
        last = 0.0

        def progress(done: int, total: int, text: str) -> None:
            nonlocal last
            if "epoch" in text:
                last = 0.95 * done / total
            if self.progress:
                self.progress(*self.job.told(name, last, text))

        try:
            found = self.job.perform(values, self.dataset, progress)
            # Its tries count no more.
            sweep.forgive(name)
            return found
        except KeyboardInterrupt:
            # Whoever stops it on purpose doesn't make it fail.
            sweep.forgive(name)
            raise
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            sweep.fail(name, reason)
            raise FailedTrialError(reason) from None
        finally:
            keras.backend.clear_session()
            gc.collect()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Takes a request to end, as schedulers send it before they kill, for an interrupt."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def _engaged(job: _Job, oracle: keras_tuner.Oracle, progress: Progress | None) -> None:
    """Lets KerasTuner hand out trials until its oracle has no more."""
    check_address()
    # Every run traces its own graphs, which TensorFlow takes for a slip.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # KerasTuner prints where it reloads.
    path = job.sweep.path
    # Workers share the folder with their chief.
    claim = contextlib.nullcontext() if is_worker() else alone(path)
    with claim, _terminable(), Pulse(path, oracle), contextlib.redirect_stdout(io.StringIO()):
        _Runner(job, oracle, progress).search(verbose=0)


def walk(sweep: Sweep, progress: Progress | None = None) -> None:
    """Performs every run of a sweep that isn't done, in this process, or, as chief, hands them out to workers.

    Args:
        sweep: the plan, written.
        progress: called with (done, total, what).

    Raises:
        RunError: if, among several machines, the others fall silent.
        OutputError: if another process works in the folder.
    """
    if not is_worker():
        # A failure of an earlier call is tried anew.
        sweep.forgive_failures()
    left = [name for name in sweep.plan if not sweep.is_done(name)]
    if not left:
        return
    if not is_worker():
        announce(sweep)
    _engaged(_Walk(sweep), _Listed(left), progress)


def hunt(search: Search, progress: Progress | None = None) -> None:
    """Performs a search, in this process, or, as chief, hands its trials out to workers.

    Args:
        search: the plan, written.
        progress: called with (done, total, what).

    Raises:
        RunError: if, among several machines, the others fall silent.
        OutputError: if another process works in the folder.
    """
    if not is_worker():
        search.sweep.forgive_failures()
        announce_search(search)
    _engaged(_Hunt(search), oracle_of(search), progress)
