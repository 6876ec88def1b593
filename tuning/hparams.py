"""TensorBoard's HParams table of a sweep: the settings that differ, beside the scores that count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.runs.run import TENSORBOARD, Run, open_run
from tfds_copper.splits.assign import HELD_OUT
from tuning.sweep import Sweep

if TYPE_CHECKING:
    from tuning.trials import Search, TrialStop

__all__ = ["write_columns", "write_scores", "write_search_columns", "write_trial_scores"]

# Scores that become columns, one for each split that is held out.
_SCORES: Mapping[str, tuple[str, ...]] = {"segmenter": ("nmse", "spearman_t"), "classifier": ("median_mae", "qwk")}
# Columns of a search: (name of the scalar, title).
_MEMORY = ("search/memory_gb", "predicted peak memory of a training step, GB")
_SPEED = ("search/seconds_per_picture", "seconds of a validation picture")


def _columns(kind: str) -> list[tuple[str, str, str]]:
    """(name of the scalar, split, score)."""
    return [(f"evaluation/{score}/{split}", split, score) for score in _SCORES[kind] for split in HELD_OUT]


def _write_config(sweep: Sweep, metrics: Iterable[tuple[str, str]], without: tuple[str, ...] = ()) -> None:
    """Names the columns of the table, (name of the scalar, title), in the sweep's own folder."""
    varied = list(dict.fromkeys(name for run in sweep.plan.values() for name in run.settings if name not in without))
    writer = tf.summary.create_file_writer(str(sweep.path / TENSORBOARD))
    with writer.as_default():
        columns = [hparams.Metric(tag, display_name=title) for tag, title in metrics]
        hparams.hparams_config([hparams.HParam(name) for name in varied], columns)
    writer.close()


def write_columns(sweep: Sweep) -> None:
    """Names the columns of a sweep.

    Args:
        sweep: the plan, written.
    """
    _write_config(sweep, [(tag, f"{split} {score}") for tag, split, score in _columns(sweep.base.kind)])


def write_search_columns(search: Search) -> None:
    """Names the columns of a search.

    Args:
        search: the plan, written.
    """
    objective = (f"search/{search.objective.name}", search.objective.title)
    _write_config(search.sweep, [objective, _MEMORY, _SPEED], without=("seed",))


def _write(run: Run, values: Mapping[str, float | None], step: int) -> None:
    writer = tf.summary.create_file_writer(str(run.path / TENSORBOARD))
    with writer.as_default():
        for tag, value in values.items():
            if value is not None and math.isfinite(value):
                tf.summary.scalar(tag, value, step=step)
    writer.close()


def write_scores(run: Run) -> None:
    """Writes the scores of an evaluated run beside its curves.

    Args:
        run: its folder has a ``tensorboard`` of its own.
    """
    splits = run.read(Evaluation).splits
    scores = {tag: splits[split].scores[score] for tag, split, score in _columns(run.config.kind)}
    _write(run, scores, len(run.history()))


def write_trial_scores(search: Search, name: str, until: int, stop: TrialStop) -> None:
    """Writes the scores of a trial beside the curves of its run.

    Args:
        search: it is of.
        name: of the point.
        until: epochs it was trained.
        stop: what `Search.perform` gave.
    """
    scores = {
        f"search/{search.objective.name}": stop.scores[search.objective.name],
        _MEMORY[0]: search.memory[name] / 1e9,
        _SPEED[0]: stop.seconds_per_picture,
    }
    _write(open_run(search.sweep.folder(name)), scores, until)
