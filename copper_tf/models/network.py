"""The one description of a network, without TensorFlow: which layers it has, what each reads, and what follows from it.

A `Network` is a list of layers, each of which names the layers that it reads. The Keras model (`models.factory`), the
receptive field, the number of weights, the memory of a training step (`tuning.step_memory`), the figure of the report
and the folded export are all derived from it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    import keras

__all__ = [
    "Activation",
    "Add",
    "BatchNormReLU",
    "BilinearUpsample",
    "Conv1x1",
    "Conv3x3",
    "CustomLayer",
    "Dense",
    "GlobalAverage",
    "Input",
    "Layer",
    "MaxPool",
    "Network",
    "Span",
]

# First and last pixel, inclusive, along one axis.
Span: TypeAlias = tuple[float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """A layer, its place in the network, and the shape of what it gives.

    Attributes:
        name: of the Keras layer.
        inputs: the layers that it reads.
        level: its map has 1 / 2^level of the height and width of the picture.
        channels: of its output.
        group: the part of the network that it belongs to, e.g. ``"down0"``.
        is_vector: whether its output has no height and width.
    """

    name: str
    inputs: tuple[Layer, ...]
    level: int
    channels: int
    group: str = ""
    is_vector: bool = False

    text: ClassVar[str] = ""

    @property
    def parameters(self) -> int:
        """Number of weights, moving statistics included."""
        return 0

    def input_span(self, span: Span) -> Span:
        """The input pixels that can change the output pixels of `span`."""
        return span


@dataclasses.dataclass(frozen=True, eq=False)
class Input(Layer):
    """The normalised micrograph, ``(batch, height, width, 1)``."""

    text = "micrograph"


@dataclasses.dataclass(frozen=True, eq=False)
class Conv3x3(Layer):
    """A 3x3 convolution without bias that keeps the size.

    Attributes:
        padding: ``"reflect"`` or ``"zero"``.
    """

    padding: str = "reflect"

    text = "3×3 conv"

    @property
    def parameters(self) -> int:
        """The kernel."""
        return 9 * self.inputs[0].channels * self.channels

    def input_span(self, span: Span) -> Span:
        """One pixel more on each side."""
        return span[0] - 1, span[1] + 1


class BatchNormReLU(Layer):
    """Batch normalisation followed by ReLU."""

    @property
    def parameters(self) -> int:
        """Scale, shift and two moving statistics."""
        return 4 * self.channels


class Add(Layer):
    """The sum of maps of one size: of a residual block, or with a map from the way down."""


class MaxPool(Layer):
    """A 2x2 max pool."""

    text = "2×2 max pool"

    def input_span(self, span: Span) -> Span:
        """Twice as many."""
        return 2 * span[0], 2 * span[1] + 1


class BilinearUpsample(Layer):
    """Bilinear x2 with half-pixel centres."""

    text = "bilinear ×2"

    def input_span(self, span: Span) -> Span:
        """Output 2i mixes inputs i - 1 and i; output 2i + 1 mixes i and i + 1."""
        low, high = span
        return (low // 2 - 1 if low % 2 == 0 else low // 2), (high // 2 if high % 2 == 0 else high // 2 + 1)


class GlobalAverage(Layer):
    """The mean over the picture, in float32: from here on there is one vector a picture."""

    text = "average over the picture"


@dataclasses.dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A linear layer on vectors, in float32.

    Attributes:
        use_bias: whether it adds a bias.
        activation: a Keras activation.
    """

    use_bias: bool = True
    activation: str | None = None

    @property
    def text(self) -> str:  # type: ignore[override]
        """With its activation."""
        return ", ".join(filter(None, ("linear", self.activation)))

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return (self.inputs[0].channels + self.use_bias) * self.channels


@dataclasses.dataclass(frozen=True, eq=False)
class Conv1x1(Layer):
    """A 1x1 convolution with bias.

    Attributes:
        activation: a Keras activation.
        stddev: standard deviation of the first weights; None leaves them to Keras.
        float32: whether it computes in float32 under every dtype policy.
    """

    activation: str | None = None
    stddev: float | None = None
    float32: bool = False

    text = "1×1 conv"

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return (self.inputs[0].channels + 1) * self.channels


@dataclasses.dataclass(frozen=True, eq=False)
class Activation(Layer):
    """A Keras activation in float32.

    Attributes:
        activation: its name.
    """

    activation: str = "linear"

    @property
    def text(self) -> str:  # type: ignore[override]
        """Its name, where it does anything."""
        return "" if self.activation == "linear" else self.activation


@dataclasses.dataclass(frozen=True, eq=False)
class CustomLayer(Layer):
    """Any Keras layer, with what can't be read off it.

    Attributes:
        make: the Keras layer for a dtype policy and a name.
        radius: how many input pixels around its own an output pixel sees; `math.inf` for the whole picture.
        weights: number of its weights.
    """

    make: Callable[[str | keras.DTypePolicy, str], keras.layers.Layer] | None = None
    radius: float = 0
    weights: int = 0

    @property
    def text(self) -> str:  # type: ignore[override]
        """Its name."""
        return self.name

    @property
    def parameters(self) -> int:
        """As declared."""
        return self.weights

    def input_span(self, span: Span) -> Span:
        """As declared; what a look at the whole picture adds is for `Network.is_local`."""
        radius = self.radius if math.isfinite(self.radius) else 0
        return span[0] - radius, span[1] + radius


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A network.

    Attributes:
        name: of the Keras model.
        layers: each after those that it reads; the last is the output.
    """

    name: str
    layers: tuple[Layer, ...]

    @property
    def output(self) -> Layer:
        """The layer whose output is the network's."""
        return self.layers[-1]

    @property
    def last_map(self) -> Layer:
        """The last layer with height and width: the output itself, or what a classifier averages."""
        return [layer for layer in self.layers if not layer.is_vector][-1]

    @property
    def body(self) -> Network:
        """The part up to the last map: all of a segmenter, a classifier without average and head."""
        return Network(self.name, self.layers[: self.layers.index(self.last_map) + 1])

    @property
    def convolutions(self) -> tuple[Conv3x3, ...]:
        """The counted convolutions: D of the paper is their number."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv3x3))

    @property
    def parameters(self) -> int:
        """Number of weights, moving statistics included: Keras' ``count_params``."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def is_local(self) -> bool:
        """Whether an output pixel sees its neighbourhood alone, and not an average over the picture."""
        return not any(isinstance(layer, CustomLayer) and math.isinf(layer.radius) for layer in self.layers)

    def readers(self, layer: Layer) -> tuple[Layer, ...]:
        """The layers that read `layer`."""
        return tuple(reader for reader in self.layers if layer in reader.inputs)

    def input_span(self, pixel: int) -> Span:
        """First and last pixel of the picture, along one axis, that can change pixel `pixel` of the last map."""
        spans: dict[Layer, Span] = {self.last_map: (pixel, pixel)}
        for layer in reversed(self.body.layers):
            for read in layer.inputs if layer in spans else ():
                low, high = layer.input_span(spans[layer])
                known = spans.get(read, (low, high))
                spans[read] = min(low, known[0]), max(high, known[1])
        return spans[self.layers[0]]

    @functools.cached_property
    def _phases(self) -> tuple[tuple[int, int, Span], ...]:
        """First and last picture pixel under each place of the last map's grid, and the pixels that it sees."""
        deepest = max(layer.level for layer in self.layers)
        size = 2**self.last_map.level
        return tuple(
            (size * p, size * p + size - 1, self.input_span(p)) for p in range(2 ** (deepest - self.last_map.level))
        )

    @functools.cached_property
    def receptive_field(self) -> int:
        """Width in px of the square of input pixels that one value of the last map sees, at full resolution.

        Pixels see slightly different widths by their place on the 2^d grid; this is their mean. A network that isn't
        local sees more. What ``Config.normalised_over`` says comes on top: of that, mean and spread are all that
        reaches the network.
        """
        widths = [high - low + 1 for _, _, (low, high) in self._phases]
        return round(sum(widths) / len(widths))

    @functools.cached_property
    def reach(self) -> int:
        """The largest distance in px from a pixel of the last map to an input pixel that it sees.

        What a layer takes from the whole picture doesn't count: no border of context could hold it.
        """
        return int(max(max(first - low, high - last) for first, last, (low, high) in self._phases))
