"""Reference statistics: the training pictures as a cloud in the space of image features, and how far others are off."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from copper_tf.ood.features import GROUPS, ImageFeatures
from copper_tf.ood.messages import difference_text, range_texts
from copper_tf.statistics.bootstrap import MIN_GROUPS
from tfds_copper.errors import RunError

__all__ = ["OodScore", "ReferenceStatistics"]

# Together these see what none of them does alone: a magnification moves all of them at once.
_TEXTURE = "texture"
_SETS = {name: (name,) for name in GROUPS} | {_TEXTURE: ("sharpness", "texture scale", "structure")}
# The sets by which a picture is flagged; the others say in what its texture differs.
_JUDGED = ("grey levels", "saturation", "direction", _TEXTURE)
# Pictures change with t: features follow a parabola over the rank of t, evaluated at so many places.
_DEGREE, _PLACES = 2, 17
# Standard deviations below which a difference doesn't matter to anyone, by group.
_FLOORS = {
    "grey levels": 0.02, "saturation": 0.05, "sharpness": 0.05, "texture scale": 0.05, "structure": 0.02,
    "direction": 0.05,
}  # fmt: skip
# Standard deviations that bring the distances of all sets on to one scale.
_FAR = 2.0
# Share of pictures of new sheets of the same kind that may be flagged; tails are longer than those of a normal
# distribution, so it is one or two per cent in the end.
_ALARMS = 0.01
# The upper half of a spread, as that of a normal distribution: its 84 % point.
_UPPER = float(special.ndtr(1))
# Standard deviations at which deviations of training pictures are cut off, and a distance that is none.
_MOST, _LEAST = 3.0, 1e-3

Set = np.ndarray


def _columns() -> dict[str, Set]:
    """Columns of each set of features."""
    ends = np.cumsum([len(names) for names in GROUPS.values()])
    of = {name: np.arange(end - len(GROUPS[name]), end) for name, end in zip(GROUPS, ends, strict=True)}
    return {name: np.concatenate([of[group] for group in groups]) for name, groups in _SETS.items()}


_COLUMNS = _columns()
_FLOOR = np.concatenate([np.full(len(names), _FLOORS[group]) for group, names in GROUPS.items()])


@dataclasses.dataclass(frozen=True)
class OodScore:
    """How far a picture is from those of training.

    Attributes:
        distance: as a multiple of the limit; above 1 the picture is out of distribution.
        group: of image features in which it is farthest from them.
        reason: in what it differs; empty where it is like them.
    """

    distance: float
    group: str
    reason: str


@dataclasses.dataclass(frozen=True, eq=False)
class _Cloud:
    """Where the features of pictures lie.

    Attributes:
        path: coefficients of each feature over u, the rank of t from 0 to 1, ``(degree + 1, features)``.
        covariance: about it, of pictures of new sheets, ``(features, features)``.
        scatter: covariance of pictures of one window that show the same.
        area: mean area of the pictures, in windows.
        groups: how many sheets or pictures it rests on.
    """

    path: np.ndarray
    covariance: np.ndarray
    scatter: np.ndarray
    area: float
    groups: int

    def precision(self, columns: Set, area: float) -> np.ndarray:
        """Inverse covariance of some features of a picture of this area, pulled towards independence."""
        # A smaller picture scatters more than those of training, a larger one is taken to scatter as much.
        wider = self.scatter * max(0.0, 1 / area - 1 / self.area)
        covariance = (self.covariance + wider)[np.ix_(columns, columns)]
        sd = np.sqrt(np.diag(covariance) + _FLOOR[columns] ** 2)
        pull = len(columns) / (len(columns) + self.groups)
        correlation = (1 - pull) * covariance / np.outer(sd, sd)
        np.fill_diagonal(correlation, 1)
        inverse: np.ndarray = np.linalg.inv(correlation) / np.outer(sd, sd)
        return inverse

    def places(self) -> np.ndarray:
        """Features along the path, ``(places, features)``."""
        return np.vander(np.linspace(0, 1, _PLACES), len(self.path), increasing=True) @ self.path

    def distances(self, values: np.ndarray, area: float) -> dict[str, float]:
        """Root mean square distance of a picture from the nearest place of the path, by set of features."""
        off, distances = values - self.places(), {}
        for name, columns in _COLUMNS.items():
            some = off[:, columns]
            square = np.einsum("ni,ij,nj->n", some, self.precision(columns, area), some)
            distances[name] = math.sqrt(max(float(square.min()), 0.0) / len(columns))
        return distances


def _quantiles(shares: Sequence[float], values: np.ndarray, weights: np.ndarray) -> list[float]:
    """The values that weighted shares of all values reach."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return [float(values[order[min(int(np.searchsorted(reached, share)), len(order) - 1)]]) for share in shares]


def _tamed(off: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Deviations cut off at some robust standard deviations: a few odd sheets must not excuse everything."""
    middle = np.array([_quantiles([0.5], np.abs(column), weights)[0] for column in off.T])
    most = _MOST * (middle / special.ndtri(0.75) + _FLOOR)
    return np.clip(off, -most, most)


def _cloud(of: Sequence[ImageFeatures], u: np.ndarray, groups: np.ndarray) -> _Cloud:
    """The cloud of some pictures, in which each sheet counts the same.

    Args:
        of: features of each picture.
        u: its rank of t, from 0 to 1.
        groups: the number of its sheet.
    """
    _, own, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / counts[own] / len(counts)
    values = np.array([one.values for one in of])
    degree = min(_DEGREE, len(np.unique(u)) - 1)
    powers, root = np.vander(u, degree + 1, increasing=True), np.sqrt(weights)[:, None]
    path = np.linalg.lstsq(powers * root, values * root, rcond=None)[0]
    off = _tamed(values - powers @ path, weights)
    free = len(counts) / max(len(counts) - degree - 1, 1)
    covariance = (off * weights[:, None]).T @ off * free
    split = [one.scatter for one in of if one.scatter is not None]
    scatter = np.mean(split, 0) if split else np.zeros_like(covariance)
    area = 1 / float(weights @ np.array([1 / one.area for one in of]))
    return _Cloud(path, covariance, scatter, area, len(counts))


def _upper(distances: np.ndarray, groups: np.ndarray, width: float) -> float:
    """The median of distances and so many upper half spreads above it, of their logarithms.

    Each sheet counts the same, and a few odd ones, which training may well hold, don't move it far.

    Args:
        distances: of each picture.
        groups: the number of its sheet.
        width: in standard deviations of a normal distribution.
    """
    _, own, counts = np.unique(groups, return_inverse=True, return_counts=True)
    middle, upper = _quantiles([0.5, _UPPER], np.log(np.maximum(distances, _LEAST)), 1 / counts[own])
    return math.exp(middle + width * (upper - middle))


def _width(groups: int) -> float:
    """That of a prediction interval for the picture of a new sheet, from so many sheets."""
    return float(special.stdtrit(groups - 1, 1 - _ALARMS)) * math.sqrt(1 + 1 / groups)


@dataclasses.dataclass(frozen=True, eq=False)
class ReferenceStatistics:
    """Statistics of the pictures that a model was trained on.

    Attributes:
        cloud: where their image features lie.
        limits: of the distance, by set of features.
        limit: of the largest of the distances, each as a multiple of its own limit.
        pictures: how many there are.
    """

    cloud: _Cloud
    limits: dict[str, float]
    limit: float
    pictures: int

    @classmethod
    def of(
        cls, pictures: Sequence[ImageFeatures], labels: Sequence[int], groups: Sequence[int]
    ) -> ReferenceStatistics | None:
        """The statistics of some pictures; None where there are too few sheets to predict another one.

        Every limit comes from the distances of pictures from those of all other sheets.

        Args:
            pictures: image features of each.
            labels: rank of its t.
            groups: number of its sheet, or of the picture itself where sheets are unknown, see `bootstrap.groups_of`.
        """
        own, rank = np.asarray(groups), np.asarray(labels, np.float64)
        if len(np.unique(own)) < MIN_GROUPS:
            return None
        u = rank / max(rank.max(), 1)
        distances: list[dict[str, float]] = [{}] * len(own)
        for group in np.unique(own):
            rest = own != group
            cloud = _cloud([one for one, other in zip(pictures, rest, strict=True) if other], u[rest], own[rest])
            for k in np.flatnonzero(~rest).tolist():
                distances[k] = cloud.distances(pictures[k].values, pictures[k].area)
        # Nearer than one standard deviation nothing is out of distribution.
        limits = {name: max(1.0, _upper(np.array([one[name] for one in distances]), own, _FAR)) for name in _COLUMNS}
        largest = np.array([max(one[name] / limits[name] for name in _JUDGED) for one in distances])
        return cls(_cloud(pictures, u, own), limits, _upper(largest, own, _width(len(np.unique(own)))), len(own))

    def score(self, picture: ImageFeatures) -> OodScore:
        """How far another picture is from those."""
        distances = self.cloud.distances(picture.values, picture.area)
        shares = {name: distances[name] / self.limits[name] / self.limit for name in distances}
        distance = max(shares[name] for name in _JUDGED)
        farthest = max(_JUDGED, key=lambda name: shares[name])
        group = max(_SETS[farthest], key=lambda name: shares[name])
        if distance <= 1:
            return OodScore(distance, group, "")
        columns = _COLUMNS[group]
        off = picture.values - self.cloud.places()
        sd = np.sqrt(np.diag(self.cloud.covariance) + _FLOOR**2)
        nearest = np.argmin(np.square(off[:, columns] / sd[columns]).sum(1))
        return OodScore(distance, group, difference_text(group, picture.values[columns], (off[nearest] / sd)[columns]))

    def described(self) -> list[tuple[str, str]]:
        """(name, value) of what a reader may want to know of those pictures.

        Ranges go along t, and two standard deviations of pictures of new sheets to either side.
        """
        whose = f"of {self.cloud.groups} sheets" if self.cloud.groups < self.pictures else "whose sheets are unknown"
        sd = _FAR * np.sqrt(np.diag(self.cloud.covariance))
        lowest, highest = self.cloud.places().min(0) - sd, self.cloud.places().max(0) + sd
        names = [name for group in GROUPS.values() for name in group]
        ranges = {name: (lowest[k], highest[k]) for k, name in enumerate(names)}
        return [("pictures", f"{self.pictures} {whose}"), *range_texts(ranges)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a run's file and an export's metadata."""
        cloud = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in vars(self.cloud).items()}
        return {"features": _named(), "pictures": self.pictures, "limit": self.limit, "limits": self.limits} | cloud

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ReferenceStatistics:
        """The inverse of `to_dict`.

        Raises:
            RunError: if a value is missing, or the features are those of another version.
        """
        try:
            if values["features"] != _named():
                raise ValueError("features of another version")
            path, covariance, scatter = (np.array(values[name], float) for name in ("path", "covariance", "scatter"))
            cloud = _Cloud(path, covariance, scatter, float(values["area"]), int(values["groups"]))
            limits = {name: float(values["limits"][name]) for name in _COLUMNS}
            return cls(cloud, limits, float(values["limit"]), int(values["pictures"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"reference statistics must be as they were written. Received: {error}") from None


def _named() -> dict[str, list[str]]:
    return {group: list(names) for group, names in GROUPS.items()}
