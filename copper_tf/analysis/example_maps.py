"""Patches of a few test micrographs with their maps and true masks, kept for figures."""

from __future__ import annotations

import numpy as np

from copper_tf.data.pictures import Example

__all__ = ["EXAMPLES", "ExampleMaps"]

# Its file in scores/.
EXAMPLES = "examples.npz"
# The side in px of the patches, and the number of labels that they are taken from.
_PATCH = 256
_LABELS = 4


class ExampleMaps:
    """Keeps the middle of the first picture of a few labels, evenly spread.

    Args:
        labels: number K of labels.

    Attributes:
        arrays: what is kept, as the arrays of an ``.npz`` file.
    """

    def __init__(self, labels: int) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self._labels = {int(k) for k in np.linspace(0, labels - 1, min(labels, _LABELS)).round()}

    def offer(self, example: Example, potency: np.ndarray) -> None:
        """Keeps the middle of a picture if its label is still wanted.

        Args:
            example: the picture.
            potency: its map ``(height, width)``.
        """
        if example.label not in self._labels:
            return
        self._labels.discard(example.label)
        height, width = (min(_PATCH, s) for s in potency.shape)
        top, left = ((s - p) // 2 for s, p in zip(potency.shape, (height, width), strict=True))
        patch = slice(top, top + height), slice(left, left + width)
        key = f"{example.label:03d}"
        self.arrays[f"{key}_pixels"] = example.pixels[patch]
        self.arrays[f"{key}_map"] = potency[patch]
        self.arrays[f"{key}_pixel_size_nm"] = np.array(example.pixel_size_nm)
        self.arrays[f"{key}_file"] = np.array(example.file)
        if example.truth is not None:
            self.arrays[f"{key}_truth"] = example.truth[patch]
