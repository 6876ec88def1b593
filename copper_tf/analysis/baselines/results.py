"""The results of simpler methods, as types: ``scores/baselines.json``; and what tables call them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from copper_tf.analysis.evaluation_results import ScoreSummary
from tfds_copper.results import Result, transient

__all__ = ["ALARM_QWK", "MAPS", "PATCHES", "Baseline", "Baselines"]

# Maps for the page, in scores/.
PATCHES = "baselines.npz"
# Above this QWK of the first-order histogram, brightness alone gives the label away.
ALARM_QWK = 0.4

MAPS = {
    "net": "this segmenter",
    "grey": "grey threshold",
    "gradient": "gradient energy",
    "gradcam": "Grad-CAM of the classifier",
}
SCORE_TITLES = {
    "accuracy": "accuracy",
    "within_one": "within one step",
    "mae": "MAE, steps",
    "qwk": "QWK",
    "iou": "IoU at ½",
    "iou_area": "IoU at the true area",
    "auc": "ROC-AUC",
    "agreement": "correlation with the network's map",
}


@dataclasses.dataclass(frozen=True)
class Baseline(ScoreSummary):
    """One simpler method on the test pictures.

    Attributes:
        title: what pages call it.
        choice: the variant that the validation pictures chose, empty where there is only one.
        confusion: of a grader, counts of pictures, ``(K, K)``; rows are true labels, columns grades.
    """

    title: str
    choice: str = ""
    confusion: tuple[tuple[int, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Baselines(Result):
    """Simpler methods on the splits of a run, as `copper_tf.baselines` gives them.

    Attributes:
        graders: by name, graders on classical features.
        maps: by name, maps without a network beside that of the run; empty for a classifier.
        alarm: whether brightness alone gives the label away.
        truth: whether maps were scored against true masks where a picture has one, else against the run's own maps.
        page: the page that shows it, None where the run was not evaluated; no part of the JSON.
    """

    NAME: ClassVar[str] = "baselines"
    FORMAT: ClassVar[str] = "copper-baselines 1"

    graders: dict[str, Baseline]
    maps: dict[str, Baseline]
    alarm: bool
    truth: bool
    page: Path | None = transient()

    @property
    def warning(self) -> str:
        """What to say where brightness alone gives the label away, else empty."""
        if not self.alarm:
            return ""
        qwk = self.graders["histogram"].scores["qwk"]
        return (
            f"Brightness alone gives the label away: the histogram of grey values, which holds no texture, reaches a "
            f"QWK of {qwk:.2f} (alarm above {ALARM_QWK:g}). A network may have learned brightness instead of the "
            "surface."
        )

    @staticmethod
    def score_titles(methods: Mapping[str, Baseline]) -> dict[str, str]:
        """The scores that any of the methods has, by name, with what tables call them."""
        return {n: title for n, title in SCORE_TITLES.items() if any(n in m.scores for m in methods.values())}
