"""How a network is described: layer by layer. Heads and decoders, our own and those of plug-ins, add theirs here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from copper_tf.models.network import (
    Add,
    BatchNormReLU,
    BilinearUpsample,
    Conv1x1,
    Conv3x3,
    CustomLayer,
    Dense,
    Input,
    Layer,
    MaxPool,
)

if TYPE_CHECKING:
    import keras

__all__ = ["NetworkBuilder"]


class NetworkBuilder:
    """Adds layers to a network, one after the other.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages.
        padding: ``"reflect"`` or ``"zero"``.
    """

    def __init__(self, n: int, N: int, c: int, d: int, padding: str = "reflect") -> None:
        self.n, self.N, self.c, self.d, self.padding = n, N, c, d, padding
        self.layers: list[Layer] = []
        self.group = ""

    def add_layer(self, layer: Layer) -> Layer:
        """Appends a layer, as part of the group that is being built, and returns it."""
        layer = dataclasses.replace(layer, group=self.group)
        self.layers.append(layer)
        return layer

    def input(self) -> Layer:
        """The micrograph."""
        return self.add_layer(Input("picture", (), 0, 1))

    def conv3x3(self, x: Layer, name: str) -> Layer:
        """A 3x3 convolution to c channels."""
        return self.add_layer(Conv3x3(name, (x,), x.level, self.c, padding=self.padding))

    def conv1x1(self, x: Layer, channels: int, name: str, activation: str | None = None) -> Layer:
        """A 1x1 convolution."""
        return self.add_layer(Conv1x1(name, (x,), x.level, channels, activation=activation))

    def unit(self, x: Layer, name: str) -> Layer:
        """3x3 convolution, batch normalisation, ReLU."""
        x = self.conv3x3(x, f"{name}_conv")
        return self.add_layer(BatchNormReLU(f"{name}_norm", (x,), x.level, x.channels))

    def stage(self, x: Layer, name: str) -> Layer:
        """N residual blocks y = x + f(x), f being n units and nothing following the sum (paper, section 3.2)."""
        for block in range(1, self.N + 1):
            y = x
            for repeat in range(1, self.n + 1):
                y = self.unit(y, f"{name}_block{block}_{repeat}")
            x = self.add([x, y], f"{name}_block{block}_sum")
        return x

    def add(self, inputs: Sequence[Layer], name: str) -> Layer:
        """The sum of maps; one of a single pixel is added everywhere."""
        return self.add_layer(Add(name, tuple(inputs), inputs[0].level, inputs[0].channels))

    def max_pool(self, x: Layer, name: str) -> Layer:
        """A 2x2 max pool."""
        return self.add_layer(MaxPool(name, (x,), x.level + 1, x.channels))

    def upsample(self, x: Layer, name: str) -> Layer:
        """Bilinear x2."""
        return self.add_layer(BilinearUpsample(name, (x,), x.level - 1, x.channels))

    def dense(
        self, x: Layer, units: int, name: str, *, use_bias: bool = True, activation: str | None = None
    ) -> Layer:  # fmt: skip
        """A linear layer on the features of a picture."""
        return self.add_layer(
            Dense(name, (x,), x.level, units, is_vector=True, use_bias=use_bias, activation=activation)
        )

    def custom(
        self, inputs: Sequence[Layer], name: str, make: Callable[[str | keras.DTypePolicy, str], keras.layers.Layer],
        *, channels: int | None = None, radius: float = 0, weights: int = 0,
    ) -> Layer:  # fmt: skip
        """A Keras layer of one's own; on maps it must commute with flips and quarter turns.

        Args:
            inputs: what it reads.
            name: of the layer.
            make: returns the Keras layer for a dtype policy and a name.
            channels: of its output; as many as its first input by default.
            radius: how many input pixels around its own an output pixel sees, `math.inf` for the whole picture.
            weights: number of its weights.
        """
        x = inputs[0]
        wide = x.channels if channels is None else channels
        return self.add_layer(CustomLayer(name, tuple(inputs), x.level, wide, "", x.is_vector, make, radius, weights))
