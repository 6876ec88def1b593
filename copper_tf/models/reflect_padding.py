"""A 3x3 convolution with reflect padding that never makes the padded copy.

Padding by one pixel would cost a pass over every map, and another over its gradient. This convolution pads with zeros
and then recomputes the outermost rows and columns in place, from a few lines of the map.

The gradient of the kernel, which costs most, is summed over blocks of rows, which fit into a processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from copper_tf.models.line_ops import COLUMNS, ROWS, replace_lines, spatial_shape, take_lines, wait_for

__all__ = ["reflect_convolution"]

_FRAME = [[0, 0], [0, 0], [1, 1], [0, 0]]
# Bytes of one picture's map that are too many for a cache, and the heights of blocks that are not.
_LARGE, _BLOCKS = 2_000_000, range(8, 41)
_Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def _reflect_ends(m: tf.Tensor) -> tf.Tensor:
    """Lines reflected by one pixel at either end; three copies are faster than TensorFlow's padding."""
    return tf.concat([m[:, :, 1:2], m, m[:, :, -2:-1]], 2)


def _border(x: tf.Tensor, kernel: tf.Tensor, axis: int) -> tf.Tensor:
    """First and last row or column of the convolution with reflect padding."""
    side, length = spatial_shape(x)[axis - 1], spatial_shape(x)[2 - axis]
    near = _reflect_ends(take_lines(x, axis, (1, 0, 1, side - 2, side - 1, side - 2)))
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


def _kernel_gradient_in_blocks(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
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
    for inputs, outputs in ((above, below), (below, above)):
        x_rows, dy_rows = (rows(tf.gather(m, list(places), axis=ROWS), 1) for m, places in ((x, inputs), (dy, outputs)))
        ends.append(_kernel_gradient(x_rows, kernel[:1], dy_rows, "SAME"))
    inner = _kernel_gradient(rows(x, block), kernel, rows(dy, block), "SAME")
    return inner + tf.concat([ends[0], tf.zeros_like(ends[0]), ends[1]], 0)


def _padding_gradients(x: tf.Tensor, kernel: tf.Tensor, dy: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    """What two sides of the padding add to the gradients: to the two lines they reflect, and to the kernel."""
    side = spatial_shape(x)[axis - 1]
    inner, outer = take_lines(x, axis, (1, side - 2)), take_lines(dy, axis, (0, side - 1))
    # A map of four rows, of which the inner are empty: each side meets its own row of the kernel alone.
    four = tf.concat([inner[:, :1], tf.zeros_like(inner), inner[:, 1:]], 1)
    # The corners of the padding belong to its rows.
    four = _reflect_ends(four) if axis == ROWS else tf.pad(four, _FRAME)
    taps = kernel if axis == ROWS else tf.transpose(kernel, (1, 0, 2, 3))
    back = tf.gather(_input_gradient(tf.shape(four), taps, outer, "VALID"), (0, 3), axis=1)
    added = _kernel_gradient(four, taps, outer, "VALID")
    if axis == ROWS:
        return tf.raw_ops.MirrorPadGrad(input=back, paddings=_FRAME, mode="REFLECT"), added
    return back[:, :, 1:-1], tf.transpose(added, (1, 0, 2, 3))


def _add_to_reflected(dx: tf.Tensor, x: tf.Tensor, axis: int, back: tf.Tensor) -> tf.Tensor:
    """Adds to the two lines of a gradient that the padding reflects."""
    side = x.shape[axis]
    places = (1, spatial_shape(x)[axis - 1] - 2)
    if side and side > 3:
        return replace_lines(dx, x, axis, places, take_lines(dx, axis, places) + back)
    # One after the other: with less than four rows, or perhaps so few, both sides may reflect the same line.
    for place, one in zip(places, tf.split(back, 2, 1), strict=True):
        dx = replace_lines(dx, x, axis, (place,), take_lines(dx, axis, (place,)) + one)
    return dx


@tf.custom_gradient
def reflect_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, _Gradients]:
    """A 3x3 convolution with reflect padding, as ``tf.pad`` with ``mode="REFLECT"`` followed by a valid one.

    Args:
        x: ``(batch, height, width, channels)``, at least 2x2 px.
        kernel: ``(3, 3, channels, filters)``.
    """
    y = tf.nn.conv2d(x, kernel, 1, "SAME")
    x_late = wait_for(x, y)
    for axis in (ROWS, COLUMNS):
        y = replace_lines(y, x, axis, (0, spatial_shape(x)[axis - 1] - 1), _border(x_late, kernel, axis))

    def gradients(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = _input_gradient(tf.shape(x), kernel, dy, "SAME")
        dkernel = _kernel_gradient_in_blocks(x, kernel, dy)
        x_late, dy_late = wait_for(x, dx, dkernel), wait_for(dy, dx, dkernel)
        for axis in (ROWS, COLUMNS):
            back, added = _padding_gradients(x_late, kernel, dy_late, axis)
            dkernel += added
            dx = _add_to_reflected(dx, x, axis, back)
        # The numbers that `replace_lines` makes have no gradient, which must not pass for a gradient of 0.
        once = "a convolution with reflect padding has first gradients only"
        return tf.raw_ops.PreventGradient(input=dx, message=once), dkernel

    return y, gradients
