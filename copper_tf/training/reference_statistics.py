"""After training: statistics of the pictures, so that pictures unlike them are noticed in use."""

from __future__ import annotations

from collections.abc import Sequence

from copper_tf.data.pipeline import Pictures
from copper_tf.ood.features import image_features
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.statistics.scores import groups_of
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress

__all__ = ["reference_statistics_of"]


def reference_statistics_of(splits: Sequence[Pictures], progress: Progress | None = None) -> ReferenceStatistics | None:
    """The statistics of the pictures of some splits; None where too few of them, or of their sheets, can be used.

    Args:
        splits: decoded, with the sheets of their pictures.
        progress: called with (done, total, what).
    """
    rows, total = [], sum(len(split.arrays) for split in splits)
    for split in splits:
        columns = split.arrays, split.bit_depths.tolist(), split.labels.tolist(), split.sheets, split.files
        for pixels, depth, *known in zip(*columns, strict=True):
            found = image_features(Windows.of(pixels, depth))
            # Too small a picture has none, and can't be compared when it is predicted either.
            if found is not None:
                rows.append((found, *known))
            if progress:
                progress(len(rows), total, "taking the measure of the pictures")
    if not rows:
        return None
    measured, labels, sheets, files = zip(*rows, strict=True)
    return ReferenceStatistics.of(measured, labels, groups_of(sheets, files)[0].tolist())
