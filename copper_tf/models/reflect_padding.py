"""A 3x3 convolution of a mirrored picture that never makes the framed copy: zeros are mended where they show.

A frame of one pixel would cost a pass over every map, and another over its gradient. The convolution here is one with
zeros at the border, whose outermost rows and columns are then computed again from a few lines of the picture, in place.

The gradient of the kernel, which costs most, is summed over blocks of rows: processors keep those in their caches.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from copper_tf.models.line_ops import COLUMNS, ROWS, after, lines, sides, written

__all__ = ["mirrored_convolution"]

_FRAME = [[0, 0], [0, 0], [1, 1], [0, 0]]
# Bytes of one picture's map that are too many for a cache, and the heights of blocks that are not.
_LARGE, _BLOCKS = 2_000_000, range(8, 41)
_Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _framed(m: tf.Tensor) -> tf.Tensor:
    """Lines with one more pixel at either end, mirrored; three copies are faster than TensorFlow's padding."""
    return tf.concat([m[:, :, 1:2], m, m[:, :, -2:-1]], 2)


def _border(x: tf.Tensor, kernel: tf.Tensor, axis: int) -> tf.Tensor:
    """First and last row or column of the convolution of the mirrored picture."""
    side, length = sides(x)[axis - 1], sides(x)[2 - axis]
    near = _framed(lines(x, axis, (1, 0, 1, side - 2, side - 1, side - 2)))
    three = tf.reshape(near, (-1, 3, length + 2, x.shape[3]))
    taps = kernel if axis == ROWS else tf.transpose(kernel, (1, 0, 2, 3))
    return tf.reshape(tf.nn.conv2d(three, taps, 1, "VALID"), (-1, 2, length, kernel.shape[3]))


def _input_gradient(shape: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=shape, filter=kernel, out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _kernel_gradient(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=kernel.shape, out_backprop=dy, strides=[1] * 4, padding=padding
    )


def _block(x: tf.Tensor) -> int:
    """Rows of the blocks that a kernel's gradient is summed over; 0 where the whole map is as fast."""
    height, width, channels = x.shape[1:]
    if not (height and width) or height * width * channels * x.dtype.size < _LARGE:
        return 0
    return max((rows for rows in _BLOCKS if height % rows == 0 and rows < height), default=0)


def _in_blocks(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """The kernel's gradient with zeros at the border; of a large map in blocks of rows, which stay in the cache.

    What the rows on either side of a cut add to each other's sums is missing then, and is added from these lines.
    """
    block = _block(x)
    if not block:
        return _kernel_gradient(x, kernel, dy, "SAME")
    height, width = x.shape[ROWS], x.shape[COLUMNS]

    def rows(m: tf.Tensor, count: int) -> tf.Tensor:
        return tf.reshape(m, (-1, count, width, m.shape[3]))

    below = range(block, height, block)
    above = [place - 1 for place in below]
    ends = []
    for seen, told in ((above, below), (below, above)):
        one, said = (rows(tf.gather(m, list(places), axis=ROWS), 1) for m, places in ((x, seen), (dy, told)))
        ends.append(_kernel_gradient(one, kernel[:1], said, "SAME"))
    inner = _kernel_gradient(rows(x, block), kernel, rows(dy, block), "SAME")
    return inner + tf.concat([ends[0], tf.zeros_like(ends[0]), ends[1]], 0)


def _frame_gradients(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """What two sides of the frame add to the gradients: to the two lines that they mirror, and to the kernel."""
    side = sides(x)[axis - 1]
    seen, said = lines(x, axis, (1, side - 2)), lines(dy, axis, (0, side - 1))
    # A map of four rows, of which the inner are empty: each side meets its own row of the kernel alone.
    four = tf.concat([seen[:, :1], tf.zeros_like(seen), seen[:, 1:]], 1)
    # The corners of the frame belong to its rows.
    four = _framed(four) if axis == ROWS else tf.pad(four, _FRAME)
    taps = kernel if axis == ROWS else tf.transpose(kernel, (1, 0, 2, 3))
    back = tf.gather(_input_gradient(tf.shape(four), taps, said, "VALID"), (0, 3), axis=1)
    added = _kernel_gradient(four, taps, said, "VALID")
    if axis == ROWS:
        return tf.raw_ops.MirrorPadGrad(input=back, paddings=_FRAME, mode="REFLECT"), added
    return back[:, :, 1:-1], tf.transpose(added, (1, 0, 2, 3))


def _added(dx: tf.Tensor, x: tf.Tensor, axis: int, back: tf.Tensor) -> tf.Tensor:
    """A gradient with more in the two lines that the frame mirrors."""
    side = x.shape[axis]
    places = (1, sides(x)[axis - 1] - 2)
    if side and side > 3:
        return written(dx, x, axis, places, lines(dx, axis, places) + back)
    # One after the other: with less than four rows, or perhaps so few, both sides may mirror the same.
    for place, one in zip(places, tf.split(back, 2, 1), strict=True):
        dx = written(dx, x, axis, (place,), lines(dx, axis, (place,)) + one)
    return dx


@tf.custom_gradient
def mirrored_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, _Gradients]:
    """The convolution of a picture mirrored by one pixel, without repeating the edge; as large as the picture.

    Args:
        x: ``(batch, height, width, channels)``, at least 2x2 px.
        kernel: ``(3, 3, channels, filters)``.
    """
    y = tf.nn.conv2d(x, kernel, 1, "SAME")
    seen = after(x, y)
    for axis in (ROWS, COLUMNS):
        y = written(y, x, axis, (0, sides(x)[axis - 1] - 1), _border(seen, kernel, axis))

    def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = _input_gradient(tf.shape(x), kernel, dy, "SAME")
        dkernel = _in_blocks(x, kernel, dy)
        seen, said = after(x, dx, dkernel), after(dy, dx, dkernel)
        for axis in (ROWS, COLUMNS):
            back, added = _frame_gradients(seen, kernel, said, axis)
            dkernel += added
            dx = _added(dx, x, axis, back)
        # The numbers that `_wide` makes have no gradient, which must not pass for a gradient of 0.
        once = "a mirrored convolution has first gradients only"
        return tf.raw_ops.PreventGradient(input=dx, message=once), dkernel

    return y, gradients
