"""What classifier and segmenter share: the residual block, the stage, and the way down."""

from __future__ import annotations

from typing import TypeAlias

import keras

from copper_tf.models.layers import Convolution, FusedBatchNorm

__all__ = ["descend", "picture_input", "stage", "unit"]

Policy: TypeAlias = keras.dtype_policies.DTypePolicy


def picture_input() -> keras.KerasTensor:
    """Normalised grey micrographs of any size, ``(batch, height, width, 1)``; sides are multiples of 2^d."""
    return keras.Input((None, None, 1), name="picture")


def unit(x: keras.KerasTensor, c: int, padding: str, policy: Policy, name: str) -> keras.KerasTensor:
    """3x3 convolution, batch normalisation, ReLU."""
    x = Convolution(c, padding, dtype=policy, name=f"{name}_conv")(x)
    return FusedBatchNorm(relu=True, dtype=policy, name=f"{name}_norm")(x)


def stage(x: keras.KerasTensor, n: int, N: int, c: int, padding: str, policy: Policy, name: str) -> keras.KerasTensor:
    """N residual blocks y = x + f(x), f being n units and nothing following the sum (paper, section 3.2)."""
    for block in range(1, N + 1):
        y = x
        for repeat in range(1, n + 1):
            y = unit(y, c, padding, policy, f"{name}_block{block}_{repeat}")
        x = keras.layers.Add(dtype=policy, name=f"{name}_block{block}_sum")([x, y])
    return x


def descend(
    x: keras.KerasTensor, n: int, N: int, c: int, d: int, padding: str, policy: Policy
) -> tuple[keras.KerasTensor, list[keras.KerasTensor]]:
    """The way down of both models: a stem, then d stages each followed by a 2x2 max pool.

    Returns:
        The last map, ``(batch, height / 2^d, width / 2^d, c)``, and each stage's map from before its pool.
    """
    x = unit(x, c, padding, policy, "stem")
    skips = []
    for level in range(d):
        x = stage(x, n, N, c, padding, policy, f"down{level}")
        skips.append(x)
        x = keras.layers.MaxPooling2D(2, dtype=policy, name=f"down{level}_pool")(x)
    return x, skips
