"""The bytes that the tensors of a training step fill, from the description of the network, without TensorFlow.

A tensor lives from the operation that makes it to the last that reads it. What operations read and make was read off
TensorFlow's own log of allocations (``TF_CPP_VMODULE=bfc_allocator=5``).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TypeAlias

from copper_tf.config import Config
from copper_tf.models import network as net
from copper_tf.models.architecture import network_of
from copper_tf.models.network import Layer
from copper_tf.models.picture_sizes import padded_size, recomputes_border

__all__ = ["step_memory"]

# Bytes of a float32.
_FLOAT = 4
# Copies of a kernel that its gradient and the update by Adam need for a moment.
_UPDATE = 4


@dataclasses.dataclass
class _Tensor:
    """Its bytes, and the first and last operation that need it."""

    size: int
    first: int
    last: int


# An operation of a gradient: the tensors that it reads beside the gradient, and the sizes of those that it makes, of
# which the first is the new gradient; where it makes none it works in place.
_Operation: TypeAlias = tuple[Sequence[_Tensor], Sequence[int]]


def step_memory(config: Config, labels: int, policy: str) -> tuple[int, int, int]:
    """What a training step needs.

    Args:
        config: the run's config.
        labels: number K of labels.
        policy: Keras dtype policy, resolved (never ``"auto"``).

    Returns:
        Bytes of all tensors that live at the fullest moment, weights and what Adam keeps of them included; bytes of
        the largest; and how many convolutions recompute the border of their map.
    """
    step = _Step(config, policy)
    changes = [0] * (step.now + 2)
    for tensor in step.tensors:
        changes[tensor.first] += tensor.size
        changes[tensor.last + 1] -= tensor.size
    # Adam has two slots for each weight, and a step in halves a cast of it.
    weights = network_of(config, labels).parameters * (3 * _FLOAT + (0 if policy == "float32" else 2))
    return max(itertools.accumulate(changes)) + weights, max(tensor.size for tensor in step.tensors), step.recomputed


class _Step:
    """Runs a network forwards, then backwards: `tensors` are all that were made, in operations up to `now`."""

    def __init__(self, config: Config, policy: str) -> None:
        self.tensors: list[_Tensor] = []
        self.now = self.recomputed = 0
        self._batch_size = config.training.batch_size
        self._side = padded_size(config.data.crop + 2 * config.data.margin, config.model.d)
        self._full, self._as_integers = policy == "float32", policy == "mixed_bfloat16"
        self._bytes = _FLOAT if self._full else 2
        network = network_of(config)
        values: dict[Layer, _Tensor] = {}
        backward: list[tuple[Layer, Sequence[_Operation]]] = []
        # Vectors of a picture are too small to count.
        for layer in (layer for layer in network.layers if not layer.is_vector):
            values[layer], operations = self._forward(layer, [values[read] for read in layer.inputs])
            backward.append((layer, operations))
        last = values[network.last_map]
        gradients = {network.last_map: self._run([last], last.size)[0]}
        for layer, operations in reversed(backward):
            gradient = gradients.pop(layer)
            for reads, sizes in operations:
                gradient = (self._run([gradient, *reads], *sizes) or [gradient])[0]
            for read in layer.inputs:
                # A second gradient is added to the first, in the place of the second.
                if read in gradients:
                    self._run([gradients[read]])
                gradients[read] = gradient

    def _run(self, reads: Sequence[_Tensor], *sizes: int) -> list[_Tensor]:
        """An operation: the tensors that it makes, of so many bytes each."""
        self.now += 1
        for tensor in reads:
            tensor.last = self.now
        made = [_Tensor(size, self.now, self.now) for size in sizes]
        self.tensors += made
        return made

    def _numbers(self, layer: Layer, padding: int = 0) -> int:
        """Numbers in the map of a layer, padded or not."""
        return self._batch_size * ((self._side >> layer.level) + padding) ** 2 * layer.channels

    def _forward(self, layer: Layer, inputs: list[_Tensor]) -> tuple[_Tensor, Sequence[_Operation]]:
        """The output of a layer, and the operations of its gradient."""
        size = self._numbers(layer) * self._bytes
        match layer:
            case net.Conv3x3():
                # The gradient reads the input, or the padded copy where the border isn't recomputed.
                read, side = inputs, self._side >> layer.level
                if layer.padding == "reflect" and not recomputes_border(side, side, layer.inputs[0].channels):
                    read = self._run(inputs, self._numbers(layer.inputs[0], padding=2) * self._bytes)
                elif layer.padding == "reflect":
                    self.recomputed += 1
                (y,) = self._run(read, size)
                return y, [(read, [inputs[0].size, *[_FLOAT * layer.parameters] * _UPDATE])]
            case net.BatchNormReLU():
                # oneDNN keeps a bit a number, or a byte where it has no fast kernel; TensorFlow takes them for floats.
                share = 8 if layer.channels % (8 if self._full else 16) == 0 else 1
                y, kept = self._run(inputs, size, self._numbers(layer) * _FLOAT // share)
                # The ReLU's gradient, in place but for `models.fused_batch_norm`.
                relu = [y], [size] if self._as_integers else []
                return y, [relu, ([*inputs, kept], [size])]
            case net.Add():
                # In the place of its first input, where nothing else reads that.
                return self._run(inputs[1:], size)[0], []
            case net.MaxPool():
                # On a processor it keeps which pixel won: a byte a number.
                y, winners = self._run(inputs, size, self._numbers(layer))
                return y, [([*inputs, y, winners], [inputs[0].size])]
            case net.BilinearUpsample():
                return self._run(inputs, size)[0], [([], [inputs[0].size])]
            case net.Conv1x1(float32=True) if not self._full:
                cast = self._numbers(layer.inputs[0]) * _FLOAT
                x = self._run(inputs, cast)
                return self._run(x, 2 * size)[0], [([], [cast]), (x, [inputs[0].size])]
        # Of any other layer the gradient may read inputs and output.
        (y,) = self._run(inputs, size)
        return y, [([*inputs, y], [x.size]) for x in inputs[:1]]
