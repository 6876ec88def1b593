"""A 3x3 convolution of a mirrored picture that never makes the framed copy: zeros are mended where they show.

A frame of one pixel would cost a pass over every map, and another over its gradient. The convolution here is one with
zeros at the border, whose outermost rows and columns are then computed again from a few lines of the picture, in place.

Lines, rows or columns, are a picture of their own, ``(batch, lines, length, channels)``: few and long, a shape that
convolutions are fast at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow as tf

__all__ = ["mirrored_convolution"]

_ROWS, _COLUMNS = 1, 2
_FRAME = [[0, 0], [0, 0], [1, 1], [0, 0]]
# A number where it is known: each that is not makes some ten nodes more in the graph of a training step.
_Number: TypeAlias = "int | tf.Tensor"
_Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _sides(x: tf.Tensor) -> tuple[_Number, _Number]:
    """Height and width."""
    height, width = (x.shape[axis] or tf.shape(x)[axis] for axis in (_ROWS, _COLUMNS))
    return height, width


def _turned(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Rows and columns exchanged where lines are columns."""
    return x if axis == _ROWS else tf.transpose(x, (0, 2, 1, 3))


def _lines(x: tf.Tensor, axis: int, places: Sequence[_Number]) -> tf.Tensor:
    """Some rows or columns of a map."""
    return _turned(tf.gather(x, tf.stack(places), axis=axis), axis)


def _wide(x: tf.Tensor) -> tf.Tensor:
    """The same bytes as fewer and larger numbers, where channels allow: a line is written number by number."""
    for kind in (tf.complex128, tf.int64):
        joined = kind.size // x.dtype.size
        if joined > 1 and x.shape[3] % joined == 0:
            return tf.bitcast(tf.reshape(x, (-1, *_sides(x), x.shape[3] // joined, joined)), kind)
    return x


def _written(x: tf.Tensor, like: tf.Tensor, axis: int, places: Sequence[_Number], lines: tf.Tensor) -> tf.Tensor:
    """A map with one or two rows or columns replaced, in its own memory where nothing else reads that.

    Args:
        x: the map.
        like: another as large; asking the map itself for its size would have it copied.
        axis: rows or columns.
        places: which of them.
        lines: the new ones.
    """
    height, width = _sides(like)
    wide, new, kind = _wide(x), _wide(_turned(lines, axis)), x.dtype
    channels = wide.shape[3]
    # Three axes are walked faster than four.
    count, after = (height, width * channels) if axis == _ROWS else (width, channels)
    first, last, others = places[0], places[-1], 0b101
    wide = tf.raw_ops.TensorStridedSliceUpdate(
        input=tf.reshape(wide, (-1, count, after)), value=tf.reshape(new, (-1, len(places), after)),
        begin=tf.stack([0, first, 0]), end=tf.stack([0, last + 1, 0]),
        strides=tf.stack([1, last - first if len(places) > 1 else 1, 1]), begin_mask=others, end_mask=others,
    )  # fmt: skip
    if wide.dtype != kind:
        wide = tf.bitcast(tf.reshape(wide, (-1, 1)), kind)
    written = tf.reshape(wide, (-1, height, width, x.shape[3]))
    written.set_shape([*like.shape[:3], x.shape[3]])
    return written


def _after(x: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
    """`x` once others are there: a few lines that come first would lie where a whole map had found its place."""
    with tf.control_dependencies(others):
        return tf.identity(x)


def _border(x: tf.Tensor, kernel: tf.Tensor, axis: int) -> tf.Tensor:
    """First and last row or column of the convolution of the mirrored picture."""
    side, length = _sides(x)[axis - 1], _sides(x)[2 - axis]
    near = tf.pad(_lines(x, axis, (1, 0, 1, side - 2, side - 1, side - 2)), _FRAME, "REFLECT")
    three = tf.reshape(near, (-1, 3, length + 2, x.shape[3]))
    taps = kernel if axis == _ROWS else tf.transpose(kernel, (1, 0, 2, 3))
    return tf.reshape(tf.nn.conv2d(three, taps, 1, "VALID"), (-1, 2, length, kernel.shape[3]))


def _input_gradient(shape: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape, filter=kernel, out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _kernel_gradient(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=kernel.shape, out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _frame_gradients(
    x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, axis: int
) -> tuple[list[tf.Tensor], tf.Tensor]:  # fmt: skip
    """What two sides of the frame add to the gradients: to the two lines that they mirror, and to the kernel."""
    side = _sides(x)[axis - 1]
    seen, said = _lines(x, axis, (1, side - 2)), _lines(dy, axis, (0, side - 1))
    # The corners of the frame belong to its rows.
    padding = "VALID" if axis == _ROWS else "SAME"
    if axis == _ROWS:
        seen = tf.pad(seen, _FRAME, "REFLECT")
    taps = tf.split(kernel if axis == _ROWS else tf.transpose(kernel, (1, 0, 2, 3)), 3)
    backs, ends = [], []
    for one, tap, told in zip(tf.split(seen, 2, 1), taps[::2], tf.split(said, 2, 1), strict=True):
        back = _input_gradient(tf.shape(one), tap, told, padding)
        if axis == _ROWS:
            back = tf.raw_ops.MirrorPadGrad(input=back, paddings=_FRAME, mode="REFLECT")
        backs.append(back)
        ends.append(_kernel_gradient(one, tap, told, padding))
    added = tf.concat([ends[0], tf.zeros_like(ends[0]), ends[1]], 0)
    return backs, added if axis == _ROWS else tf.transpose(added, (1, 0, 2, 3))


@tf.custom_gradient
def mirrored_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, _Gradients]:
    """The convolution of a picture mirrored by one pixel, without repeating the edge; as large as the picture.

    Args:
        x: ``(batch, height, width, channels)``, at least 2x2 px.
        kernel: ``(3, 3, channels, filters)``.
    """
    y = tf.nn.conv2d(x, kernel, 1, "SAME")
    seen = _after(x, y)
    for axis in (_ROWS, _COLUMNS):
        y = _written(y, x, axis, (0, _sides(x)[axis - 1] - 1), _border(seen, kernel, axis))

    def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = _input_gradient(tf.shape(x), kernel, dy, "SAME")
        dkernel = _kernel_gradient(x, kernel, dy, "SAME")
        seen, said = _after(x, dx, dkernel), _after(dy, dx, dkernel)
        for axis in (_ROWS, _COLUMNS):
            backs, added = _frame_gradients(seen, kernel, said, axis)
            dkernel += added
            # One after the other: in a map of three rows both sides mirror the same.
            for place, back in zip((1, _sides(x)[axis - 1] - 2), backs, strict=True):
                dx = _written(dx, x, axis, (place,), _lines(dx, axis, (place,)) + back)
        # The numbers that `_wide` makes have no gradient, which must not pass for a gradient of 0.
        once = "a mirrored convolution has first gradients only"
        return tf.raw_ops.PreventGradient(input=dx, message=once), dkernel

    return y, gradients
