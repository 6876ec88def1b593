"""What TensorBoard's HParams shows of a sweep: the settings that differ, beside the scores that count."""

from __future__ import annotations

import math
from collections.abc import Mapping

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from copper_tf.runs import EVALUATION, TENSORBOARD, Run
from tuning.sweep import Sweep

__all__ = ["announce", "report"]

# Score and splits that become columns.
_SCORES: Mapping[str, tuple[str, ...]] = {"segmenter": ("nmse", "spearman_t"), "classifier": ("median_mae", "qwk")}
_SPLITS = ("validation", "test")


def _columns(kind: str) -> list[tuple[str, str, str]]:
    """(name of the scalar, split, score)."""
    return [(f"evaluation/{score}/{split}", split, score) for score in _SCORES[kind] for split in _SPLITS]


def announce(sweep: Sweep) -> None:
    """Names the columns of the table, in the sweep's own folder.

    Args:
        sweep: the plan, written.
    """
    varied = list(dict.fromkeys(name for run in sweep.plan.values() for name in run.settings))
    metrics = [hparams.Metric(tag, display_name=f"{split} {score}") for tag, split, score in _columns(sweep.base.kind)]
    writer = tf.summary.create_file_writer(str(sweep.path / TENSORBOARD))
    with writer.as_default():
        hparams.hparams_config([hparams.HParam(name) for name in varied], metrics)
    writer.close()


def report(run: Run) -> None:
    """Writes the scores of an evaluated run beside its curves.

    Args:
        run: its folder has a ``tensorboard`` of its own.
    """
    splits = run.read_scores(EVALUATION)["splits"]
    writer = tf.summary.create_file_writer(str(run.path / TENSORBOARD))
    with writer.as_default():
        for tag, split, score in _columns(run.config.kind):
            value = splits[split]["scores"][score]
            if value is not None and math.isfinite(value):
                tf.summary.scalar(tag, value, step=len(run.history()))
    writer.close()
