"""A 3x3 convolution of a mirrored picture that never makes the framed copy: zeros are mended where they show.

A frame of one pixel would cost a pass over every map, and another over its gradient. The convolution here is one with
zeros at the border, whose outermost rows and columns are then computed again from a few lines of the picture, in place.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["mirrored_convolution"]

_ROWS, _COLUMNS = 1, 2
# The outermost lines of a map, and those that stand mirrored beyond them.
_OUTER, _INNER = (0, -1), (1, -2)
_Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _line(x: tf.Tensor, axis: int, place: int) -> tf.Tensor:
    """A row or column as a picture of one row, ``(batch, 1, length, channels)``; from the end where negative."""
    return x[:, place, None] if axis == _ROWS else x[:, None, :, place]


def _framed(line: tf.Tensor) -> tf.Tensor:
    """A line and one mirrored pixel more at both ends."""
    return tf.concat([line[:, :, 1:2], line, line[:, :, -2:-1]], 2)


def _wide(x: tf.Tensor) -> tf.Tensor:
    """The same bytes as fewer and larger numbers, where channels allow: a line is written number by number."""
    for kind in (tf.complex128, tf.int64):
        joined = kind.size // x.dtype.size
        if joined > 1 and x.shape[3] % joined == 0:
            shape = *tf.unstack(tf.shape(x)[:3]), x.shape[3] // joined, joined
            return tf.bitcast(tf.reshape(x, shape), kind)
    return x


def _written(x: tf.Tensor, like: tf.Tensor, axis: int, place: int, line: tf.Tensor) -> tf.Tensor:
    """A map with one row or column replaced, in its own memory where nothing else reads that.

    Args:
        x: the map.
        like: another as large; asking the map itself for its size would have it copied.
        axis: rows or columns.
        place: which of them, from the end where negative.
        line: the new one, ``(batch, 1, length, channels)``.
    """
    batch, height, width = tf.unstack(tf.shape(like)[:3])
    wide, new, kind = _wide(x), _wide(line), x.dtype
    channels = wide.shape[3]
    # Three axes are walked faster than four.
    before, after = (batch, width * channels) if axis == _ROWS else (batch * height, channels)
    others = 0b101
    wide = tf.raw_ops.TensorStridedSliceUpdate(
        input=tf.reshape(wide, (before, height if axis == _ROWS else width, after)),
        begin=[0, place, 0], end=[0, place + 1, 0], strides=[1] * 3, value=tf.reshape(new, (before, 1, after)),
        begin_mask=others, end_mask=others if place + 1 else 0b111,
    )  # fmt: skip
    if wide.dtype != kind:
        wide = tf.bitcast(tf.reshape(wide, (-1, 1)), kind)
    written = tf.reshape(wide, (batch, height, width, x.shape[3]))
    written.set_shape([*like.shape[:3], x.shape[3]])
    return written


def _border(x: tf.Tensor, kernel: tf.Tensor, axis: int) -> list[tf.Tensor]:
    """First and last row or column of the convolution of the mirrored picture."""
    near = [[_framed(_line(x, axis, k)) for k in pair] for pair in zip(_INNER, _OUTER, strict=True)]
    # The three lines that an outermost pixel sees become channels: one row is a shape that kernels are fast at.
    seen = tf.concat([tf.concat([inner, outer, inner], 3) for inner, outer in near], 0)
    turned = kernel if axis == _ROWS else tf.transpose(kernel, (1, 0, 2, 3))
    taps = tf.concat([turned[None, k] for k in range(3)], 2)
    return tf.split(tf.nn.conv2d(seen, taps, 1, "VALID"), 2, 0)


def _input_gradient(shape: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape, filter=kernel, out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _kernel_gradient(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=tf.shape(kernel), out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _side(seen: tf.Tensor, taps: tf.Tensor, dy: tf.Tensor, corners: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """What one side of the frame adds to the gradients: to the line that it mirrors, and to the taps that read it."""
    if not corners:
        return _input_gradient(tf.shape(seen), taps, dy, "SAME"), _kernel_gradient(seen, taps, dy, "SAME")
    framed, frame = _framed(seen), [[0, 0], [0, 0], [1, 1], [0, 0]]
    back = _input_gradient(tf.shape(framed), taps, dy, "VALID")
    back = tf.raw_ops.MirrorPadGrad(input=back, paddings=frame, mode="REFLECT")
    return back, _kernel_gradient(framed, taps, dy, "VALID")


@tf.custom_gradient
def mirrored_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, _Gradients]:
    """The convolution of a picture mirrored by one pixel, without repeating the edge; as large as the picture.

    Args:
        x: ``(batch, height, width, channels)``, at least 2x2 px.
        kernel: ``(3, 3, channels, filters)``.
    """
    y = tf.nn.conv2d(x, kernel, 1, "SAME")
    for axis in (_ROWS, _COLUMNS):
        for place, line in zip(_OUTER, _border(x, kernel, axis), strict=True):
            y = _written(y, x, axis, place, line)

    def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = _input_gradient(tf.shape(x), kernel, dy, "SAME")
        dkernel = _kernel_gradient(x, kernel, dy, "SAME")
        for axis in (_ROWS, _COLUMNS):
            ends = []
            for inner, outer in zip(_INNER, _OUTER, strict=True):
                taps = kernel[None, outer] if axis == _ROWS else kernel[None, :, outer]
                # The corners of the frame belong to its rows.
                back, end = _side(_line(x, axis, inner), taps, _line(dy, axis, outer), axis == _ROWS)
                dx = _written(dx, x, axis, inner, _line(dx, axis, inner) + back)
                ends.append(end[0])
            dkernel += tf.stack([ends[0], tf.zeros_like(ends[0]), ends[1]], axis - 1)
        # The numbers that `_wide` makes have no gradient, which must not pass for a gradient of 0.
        once = "a mirrored convolution has first gradients only"
        return tf.raw_ops.PreventGradient(input=dx, message=once), dkernel

    return y, gradients
