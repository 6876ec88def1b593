"""What an architecture search makes better, and what that is weighed against."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AGAINST", "AUTO", "BUDGETS", "OBJECTIVES", "Objective"]

# `--batch-size auto`.
AUTO = "auto"
# Without --budget: the share of the full grid's training steps that an oracle may take.
BUDGETS = {"grid": 1.0, "random": 0.25, "bayesian": 0.25, "hyperband": 0.25}


@dataclass(frozen=True)
class Objective:
    """What a search makes better.

    Attributes:
        title: for tables and figures.
        better: ``"max"`` or ``"min"``.
    """

    title: str
    better: str


# By the names that the scores have; the first of a kind is the default.
OBJECTIVES: dict[str, dict[str, Objective]] = {
    "classifier": {
        "accuracy": Objective("validation accuracy", "max"),
        "qwk": Objective("validation QWK", "max"),
        "mae": Objective("validation MAE in steps", "min"),
    },
    "segmenter": {"nmse": Objective("validation NMSE", "min")},
}
# What it is weighed against: title, unit, and where a trial has it.
AGAINST = {
    "memory": {"title": "peak memory of a training step", "unit": "GB", "key": "memory_bytes"},
    "speed": {"title": "time of a validation picture", "unit": "s", "key": "seconds_per_picture"},
}
