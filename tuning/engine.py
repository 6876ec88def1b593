"""KerasTuner's engine, given a list of runs instead of a space: alone, or as chief or worker of many processes.

What is done is read from the run folders and not from KerasTuner's own files, so a kill at any moment costs at most the
epoch in flight, and a run that is done is never repeated.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import keras_tuner

from tuning.board import announce, report
from tuning.sweep import CHIEF, ORACLE_IP, PARTS, TUNER_ID, Sweep, open_sweep

__all__ = ["is_worker", "walk"]

_STATE = "tuner"

Progress = Callable[[int, int, str], None]


def is_worker() -> bool:
    """Whether this process takes its runs from a chief, as KerasTuner's environment variables say."""
    return ORACLE_IP in os.environ and CHIEF not in os.environ.get(TUNER_ID, "")


class _Listed(keras_tuner.Oracle):
    """Hands out the runs of a list, in its order."""

    def __init__(self, names: Sequence[str]) -> None:
        space = keras_tuner.HyperParameters()
        space.Choice("run", list(names))
        super().__init__(
            objective=keras_tuner.Objective("failed", "min"), max_trials=len(names), hyperparameters=space,
            # One run that fails says nothing of the others.
            max_consecutive_failed_trials=len(names) + 1,
        )  # fmt: skip
        self.names = list(names)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next run."""
        return {"status": "RUNNING", "values": {"run": self.names[int(trial_id)]}}


class _Runner(keras_tuner.Tuner):
    """Performs the runs that the oracle hands out."""

    def __init__(self, sweep: Sweep, oracle: keras_tuner.Oracle, progress: Progress | None) -> None:
        self.sweep, self.progress, self.finished = sweep, progress, 0
        self.dataset = sweep.dataset()
        super().__init__(oracle, directory=str(sweep.path), project_name=_STATE, overwrite=not is_worker())

    def _tell(self, name: str, part: float, text: str) -> None:
        if self.progress:
            done, total = self.finished, len(self.sweep.plan)
            self.progress(int(PARTS * (done + part)), PARTS * total, f"runs {done} of {total} done, {name}: {text}")

    def run_trial(self, trial: Any, *arguments: Any, **more: Any) -> dict[str, float]:
        """Trains and evaluates one run; one that fails is noted with its reason."""
        name = trial.hyperparameters.values["run"]
        if name not in self.sweep.plan:
            # The chief has added to the plan since.
            self.sweep = open_sweep(self.sweep.path)
        if self.sweep.is_done(name):
            return {"failed": 0.0}
        if not self.sweep.tried(name):
            return {"failed": 1.0}
        last = 0.0
        self.finished = sum(self.sweep.is_done(n) or bool(self.sweep.reason(n)) for n in self.sweep.plan)

        def progress(done: int, total: int, text: str) -> None:
            nonlocal last
            if "epoch" in text:
                last = 0.95 * done / total
            self._tell(name, last, text)

        try:
            report(self.sweep.perform(name, self.dataset, progress))
            # Its tries count no more.
            self.sweep.forgive(name)
        except Exception as error:
            self.sweep.fail(name, str(error).splitlines()[0] if str(error) else type(error).__name__)
            return {"failed": 1.0}
        finally:
            keras.backend.clear_session()
            gc.collect()
        return {"failed": 0.0}


def walk(sweep: Sweep, progress: Progress | None = None) -> None:
    """Performs every run of a sweep that isn't done, in this process, or, as chief, hands them out to workers.

    Args:
        sweep: the plan, written.
        progress: called with (done, total, what).
    """
    for name in sweep.plan:
        # A failure of an earlier call is tried anew.
        if not is_worker():
            sweep.forgive(name)
    left = [name for name in sweep.plan if not sweep.is_done(name)]
    if not left:
        return
    if not is_worker():
        announce(sweep)
    # Every run traces its own graphs, which TensorFlow takes for a slip.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # KerasTuner prints where it reloads.
    with contextlib.redirect_stdout(io.StringIO()):
        _Runner(sweep, _Listed(left), progress).search(verbose=0)
