"""Whether a model's result for a picture can be trusted at all: is the picture like those that it was trained on?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from copper_tf.ood.features import SIDE, image_features
from copper_tf.ood.reference import ReferenceStatistics
from tfds_copper.micrograph import Windows

__all__ = ["OodCheck", "check_ood", "pixel_size_differs", "pixel_size_range", "pixel_size_text"]

# Warnings in one word, beside the groups of image features.
PIXEL_SIZE, NOT_COMPARED = "pixel-size", "not-compared"
# Pixel sizes that differ by no more than this share count as equal.
_SAME_SCALE = 0.05


def pixel_size_range(pixel_sizes_nm: Mapping[str, int]) -> tuple[float, float] | None:
    """The smallest and the largest pixel size in nm of a model's data; None where some are unknown.

    Args:
        pixel_sizes_nm: see `inference.predictor.Predictor.pixel_sizes_nm`.
    """
    known = [float(size) for size in pixel_sizes_nm if math.isfinite(float(size))]
    return (min(known), max(known)) if known and len(known) == len(pixel_sizes_nm) else None


def pixel_size_differs(pixel_size_nm: float, trained: tuple[float, float] | None) -> bool:
    """Whether a picture is known to have another pixel size than a model's data, so that its result means nothing.

    Args:
        pixel_size_nm: of the picture; NaN where unknown.
        trained: range of the model's data, from `pixel_size_range`.
    """
    if trained is None or not math.isfinite(pixel_size_nm):
        return False
    return not trained[0] * (1 - _SAME_SCALE) <= pixel_size_nm <= trained[1] * (1 + _SAME_SCALE)


def pixel_size_text(trained: tuple[float, float]) -> str:
    """A range of `pixel_size_range` as text, e.g. ``"4.5 nm"`` or ``"4.5 to 9 nm"``."""
    low, high = (f"{size:g}" for size in trained)
    return f"{low} nm" if low == high else f"{low} to {high} nm"


@dataclasses.dataclass(frozen=True)
class OodCheck:
    """In what a picture is out of distribution.

    Attributes:
        reasons: in what it differs from the pictures of training; empty where it is like them.
        not_checked: why it could not be compared with them; empty where it was.
        pixel_size_differs: whether the first of the reasons is its pixel size.
    """

    reasons: tuple[str, ...]
    not_checked: str = ""
    pixel_size_differs: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        """The same in one word each: ``pixel-size``, the group of image features, or ``not-compared``."""
        groups = [reason.split(": ")[0].replace(" ", "-") for reason in self.reasons[self.pixel_size_differs :]]
        size = [PIXEL_SIZE] * self.pixel_size_differs
        return (*size, *groups, *([NOT_COMPARED] if self.not_checked else []))

    @property
    def text(self) -> str:
        """All of it as one cell of a table; empty where there is nothing to report."""
        return "; ".join(filter(None, (*self.reasons, self.not_checked)))

    def __str__(self) -> str:
        return self.text


def check_ood(
    picture: Windows,
    pixel_size_nm: float,
    reference: ReferenceStatistics | None,
    trained: tuple[float, float] | None,
) -> OodCheck:
    """Compares a picture with those that a model was trained on.

    Args:
        picture: a micrograph without information bar.
        pixel_size_nm: NaN where unknown.
        reference: statistics of the training pictures; None where the model has none.
        trained: range of their pixel sizes, from `pixel_size_range`.
    """
    differs = trained is not None and pixel_size_differs(pixel_size_nm, trained)
    reasons = [f"pixel size {pixel_size_nm:g} nm, trained on {pixel_size_text(trained)}"] if trained and differs else []
    if reference is None:
        return OodCheck(tuple(reasons), "not compared: the model keeps no statistics of its pictures", differs)
    features = image_features(picture)
    if features is None:
        return OodCheck(tuple(reasons), f"not compared: smaller than {SIDE}x{SIDE} px", differs)
    reasons += filter(None, [reference.score(features).reason])
    return OodCheck(tuple(reasons), "", differs)
