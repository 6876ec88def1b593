"""The control that no trust test may pass: a net that recognises t from the whole picture, then paints a map of it."""

from __future__ import annotations

import keras

from copper_tf.models.blocks import Policy
from copper_tf.models.layers import BilinearUpsampling
from copper_tf.models.segmenter import register_decoder

__all__ = ["PAINTER", "painter_decoder"]

PAINTER = "painter"
# Side in cells of the bottom map of what the painted pattern is blurred over: 2^d times as many px.
_BLUR = 15


@register_decoder(PAINTER)
def painter_decoder(
    x: keras.KerasTensor, skips: list[keras.KerasTensor], *, n: int, N: int, c: int, padding: str, policy: Policy
) -> keras.KerasTensor:
    """Classify, then paint: the average over the whole picture decides, and a pattern of zero mean decorates it.

    Args:
        x: the bottom map ``(batch, height / 2^d, width / 2^d, c)``.
        skips: maps of the way down; only their number, d, is used.
        n: not used, there is no way up that convolves.
        N: not used either.
        c: channels.
        padding: not used.
        policy: Keras dtype policy.

    Returns:
        The top map ``(batch, height, width, c)``.
    """
    average = keras.layers.GlobalAveragePooling2D(keepdims=True, dtype=policy, name="painter_average")
    decided = average(x)
    for step in range(2):
        decided = keras.layers.Conv2D(2 * c, 1, activation="relu", dtype=policy, name=f"painter_decide{step}")(decided)
    decided = keras.layers.Conv2D(c, 1, dtype=policy, name="painter_decision")(decided)
    blurred = keras.layers.AveragePooling2D(_BLUR, 1, padding="same", dtype=policy, name="painter_blur")(x)
    pattern = keras.layers.Subtract(dtype=policy, name="painter_relief")([blurred, average(blurred)])
    # Bounded, so that the decoration can't grow into areas.
    pattern = keras.layers.Activation("tanh", dtype=policy, name="painter_pattern")(pattern)
    top = keras.layers.Add(dtype=policy, name="painter_paint")([pattern, decided])
    for level in reversed(range(len(skips))):
        top = BilinearUpsampling(dtype=policy, name=f"up{level}_bilinear")(top)
    return top
