"""Two test micrographs that stand for the rest: the typical one and the worst, each with its map."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.analysis.results import Evaluation
    from copper_tf.report.full.models import Member

__all__ = ["SIDE", "TYPICAL", "WORST", "Exhibit", "chosen", "exhibits"]


TYPICAL, WORST = "typical", "worst"
# The longest side in px of what is kept for the page.
SIDE = 640


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """A whole test micrograph with what the model says of it.

    Attributes:
        role: `TYPICAL` or `WORST`.
        label: rank of t.
        pixels: grey values ``(height, width)``, reduced where the micrograph is large.
        potency: the map of the same shape; None of a classifier.
        pixel_size_nm: of the micrograph; NaN where unknown.
        reduced: px of the micrograph along a side that one of `pixels` is the mean of.
        shape: height and width of the micrograph.
        file: its path in the SEM folder.
    """

    role: str
    label: int
    pixels: np.ndarray
    potency: np.ndarray | None
    pixel_size_nm: float
    reduced: int
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
    wanted = np.where(np.isfinite(g), g, means)[labels]
    return answer, wanted, np.abs(answer - wanted)


def chosen(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Which test pictures are shown: the one of the median error, and the one of the largest.

    Args:
        evaluation: of a run.

    Returns:
        One or two of ``role``, ``file``, ``label``, ``sheet``, ``answer`` (potency, or rank of the grade by the
        median), ``wanted`` (g, or the rank of t) and ``error``.
    """
    test = evaluation.pictures.of_split("test")
    answer, wanted, error = _errors(evaluation)
    # Equal errors by file, so that the choice is the same every time.
    order = np.lexsort((test["file"], error))
    places = {TYPICAL: order[(len(order) - 1) // 2], WORST: order[-1]}
    if places[TYPICAL] == places[WORST]:
        del places[WORST]
    return [
        {
            "role": role,
            **{name: test[name][k].item() for name in ("file", "label", "sheet")},
            **{"answer": float(answer[k]), "wanted": float(wanted[k]), "error": float(error[k])},
        }
        for role, k in places.items()
    ]


def _reduced(values: np.ndarray, by: int) -> np.ndarray:
    """Means of squares of `by` px; what is left over at the right and below is cut."""
    if by == 1:
        return values
    height, width = (side // by * by for side in values.shape)
    return values[:height, :width].reshape(height // by, by, width // by, by).mean((1, 3), dtype=np.float32)


def exhibits(member: Member, evaluation: Evaluation, progress: Progress | None = None) -> list[Exhibit]:
    """The pictures of `chosen`, mapped anew by the model that has not seen them.

    Args:
        member: whose pictures are shown.
        evaluation: its scores.
        progress: called with (done, total, what).
    """
    from copper_tf.data.pictures import examples

    wanted = {row["file"]: row for row in chosen(evaluation)}
    found: dict[str, Exhibit] = {}
    for predictor, dataset in member.judges():
        for example in examples(dataset, "test"):
            if example.file not in wanted or example.file in found:
                continue
            mask = predictor.predict(example.pixels, example.bit_depth, example.file).map
            by = math.ceil(max(example.pixels.shape) / SIDE)
            found[example.file] = Exhibit(
                role=wanted[example.file]["role"],
                label=example.label,
                pixels=_reduced(example.pixels, by),
                potency=None if mask is None else _reduced(mask, by),
                pixel_size_nm=example.pixel_size_nm,
                reduced=by,
                shape=(int(example.pixels.shape[0]), int(example.pixels.shape[1])),
                file=example.file,
            )
            if progress:
                progress(len(found), len(wanted), "mapping pictures of page one")
            if len(found) == len(wanted):
                break
    return [found[file] for file in wanted if file in found]
