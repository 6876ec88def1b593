"""Three test micrographs that stand for the rest: the typical one, the best and the worst, each with its map."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.reports.full.results import ExamplePicture
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.analysis.evaluation_results import Evaluation
    from copper_tf.reports.full.models import OpenedModel

__all__ = ["BEST", "SIDE", "TYPICAL", "WORST", "ExampleImage", "choose_examples", "map_examples"]


TYPICAL, BEST, WORST = "typical", "best", "worst"
# The longest side in px of what is kept for the page.
SIDE = 640


@dataclasses.dataclass(frozen=True)
class ExampleImage:
    """A whole test micrograph with its map.

    Attributes:
        role: `TYPICAL`, `BEST` or `WORST`.
        label: rank of t.
        pixels: grey values ``(height, width)``, reduced where the micrograph is large.
        potency: the map of the same shape; None of a classifier.
        pixel_size_nm: of the micrograph; NaN where unknown.
        reduction: px of the micrograph along a side that one of `pixels` is the mean of.
        shape: height and width of the micrograph.
        file: its path in the SEM folder.
    """

    role: str
    label: int
    pixels: np.ndarray
    potency: np.ndarray | None
    pixel_size_nm: float
    reduction: int
    shape: tuple[int, int]
    file: str


def _errors(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(answer, what it should be, error) of every test picture."""
    test = evaluation.pictures.of_split("test")
    labels = test["label"]
    if evaluation.kind == "classifier":
        answer = test["median_grade"].astype(float)
        return answer, labels.astype(float), np.abs(answer - labels)
    answer = test["potency"]
    g = np.array(evaluation.hypothesis.g)
    means = np.array([answer[labels == k].mean() if (labels == k).any() else math.nan for k in range(len(g))])
    # A label that no g was supposed for is held against its own mean.
    target = np.where(np.isfinite(g), g, means)[labels]
    return answer, target, np.abs(answer - target)


def choose_examples(evaluation: Evaluation) -> tuple[ExamplePicture, ...]:
    """Which test pictures are shown: the one of the median error, that of the smallest and that of the largest.

    Args:
        evaluation: of a run.

    Returns:
        One to three pictures, whose shape is not known yet.
    """
    test = evaluation.pictures.of_split("test")
    answer, target, error = _errors(evaluation)
    # Equal errors by file, so that the choice is the same every time.
    order = np.lexsort((test["file"], error))
    # Of few pictures, one may be two of them: the worst goes before the best.
    places = {order[0]: BEST, order[-1]: WORST, order[(len(order) - 1) // 2]: TYPICAL}
    return tuple(
        ExamplePicture(
            role=role,
            **{name: test[name][k].item() for name in ("file", "label", "sheet")},
            answer=float(answer[k]),
            target=float(target[k]),
            error=float(error[k]),
        )
        for k, role in sorted(places.items(), key=lambda item: (TYPICAL, BEST, WORST).index(item[1]))
    )


def _reduced(values: np.ndarray, by: int) -> np.ndarray:
    """Means of squares of `by` px; what is left over at the right and below is cut."""
    if by == 1:
        return values
    height, width = (side // by * by for side in values.shape)
    return values[:height, :width].reshape(height // by, by, width // by, by).mean((1, 3), dtype=np.float32)


def map_examples(model: OpenedModel, evaluation: Evaluation, progress: Progress | None = None) -> list[ExampleImage]:
    """The pictures of `choose_examples`, mapped again by the run that was not trained on them.

    Args:
        model: whose pictures are shown.
        evaluation: its scores.
        progress: called with (done, total, what).
    """
    from copper_tf.data.pictures import examples

    chosen = {picture.file: picture for picture in choose_examples(evaluation)}
    mapped: dict[str, ExampleImage] = {}
    for predictor, dataset in model.predictors():
        for example in examples(dataset, "test"):
            if example.file not in chosen or example.file in mapped:
                continue
            potency = predictor.predict(example.pixels, example.bit_depth, example.file).map
            by = math.ceil(max(example.pixels.shape) / SIDE)
            mapped[example.file] = ExampleImage(
                role=chosen[example.file].role,
                label=example.label,
                pixels=_reduced(example.pixels, by),
                potency=None if potency is None else _reduced(potency, by),
                pixel_size_nm=example.pixel_size_nm,
                reduction=by,
                shape=(int(example.pixels.shape[0]), int(example.pixels.shape[1])),
                file=example.file,
            )
            if progress:
                progress(len(mapped), len(chosen), "mapping pictures of page one")
            if len(mapped) == len(chosen):
                break
    return [mapped[file] for file in chosen if file in mapped]
