"""Test-time augmentation: the symmetric views of a picture, and a network averaged over them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["apply_symmetry", "average_over_symmetries", "undo_symmetry"]

Network = Callable[[tf.Tensor], tf.Tensor]


def apply_symmetry(x: tf.Tensor, symmetry: int) -> tf.Tensor:
    """One of the eight symmetries of a square, the same that augment training crops.

    Args:
        x: ``(batch, height, width, channels)``.
        symmetry: 0 to 7; odd ones flip left to right first, then come ``symmetry // 2`` quarter turns.

    Returns:
        The view, with height and width exchanged after an odd number of quarter turns.
    """
    return tf.image.rot90(x[:, :, ::-1] if symmetry % 2 else x, symmetry // 2)


def undo_symmetry(y: tf.Tensor, symmetry: int) -> tf.Tensor:
    """The inverse of `apply_symmetry`.

    Args:
        y: ``(batch, height, width, channels)``.
        symmetry: 0 to 7.

    Returns:
        The map in the orientation of the picture.
    """
    y = tf.image.rot90(y, -(symmetry // 2) % 4)
    return y[:, :, ::-1] if symmetry % 2 else y


def average_over_symmetries(network: Network, views: int) -> Network:
    """A network whose map is the mean over the views of a picture, each brought back to the picture's orientation.

    Args:
        network: from ``(batch, height, width, channels)`` to a map of the same orientation.
        views: number of views, the first of the eight symmetries; 1 returns the network itself.

    Returns:
        A function with the signature of `network`.
    """

    def mean(x: tf.Tensor) -> tf.Tensor:
        total = network(x)
        for symmetry in range(1, views):
            # One view after the other: eight at once would need the memory of eight.
            with tf.control_dependencies([total]):
                view = tf.identity(x)
            total += undo_symmetry(network(apply_symmetry(view, symmetry)), symmetry)
        return total / views

    return mean if views > 1 else network
