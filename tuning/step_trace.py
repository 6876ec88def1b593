"""One training step of a configuration as a row of tensors that come and go, in the order that TensorFlow runs it.

The forward pass is walked as `copper_tf.models` builds it. Every layer leaves its gradient on a pile, which holds the
tensors that the gradient needs; the backward pass takes the gradients from the pile. What an operation allocates was
read off TensorFlow's own log of allocations (``TF_CPP_VMODULE=bfc_allocator=5``): the frame of a mirrored convolution
whose borders are not mended, the working memory of the fused batch normalisation and of pooling, the scratch copy of
`MirrorPadGrad`, the pieces of the upsampling. ReLU, its gradient (but in bfloat16 on a processor, see
`models.normalised`), sums of gradients and the sigmoid work in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from copper_tf.config import Config
from copper_tf.models import geometry

__all__ = [
    "ACTIVATIONS",
    "GRADIENTS",
    "WORKSPACE",
    "Event",
    "Tape",
    "Tensor",
    "convolutions",
    "kernels",
    "mended",
    "parameters",
    "step",
]

ACTIVATIONS, GRADIENTS, WORKSPACE = "activations", "gradients", "workspace"
_FLOAT = 4
# Copies as large as a kernel that an update by Adam has at once, beside the gradient.
_UPDATE = 3


@dataclasses.dataclass(eq=False)
class Tensor:
    """A buffer.

    Attributes:
        name: its number on the tape.
        size: bytes.
        sort: what it is for.
        holders: how many will still read it.
    """

    name: int
    size: int
    sort: str
    holders: int = 1


@dataclasses.dataclass(frozen=True)
class Event:
    """The buffer `name` of `size` bytes comes (`born`) or goes."""

    born: bool
    name: int
    size: int
    sort: str


class Tape:
    """The events of a step; a buffer goes as soon as nobody holds it any more."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._count = 0

    def new(self, size: int, sort: str) -> Tensor:
        """A buffer of `size` bytes, held once."""
        self._count += 1
        self.events.append(Event(True, self._count, size, sort))
        return Tensor(self._count, size, sort)

    def hold(self, tensor: Tensor) -> Tensor:
        """One reader more."""
        tensor.holders += 1
        return tensor

    def drop(self, *tensors: Tensor) -> None:
        """One reader of each less."""
        for tensor in tensors:
            tensor.holders -= 1
            if not tensor.holders:
                self.events.append(Event(False, tensor.name, tensor.size, tensor.sort))


def convolutions(config: Config) -> int:
    """3x3 convolutions, each with its batch normalisation: the stem's and those of the stages, down and up."""
    m = config.model
    return 1 + m.n * m.N * m.d * (2 if config.kind == "segmenter" else 1)


def mended(config: Config) -> int:
    """Those of them that mend the borders of their map, see `geometry.recomputes_border`."""
    m = config.model
    side = geometry.padded_size(config.data.crop + 2 * config.data.margin, m.d)
    large = sum(geometry.recomputes_border(side >> level, side >> level, m.c) for level in range(m.d))
    return m.n * m.N * large * (2 if config.kind == "segmenter" else 1) if m.padding == "reflect" else 0


def parameters(config: Config, labels: int) -> int:
    """Weights of the model, moving statistics included: Keras' `count_params`.

    Args:
        config: the run's config.
        labels: number K of labels.
    """
    c, count = config.model.c, convolutions(config)
    body = 9 * c + (count - 1) * 9 * c * c + count * 4 * c
    heads = {"coral": c + labels - 1, "corn": (c + 1) * (labels - 1)}
    return body + (c + 1 if config.kind == "segmenter" else heads.get(config.model.head, (c + 1) * labels))


def kernels(config: Config) -> tuple[int, ...]:
    """Bytes of the kernels of all convolutions in float32, the stem's first."""
    c = config.model.c
    return (9 * c * _FLOAT, *[9 * c * c * _FLOAT] * (convolutions(config) - 1))


def step(config: Config, policy: str) -> Tape:
    """The tape of one training step.

    Args:
        config: the run's config.
        policy: Keras dtype policy, resolved (never ``"auto"``).
    """
    walk = _Walk(config, policy)
    x = walk.down()
    if config.kind == "segmenter":
        walk.up(x)
    else:
        walk.average(x)
    return walk.tape


Backward = Callable[[Tensor], Tensor | None]


class _Walk:
    """Walks the network forwards, then backwards."""

    def __init__(self, config: Config, policy: str) -> None:
        self.tape, self.config = Tape(), config
        self.c, self.batch = config.model.c, config.training.batch_size
        self.mirror = config.model.padding == "reflect"
        self.full = policy == "float32"
        self.bytes = _FLOAT if self.full else 2
        self.bits = policy == "mixed_bfloat16"
        self.side = geometry.padded_size(config.data.crop + 2 * config.data.margin, config.model.d)
        self.pile: list[Backward] = []
        self.skips: list[Tensor] = []
        self.skip_gradients: list[Tensor] = []

    def plane(self, channels: int, frame: int = 0) -> int:
        """Numbers in a map at the side where the walk is."""
        return self.batch * (self.side + frame) ** 2 * channels

    def framed(self, channels: int) -> bool:
        """Whether a convolution here reads a copy of its map, with a mirrored frame."""
        return self.mirror and not geometry.recomputes_border(self.side, self.side, channels)

    def reserve(self) -> int:
        """Bytes that the fused batch normalisation keeps for its gradient.

        oneDNN needs a bit a number, or a byte where it has no fast kernel. TensorFlow takes them for floats and
        allocates fourfold. A quarter is written, but after some steps other tensors have been in the rest.
        """
        fast = self.c % (8 if self.full else 16) == 0
        return self.plane(self.c) * _FLOAT // (8 if fast else 1)

    def backwards(self, g: Tensor | None) -> None:
        """Takes every gradient from the pile."""
        while self.pile:
            backward = self.pile.pop()
            assert g is not None
            g = backward(g)

    def unit(self, x: Tensor, channels: int) -> Tensor:
        """Convolution, batch normalisation and ReLU; `x` is dropped."""
        tape, out, framed = self.tape, self.plane(self.c) * self.bytes, self.plane(channels, 2) * self.bytes
        kernel = 9 * channels * self.c * _FLOAT
        cast = None if self.full else tape.new(kernel // 2, WORKSPACE)
        seen, frame = x, self.framed(channels)
        if frame:
            seen = tape.new(framed, ACTIVATIONS)
            tape.drop(x)
        raw = tape.new(out, ACTIVATIONS)
        reserve = tape.new(self.reserve(), ACTIVATIONS)
        y = tape.new(out, ACTIVATIONS)
        stem = channels == 1

        def backward(g: Tensor) -> Tensor | None:
            passed = g
            if self.bits:
                passed = tape.new(out, GRADIENTS)
                tape.drop(g)
            tape.drop(y)
            dy = tape.new(out, GRADIENTS)
            tape.drop(passed, raw, reserve)
            dx = None if stem else tape.new(framed if frame else out, GRADIENTS)
            self.update(kernel)
            tape.drop(seen, dy)
            if cast:
                tape.drop(cast)
            if dx is None or not frame:
                return dx
            scratch, cut = tape.new(framed, WORKSPACE), tape.new(out, GRADIENTS)
            tape.drop(scratch, dx)
            return cut

        self.pile.append(backward)
        # The gradient of ReLU reads it too.
        return tape.hold(y)

    def update(self, kernel: int) -> None:
        """The gradient of a kernel, and Adam's step with it, which TensorFlow takes at once."""
        made = [] if self.full else [self.tape.new(kernel // 2, GRADIENTS)]
        gradient = self.tape.new(kernel, GRADIENTS)
        self.tape.drop(*made)
        copies = [self.tape.new(kernel, WORKSPACE) for _ in range(_UPDATE)]
        self.tape.drop(gradient, *copies)

    def stage(self, x: Tensor, kept: bool) -> Tensor:
        """N residual blocks; where `kept`, something else reads `x` later: the first sum needs a place of its own."""
        for block in range(self.config.model.N):
            x = self.block(x, kept and not block)
        return x

    def block(self, x: Tensor, kept: bool) -> Tensor:
        """y = x + f(x)."""
        tape = self.tape

        def join(g: Tensor) -> Tensor:
            tape.drop(shared.pop())
            return g

        def fork(g: Tensor) -> Tensor:
            shared.append(tape.hold(g))
            return g

        shared: list[Tensor] = []
        self.pile.append(join)
        y = tape.hold(x)
        for _ in range(self.config.model.n):
            y = self.unit(y, self.c)
        self.pile.append(fork)
        # Where borders are mended, the gradient of the first convolution reads the map itself.
        if kept or not self.framed(self.c):
            total = tape.new(self.plane(self.c) * self.bytes, ACTIVATIONS)
            tape.drop(x)
        else:
            total = x
        tape.drop(y)
        return total

    def pool(self, x: Tensor) -> Tensor:
        """2x2 max pool; its gradient reads both maps and, on a processor, which pixel won: a byte a number."""
        tape, large = self.tape, self.plane(self.c) * self.bytes
        self.side //= 2
        small = self.plane(self.c)
        y, won = tape.new(small * self.bytes, ACTIVATIONS), tape.new(small, ACTIVATIONS)

        def backward(g: Tensor) -> Tensor:
            dx = tape.new(large, GRADIENTS)
            tape.drop(g, x, y, won)
            if self.skip_gradients:
                tape.drop(self.skip_gradients.pop())
            return dx

        self.pile.append(backward)
        return tape.hold(y)

    def down(self) -> Tensor:
        """The stem and d stages, each followed by a pool."""
        cast = self.tape.new(self.plane(1) * self.bytes, ACTIVATIONS)
        x = self.unit(cast, 1)
        for _ in range(self.config.model.d):
            # The stem's ReLU and a pool's gradient read the map as it was.
            x = self.stage(x, kept=True)
            if self.config.kind == "segmenter":
                self.skips.append(self.tape.hold(x))
            x = self.pool(x)
        return x

    def double(self, x: Tensor) -> Tensor:
        """Bilinear x2 along one axis; `x` is dropped, and nothing is kept for the gradient."""
        tape, size = self.tape, x.size

        def backward(g: Tensor) -> Tensor:
            first, second = (tape.new(size, GRADIENTS) for _ in "ab")
            tape.drop(g)
            pieces = [tape.new(size, WORKSPACE) for _ in "abcd"]
            joined = tape.new(size, GRADIENTS)
            tape.drop(*pieces, first)
            other = tape.new(size, GRADIENTS)
            tape.drop(second, other)
            return joined

        near, most, rest = (tape.new(size, WORKSPACE) for _ in "abc")
        tape.drop(x)
        before, after = (tape.new(size, WORKSPACE) for _ in "ab")
        tape.drop(most, rest, near)
        both = tape.new(2 * size, ACTIVATIONS)
        tape.drop(before, after)
        self.pile.append(backward)
        return both

    def up(self, x: Tensor) -> None:
        """The way up to the mask, the loss, and all the way back."""
        tape = self.tape

        def fork(g: Tensor) -> Tensor:
            self.skip_gradients.append(tape.hold(g))
            return g

        for _ in range(self.config.model.d):
            x = self.double(self.double(x))
            self.side *= 2
            # The sum is made in the place of the doubled map.
            self.pile.append(fork)
            tape.drop(self.skips.pop())
            x = self.stage(x, kept=False)
        self.mask(x)

    def mask(self, x: Tensor) -> None:
        """Logit and sigmoid in float32, the mean of the part that counts, and the gradient back to `x`."""
        tape, size = self.tape, self.plane(self.c) * _FLOAT
        if not self.full:
            cast = tape.new(size, ACTIVATIONS)
            tape.drop(x)
            x = cast
        mask = tape.new(self.plane(1) * _FLOAT, ACTIVATIONS)
        inner = tape.new(self.batch * self.config.data.crop**2 * _FLOAT, GRADIENTS)
        dlogit = tape.new(mask.size, GRADIENTS)
        tape.drop(inner, mask)
        g = tape.new(size, GRADIENTS)
        if not self.full:
            half = tape.new(size // 2, GRADIENTS)
            tape.drop(g)
            g = half
        tape.drop(dlogit, x)
        self.backwards(g)

    def average(self, x: Tensor) -> None:
        """The mean over the picture in float32, and the gradient back from it."""
        tape, size = self.tape, x.size * _FLOAT // self.bytes
        if not self.full:
            cast = tape.new(size, ACTIVATIONS)
            tape.drop(x)
            x = cast
        tape.drop(x)
        g = tape.new(size, GRADIENTS)
        if not self.full:
            half = tape.new(size // 2, GRADIENTS)
            tape.drop(g)
            g = half
        self.backwards(g)
