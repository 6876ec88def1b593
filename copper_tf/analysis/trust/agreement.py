"""Whether runs that differ in nothing but the seed give the same maps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from copper_tf.runs.run import Run
from copper_tf.statistics.scores import CUT, iou
from tfds_copper.errors import RunError

__all__ = ["agreement", "check_others"]


def check_others(run: Run, others: Sequence[Run]) -> None:
    """Whether all are runs of one recipe on one dataset, each with a seed of its own.

    Raises:
        RunError: if one isn't.
    """
    seeds = {run.config.training.seed}
    for other in others:
        if other.config.kind != run.config.kind:
            raise RunError(f"{other.path}: must be a {run.config.kind} as {run.path} is. Received: {other.config.kind}")
        if other.data["fingerprint"] != run.data["fingerprint"]:
            raise RunError(f"{other.path}: must be trained on the dataset of {run.path}. Received: another one")
        has, wanted = other.config.flat(), run.config.flat()
        for name in set(wanted) - {"seed"}:
            if has[name] != wanted[name]:
                raise RunError(
                    f"{other.path}: must have the settings of {run.path} but the seed, {name} = {wanted[name]!r}. "
                    f"Received: {name} = {has[name]!r}"
                )
        if other.config.training.seed in seeds:
            raise RunError(
                f"{other.path}: must have a seed of its own. Received: {other.config.training.seed} a second time"
            )
        seeds.add(other.config.training.seed)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    x, y = (v.astype(np.float64).ravel() - v.mean(dtype=np.float64) for v in (a, b))
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale > 1e-12 else math.nan


def agreement(maps: Sequence[Sequence[np.ndarray]]) -> dict[str, float]:
    """How alike the maps of several runs are.

    Args:
        maps: for each run its maps of the same pictures.

    Returns:
        ``seed_correlation``: mean over pictures and pairs of runs of the correlation of two maps, pixel by pixel.
        ``seed_iou``: the same of the areas they share when cut at `CUT`, over the areas that either covers. NaN for
        one run.
    """
    pairs = [pair for one in zip(*maps, strict=True) for pair in itertools.combinations(one, 2)]
    correlations = [c for c in (_correlation(*pair) for pair in pairs) if math.isfinite(c)]
    return {
        "seed_correlation": float(np.mean(correlations)) if correlations else math.nan,
        "seed_iou": float(np.mean([iou(a >= CUT, b >= CUT) for a, b in pairs])) if pairs else math.nan,
    }
