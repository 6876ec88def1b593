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


def _places(x: tf.Tensor, lines: tuple[int, int]) -> tf.Tensor:
    """Where the pixels of two rows, then of two columns stand among all pixels, ``(pixels, 1)`` int32."""
    batch, height, width = tf.unstack(tf.shape(x)[:3])
    every = tf.reshape(tf.range(batch * height * width), (batch, height, width))
    rows = [tf.reshape(every[:, k], [-1]) for k in lines]
    return tf.concat([*rows, *(tf.reshape(every[:, :, k], [-1]) for k in lines)], 0)[:, None]


def _pixels(lines: list[tf.Tensor]) -> tf.Tensor:
    """The pixels of lines, as `_places` orders them, ``(pixels, channels)``."""
    return tf.concat([tf.reshape(line, (-1, line.shape[-1])) for line in lines], 0)


def _shaped(pixels: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """All pixels as a map that is as large as `like`; asking the map itself for its size would have it copied."""
    shaped = tf.reshape(pixels, tf.concat([tf.shape(like)[:3], [pixels.shape[1]]], 0))
    shaped.set_shape([*like.shape[:3], pixels.shape[1]])
    return shaped


def _border(x: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
    """The outermost lines of the convolution of the mirrored picture."""
    found = []
    for axis in (_ROWS, _COLUMNS):
        near = [[_framed(_line(x, axis, k)) for k in pair] for pair in zip(_INNER, _OUTER, strict=True)]
        # The three lines that an outermost pixel sees become channels: one row is a shape that kernels are fast at.
        seen = tf.concat([tf.concat([inner, outer, inner], 3) for inner, outer in near], 0)
        turned = kernel if axis == _ROWS else tf.transpose(kernel, (1, 0, 2, 3))
        taps = tf.concat([turned[None, k] for k in range(3)], 2)
        found += tf.split(tf.nn.conv2d(seen, taps, 1, "VALID"), 2, 0)
    return found


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
    flat = tf.reshape(tf.nn.conv2d(x, kernel, 1, "SAME"), (-1, kernel.shape[3]))
    flat = tf.tensor_scatter_nd_update(flat, _places(x, _OUTER), _pixels(_border(x, kernel)))

    def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = _input_gradient(tf.shape(x), kernel, dy, "SAME")
        dkernel = _kernel_gradient(x, kernel, dy, "SAME")
        backs = []
        for axis in (_ROWS, _COLUMNS):
            ends = []
            for inner, outer in zip(_INNER, _OUTER, strict=True):
                taps = kernel[None, outer] if axis == _ROWS else kernel[None, :, outer]
                # The corners of the frame belong to its rows.
                back, end = _side(_line(x, axis, inner), taps, _line(dy, axis, outer), axis == _ROWS)
                backs.append(back)
                ends.append(end[0])
            dkernel += tf.stack([ends[0], tf.zeros_like(ends[0]), ends[1]], axis - 1)
        pixels = tf.reshape(dx, (-1, kernel.shape[2]))
        return _shaped(tf.tensor_scatter_nd_add(pixels, _places(x, _INNER), _pixels(backs)), x), dkernel

    return _shaped(flat, x), gradients
