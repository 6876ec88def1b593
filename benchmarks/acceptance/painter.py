"""The control that no trust test may pass: a net that recognises t from the whole picture, then paints a map of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.decoders import register_decoder
from copper_tf.models.network import Layer

__all__ = ["PAINTER", "painter_decoder"]

PAINTER = "painter"
# Side in cells of the bottom map of what the painted pattern is blurred over: 2^d times as many px.
_BLUR = 15


def _global_average(policy: Any, name: str) -> keras.layers.Layer:
    return keras.layers.GlobalAveragePooling2D(keepdims=True, dtype=policy, name=name)


def _blur(policy: Any, name: str) -> keras.layers.Layer:
    return keras.layers.AveragePooling2D(_BLUR, 1, padding="same", dtype=policy, name=name)


def _subtract(policy: Any, name: str) -> keras.layers.Layer:
    return keras.layers.Subtract(dtype=policy, name=name)


def _tanh(policy: Any, name: str) -> keras.layers.Layer:
    return keras.layers.Activation("tanh", dtype=policy, name=name)


@register_decoder(PAINTER)
def painter_decoder(network: NetworkBuilder, x: Layer, skips: Sequence[Layer]) -> Layer:
    """Classify, then paint: the average over the whole picture decides, and a pattern of zero mean decorates it.

    Args:
        network: what layers are added to.
        x: the bottom map ``(batch, height / 2^d, width / 2^d, c)``.
        skips: maps of the way down; only their number, d, is used.

    Returns:
        The top map ``(batch, height, width, c)``.
    """
    decided = network.custom([x], "painter_average", _global_average, radius=math.inf)
    for step in range(2):
        decided = network.conv1x1(decided, 2 * network.c, f"painter_decide{step}", activation="relu")
    decided = network.conv1x1(decided, network.c, "painter_decision")
    blurred = network.custom([x], "painter_blur", _blur, radius=_BLUR // 2)
    average = network.custom([blurred], "painter_blur_average", _global_average, radius=math.inf)
    pattern = network.custom([blurred, average], "painter_relief", _subtract)
    # Bounded, so that the decoration can't grow into areas.
    pattern = network.custom([pattern], "painter_pattern", _tanh)
    top = network.add([pattern, decided], "painter_paint")
    for level in reversed(range(len(skips))):
        top = network.upsample(top, f"up{level}_bilinear")
    return top
