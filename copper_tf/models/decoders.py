"""The decoders of the segmenter: how it gets from its smallest map back to the size of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from copper_tf.config import DECODERS
from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.network import Layer

__all__ = ["Decoder", "register_decoder", "unet_decoder"]

Decoder: TypeAlias = Callable[[NetworkBuilder, Layer, Sequence[Layer]], Layer]


def register_decoder(name: str) -> Callable[[Decoder], Decoder]:
    """Registers a decoder: a function of (builder, last map of the encoder, skips) that returns the top map.

    ``skips[k]`` is the map of level k from before its pool.

    Example:

    >>> from copper_tf.models import register_decoder
    >>> @register_decoder("bilinear")
    ... def bilinear_decoder(network, x, skips):
    ...     for level in reversed(range(len(skips))):
    ...         x = network.upsample(x, f"up{level}_bilinear")
    ...     return x
    """

    def register(decoder: Decoder) -> Decoder:
        DECODERS[name] = decoder
        return decoder

    return register


def unet_decoder(network: NetworkBuilder, x: Layer, skips: Sequence[Layer]) -> Layer:
    """The way down in reverse: bilinear x2, **sum** with the map of equal size, N residual blocks."""
    for level in reversed(range(len(skips))):
        network.group = f"up{level}"
        x = network.upsample(x, f"up{level}_bilinear")
        x = network.add([x, skips[level]], f"up{level}_skip")
        x = network.stage(x, f"up{level}")
    return x
