"""Graders on classical features: the rank of t by regression, from scikit-learn."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from copper_tf.analysis.baselines.features import FEATURES, windows
from tfds_copper.children import safe_children

__all__ = ["GRADERS", "Grader", "Table", "grade_pictures", "table"]

_TREES = 300
_ALPHAS = tuple(10.0**k for k in range(-3, 5))


@dataclasses.dataclass(frozen=True)
class Grader:
    """A classical method.

    Attributes:
        title: what to call it.
        features: a name in `FEATURES`.
        candidates: regressors to choose from on the validation pictures, given a seed.
    """

    title: str
    features: str
    candidates: Callable[[int], Sequence[Any]]


def _forest(seed: int) -> Sequence[Any]:
    return [RandomForestRegressor(_TREES, min_samples_leaf=2, max_features="sqrt", random_state=seed)]


def _ridges(seed: int) -> Sequence[Any]:
    return [make_pipeline(StandardScaler(), Ridge(alpha)) for alpha in _ALPHAS]


GRADERS = {
    "histogram": Grader("first-order histogram, random forest", "histogram", _forest),
    "lbp": Grader("LBP at three radii, random forest", "lbp", _forest),
    "filter_bank": Grader("filter bank and spectral slope, ridge", "filter bank", _ridges),
}


@dataclasses.dataclass(frozen=True)
class Table:
    """The features of the windows of a split's pictures.

    Attributes:
        features: by name, each ``(windows, features)``.
        picture: index of each window's picture, ``(windows,)``.
        label: rank of t of each picture, ``(pictures,)``.
    """

    features: dict[str, np.ndarray]
    picture: np.ndarray
    label: np.ndarray


def _features(parts: Sequence[np.ndarray], names: Sequence[str]) -> list[list[np.ndarray]]:
    """The features of each window, in the order of their names."""
    return [[FEATURES[name](part) for name in names] for part in parts]


def table(
    pictures: Iterable[tuple[np.ndarray, int]], graders: Collection[str] = tuple(GRADERS), workers: int = 1
) -> Table:
    """Computes the features of graders.

    Args:
        pictures: grey values ``(height, width)``, relative to the training set, with the rank of t; one after another.
        graders: names in `GRADERS`.
        workers: processes that do it; with 1 none is started.
    """
    names = list(dict.fromkeys(GRADERS[name].features for name in graders))
    labels: list[int] = []

    def jobs() -> Iterator[Any]:
        for values, label in pictures:
            labels.append(label)
            # Without copies, each would send or hold its whole picture.
            yield delayed(_features)([part.copy() for part in windows(values)], names)

    owner: list[int] = []
    rows: list[list[np.ndarray]] = []
    with safe_children():
        for index, found in enumerate(Parallel(workers, return_as="generator", max_nbytes=None)(jobs())):
            owner += [index] * len(found)
            rows += found
    features = {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}
    return Table(features, np.array(owner), np.array(labels))


def _ranks(model: Any, features: np.ndarray, part: Table, labels: int) -> np.ndarray:
    """The grade of each picture: the mean over its windows, rounded to a label."""
    total = np.bincount(part.picture, model.predict(features), len(part.label))
    mean = total / np.bincount(part.picture, minlength=len(part.label))
    return np.clip(np.rint(mean), 0, labels - 1).astype(int)


def grade_pictures(
    parts: dict[str, Table], labels: int, seed: int = 0, graders: Collection[str] = tuple(GRADERS)
) -> dict[str, dict[str, np.ndarray]]:
    """Grades of all pictures by graders, learnt from the training split and chosen on validation.

    Args:
        parts: the features of ``train``, ``validation`` and ``test``.
        labels: number K of labels.
        seed: of the forests.
        graders: names in `GRADERS`.

    Returns:
        For each grader the grades of each split, ``(pictures,)``.
    """
    learnt = parts["train"]
    rank = learnt.label[learnt.picture].astype(float)
    grades = {}
    for name in graders:
        grader = GRADERS[name]
        features = {split: part.features[grader.features] for split, part in parts.items()}
        fitted = [model.fit(features["train"], rank) for model in grader.candidates(seed)]
        known = parts["validation"]
        errors = [
            np.abs(_ranks(m, features["validation"], known, labels) - known.label).mean() if len(fitted) > 1 else 0.0
            for m in fitted
        ]
        best = fitted[int(np.argmin(errors))]
        grades[name] = {split: _ranks(best, features[split], part, labels) for split, part in parts.items()}
    return grades
