"""One training step of a network as tensors that come and go, in the order in which TensorFlow runs it.

The forward pass visits the layers of the network's description. Every layer leaves its gradient on a stack, which holds
the tensors that the gradient needs; the backward pass takes the gradients from the stack. What an operation allocates
was read off TensorFlow's own log of allocations (``TF_CPP_VMODULE=bfc_allocator=5``): the padded copy of a convolution
that doesn't recompute its border, the working memory of the fused batch normalisation and of pooling, the scratch copy
of `MirrorPadGrad`, the pieces of the upsampling. ReLU, its gradient (but in bfloat16 on a processor, see
`models.fused_batch_norm`), sums of gradients and the sigmoid work in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

from copper_tf.config import Config
from copper_tf.models import network as net
from copper_tf.models.architecture import network_of
from copper_tf.models.network import Layer
from copper_tf.models.picture_sizes import padded_size, recomputes_border

__all__ = ["ACTIVATIONS", "GRADIENTS", "WORKSPACE", "Event", "crop_side", "pads_copy", "step_trace"]

ACTIVATIONS, GRADIENTS, WORKSPACE = "activations", "gradients", "workspace"
_FLOAT = 4
# Copies as large as a kernel that an update by Adam has at once, beside the gradient.
_UPDATE = 3


@dataclasses.dataclass(eq=False)
class _Tensor:
    """A buffer: its number, its size in bytes, what it is for, and how many will still read it."""

    number: int
    size: int
    sort: str
    readers: int = 1


@dataclasses.dataclass(frozen=True)
class Event:
    """The buffer `number` of `size` bytes comes (`allocated`) or goes."""

    allocated: bool
    number: int
    size: int
    sort: str


_Gradient: TypeAlias = Callable[[_Tensor], "_Tensor | None"]


def crop_side(config: Config) -> int:
    """Side in px of a training crop with its context, on the grid of the network."""
    return padded_size(config.data.crop + 2 * config.data.margin, config.model.d)


def pads_copy(layer: net.Conv3x3, side: int) -> bool:
    """Whether a convolution in a network for pictures of `side` px reads a padded copy of its map."""
    side, channels = side >> layer.level, layer.inputs[0].channels
    return layer.padding == "reflect" and not recomputes_border(side, side, channels)


def step_trace(config: Config, policy: str) -> list[Event]:
    """The events of one training step.

    Args:
        config: the run's config.
        policy: Keras dtype policy, resolved (never ``"auto"``).
    """
    return _StepTrace(config, policy).events


class _StepTrace:
    """Runs a network forwards, then backwards; a buffer goes as soon as nothing will read it any more.

    Args:
        config: the run's config.
        policy: Keras dtype policy, resolved.

    Attributes:
        events: what comes and goes, in order.
    """

    def __init__(self, config: Config, policy: str) -> None:
        self.events: list[Event] = []
        self._data, self._batch_size, self._side = config.data, config.training.batch_size, crop_side(config)
        self._full, self._as_integers = policy == "float32", policy == "mixed_bfloat16"
        self._bytes = _FLOAT if self._full else 2
        self._stack: list[tuple[Layer, _Gradient]] = []
        network = network_of(config)
        values: dict[Layer, _Tensor] = {}
        # Vectors of a picture are too small to count.
        for layer in (layer for layer in network.layers if not layer.is_vector):
            values[layer] = self._forward(layer, [values[read] for read in layer.inputs])
            values[layer].readers += max(len(network.readers(layer)), 1) - 1
        self._backward(network.last_map, self._loss(network, values[network.last_map]))

    def _new(self, size: int, sort: str) -> _Tensor:
        """A buffer of `size` bytes, to be read once."""
        tensor = _Tensor(len(self.events), size, sort)
        self.events.append(Event(True, tensor.number, size, sort))
        return tensor

    def _drop(self, *tensors: _Tensor) -> None:
        """One reader of each less."""
        for tensor in tensors:
            tensor.readers -= 1
            if not tensor.readers:
                self.events.append(Event(False, tensor.number, tensor.size, tensor.sort))

    def _numbers(self, layer: Layer, padding: int = 0) -> int:
        """Numbers in the map of a layer, padded or not."""
        return self._batch_size * ((self._side >> layer.level) + padding) ** 2 * layer.channels

    def _loss(self, network: net.Network, output: _Tensor) -> _Tensor:
        """The gradient of the last map, which is read no more."""
        if network.output.is_vector:
            self._drop(output)
            return self._new(output.size, GRADIENTS)
        # The mean is over the part that counts.
        inner = self._new(self._batch_size * self._data.crop**2 * _FLOAT, GRADIENTS)
        gradient = self._new(output.size, GRADIENTS)
        self._drop(inner, output)
        return gradient

    def _backward(self, last: Layer, gradient: _Tensor) -> None:
        """All gradients, from that of the last map back to the picture."""
        gradients = {last: gradient}
        for layer, backward in reversed(self._stack):
            passed = backward(gradients.pop(layer))
            for read in layer.inputs if passed else ():
                # A second gradient is added to the first, in the place of the second.
                if read in gradients:
                    self._drop(gradients[read])
                gradients[read] = passed  # type: ignore[assignment]

    def _forward(self, layer: Layer, inputs: list[_Tensor]) -> _Tensor:
        """The output of a layer; each input is read once, here or by the gradient."""
        match layer:
            case net.Input():
                return self._new(self._numbers(layer) * self._bytes, ACTIVATIONS)
            case net.Conv3x3():
                return self._conv3x3(layer, *inputs)
            case net.BatchNormReLU():
                return self._batch_norm_relu(layer, *inputs)
            case net.Add():
                return self._add(layer, inputs)
            case net.MaxPool():
                return self._max_pool(layer, *inputs)
            case net.BilinearUpsample():
                return self._upsample(layer, *inputs)
            case net.Conv1x1(float32=True) | net.Activation():
                return self._float32(layer, *inputs)
        return self._any(layer, inputs)

    def _any(self, layer: Layer, inputs: list[_Tensor]) -> _Tensor:
        """A layer of which nothing is known: its gradient reads inputs and output."""
        y = self._new(self._numbers(layer) * self._bytes, ACTIVATIONS)
        y.readers += 1

        def backward(g: _Tensor) -> _Tensor:
            dx = self._new(inputs[0].size, GRADIENTS)
            dx.readers += len(inputs) - 1
            self._drop(g, *inputs, y)
            return dx

        self._stack.append((layer, backward))
        return y

    def _conv3x3(self, layer: net.Conv3x3, x: _Tensor) -> _Tensor:
        """A 3x3 convolution, whose gradient reads its input or the padded copy of that."""
        kernel, size, pads = _FLOAT * layer.parameters, x.size, pads_copy(layer, self._side)
        padded = self._numbers(layer.inputs[0], padding=2) * self._bytes
        cast = [] if self._full else [self._new(kernel // 2, WORKSPACE)]
        read = x
        if pads:
            read = self._new(padded, ACTIVATIONS)
            self._drop(x)
        is_first = isinstance(layer.inputs[0], net.Input)

        def backward(g: _Tensor) -> _Tensor | None:
            dx = None if is_first else self._new(padded if pads else size, GRADIENTS)
            self._update(kernel)
            self._drop(read, g, *cast)
            if dx is None or not pads:
                return dx
            scratch, cut = self._new(padded, WORKSPACE), self._new(size, GRADIENTS)
            self._drop(scratch, dx)
            return cut

        self._stack.append((layer, backward))
        return self._new(self._numbers(layer) * self._bytes, ACTIVATIONS)

    def _update(self, kernel: int) -> None:
        """The gradient of a kernel, and Adam's step with it, which TensorFlow takes at once."""
        half = [] if self._full else [self._new(kernel // 2, GRADIENTS)]
        gradient = self._new(kernel, GRADIENTS)
        self._drop(*half)
        copies = [self._new(kernel, WORKSPACE) for _ in range(_UPDATE)]
        self._drop(gradient, *copies)

    def _batch_norm_relu(self, layer: Layer, x: _Tensor) -> _Tensor:
        """Its gradient reads input and output, and what the kernel of the forward pass has kept.

        oneDNN keeps a bit a number, or a byte where it has no fast kernel. TensorFlow takes them for floats and
        allocates fourfold. A quarter is written, but after some steps other tensors have been in the rest.
        """
        has_fast_kernel = layer.channels % (8 if self._full else 16) == 0
        kept = self._new(self._numbers(layer) * _FLOAT // (8 if has_fast_kernel else 1), ACTIVATIONS)
        y = self._new(x.size, ACTIVATIONS)
        y.readers += 1

        def backward(g: _Tensor) -> _Tensor:
            if self._as_integers:
                passed = self._new(x.size, GRADIENTS)
                self._drop(g)
                g = passed
            self._drop(y)
            dx = self._new(x.size, GRADIENTS)
            self._drop(g, x, kept)
            return dx

        self._stack.append((layer, backward))
        return y

    def _add(self, layer: Layer, inputs: list[_Tensor]) -> _Tensor:
        """The sum takes the place of its first input where nothing else reads that."""
        total, *others = inputs
        if total.readers > 1:
            others.insert(0, total)
            total = self._new(total.size, ACTIVATIONS)
        self._drop(*others)

        def backward(g: _Tensor) -> _Tensor:
            g.readers += len(inputs) - 1
            return g

        self._stack.append((layer, backward))
        return total

    def _max_pool(self, layer: Layer, x: _Tensor) -> _Tensor:
        """Its gradient reads both maps and, on a processor, which pixel won: a byte a number."""
        y = self._new(self._numbers(layer) * self._bytes, ACTIVATIONS)
        winners = self._new(self._numbers(layer), ACTIVATIONS)
        y.readers += 1

        def backward(g: _Tensor) -> _Tensor:
            dx = self._new(x.size, GRADIENTS)
            self._drop(g, x, y, winners)
            return dx

        self._stack.append((layer, backward))
        return y

    def _upsample(self, layer: Layer, x: _Tensor) -> _Tensor:
        """Bilinear x2 along one axis after the other; nothing is kept for the gradient."""
        sizes = x.size, 2 * x.size
        for size in sizes:
            near, most, rest = (self._new(size, WORKSPACE) for _ in range(3))
            self._drop(x)
            before, after = (self._new(size, WORKSPACE) for _ in range(2))
            self._drop(most, rest, near)
            x = self._new(2 * size, ACTIVATIONS)
            self._drop(before, after)

        def backward(g: _Tensor) -> _Tensor:
            for size in reversed(sizes):
                first, second = (self._new(size, GRADIENTS) for _ in range(2))
                self._drop(g)
                pieces = [self._new(size, WORKSPACE) for _ in range(4)]
                g = self._new(size, GRADIENTS)
                self._drop(*pieces, first)
                other = self._new(size, GRADIENTS)
                self._drop(second, other)
            return g

        self._stack.append((layer, backward))
        return x

    def _float32(self, layer: Layer, x: _Tensor) -> _Tensor:
        """A layer that computes in float32 under every policy: a 1x1 convolution, or an activation in place."""
        size, cast = self._numbers(layer.inputs[0]) * _FLOAT, x.size < self._numbers(layer.inputs[0]) * _FLOAT
        if cast:
            read = self._new(size, ACTIVATIONS)
            self._drop(x)
            x = read
        in_place = isinstance(layer, net.Activation)
        y = x if in_place else self._new(self._numbers(layer) * _FLOAT, ACTIVATIONS)

        def backward(g: _Tensor) -> _Tensor:
            dx = g if in_place else self._new(size, GRADIENTS)
            if cast:
                half = self._new(size // 2, GRADIENTS)
                self._drop(dx)
                dx = half
            if not in_place:
                self._drop(g, x)
            return dx

        self._stack.append((layer, backward))
        return y
