"""How long each part of the paper is to take, and the epochs that fit into that."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np

from copper_tf.config import PAPER, default_config
from tfds_copper.dataset import Dataset
from tfds_copper.results import Result

__all__ = ["CLASSIFIER", "HYPOTHESES", "OBJECTIVE", "SHORTER", "SPACE", "PaperPlan", "plan"]

# Figure 10 has the linear hypothesis, Figure 11 the others; the world's own law is the square root.
HYPOTHESES = ("linear", "sqrt", "square", "sine")
# What is searched of n, N, c and d.
SPACE = ("n=1,2", "N=1,2", "c=8,16,32", "d=3,4")
# After a few epochs the exact label is a matter of luck (.04 to .15 of 16 labels after 9); by how much a network errs
# isn't.
OBJECTIVE = "qwk"
# What every classifier has beside the paper's settings: fewer and larger steps.
CLASSIFIER: dict[str, Any] = {"learning_rate": 0.003, "schedule": "cosine"}
# The segmenter of each hypothesis, too.
SHORTER: dict[str, Any] = CLASSIFIER | {"keep": "last"}
# The paper trains for 200 epochs; fewer than the least tell nothing.
MOST, LEAST = 200, 3
# What is left once all that has to be is done, by what it is spent on.
_SHARES = {"search": 0.3, "classifier": 0.25, "hypotheses": 0.45}
# The most of all hours that the segmenter that learns g may take; several tries come before its training.
_LEARNED, _TRIES = 0.3, 1.5
# Seconds of a picture beside the networks: decoding, statistics, tables.
_PICTURE = 0.25
_SEARCH_EPOCHS = 15


@dataclasses.dataclass(frozen=True)
class PaperPlan(Result):
    """The epochs of each model, from the speed of this machine.

    Attributes:
        hours: that were asked for.
        classifier_epochs: of the winner of the search.
        hypothesis_epochs: of the segmenter of each hypothesis.
        search_epochs: of a full training of the search.
        search_share: share of the full grid's training steps that the search may take.
        segmenter_epochs: of the segmenter that learns g: those of the default settings, or fewer where time is short.
    """

    FORMAT: ClassVar[str] = "copper-paper-plan 1"

    hours: float
    classifier_epochs: int
    hypothesis_epochs: int
    search_epochs: int
    search_share: float
    segmenter_epochs: int


def _epochs(seconds: float, epoch: float) -> int:
    return int(np.clip(seconds / epoch, LEAST, MOST))


def plan(dataset: Dataset, hours: float) -> PaperPlan:
    """Measures the models on this machine and spreads the hours over what they are trained for.

    Args:
        dataset: of the paper's pictures.
        hours: that all parts together may take, about.
    """
    from copper_tf.training.plan import epoch_seconds, picture_sizes
    from copper_tf.training.timing import measure_speed

    side, pixels = picture_sizes(dataset)
    trained, every = dataset.split_sizes["train"], sum(dataset.split_sizes.values())
    configs = {
        "classifier": default_config("classifier", PAPER),
        "hypotheses": default_config("segmenter", PAPER, **SHORTER),
        "segmenter": default_config("segmenter").for_pictures(trained),
    }
    speeds = {name: measure_speed(config, dataset, side) for name, config in configs.items()}

    def epoch(name: str) -> float:
        return epoch_seconds(configs[name], speeds[name], dataset, pixels)

    judged = {name: every * (pixels * speed.pixel + _PICTURE) for name, speed in speeds.items()}
    learned = configs["segmenter"].training
    due = judged["classifier"] + len(HYPOTHESES) * judged["hypotheses"] + judged["segmenter"]
    epochs = min(learned.epochs, _epochs(_LEARNED * 3600 * hours, _TRIES * epoch("segmenter")))
    due += _TRIES * epochs * epoch("segmenter")
    left = max(0.0, 3600 * hours - due)
    points = np.prod([len(entry.split(",")) for entry in SPACE])
    full_grid = points * _SEARCH_EPOCHS * epoch("classifier")
    return PaperPlan(
        hours,
        _epochs(_SHARES["classifier"] * left, epoch("classifier")),
        _epochs(_SHARES["hypotheses"] * left / len(HYPOTHESES), epoch("hypotheses")),
        _SEARCH_EPOCHS,
        # A search that trains less than a few points to the end finds nothing.
        float(np.clip(_SHARES["search"] * left / full_grid, 0.12, 1.0)),
        epochs,
    )
