"""The symmetric views of a picture, and a network averaged over them."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["averaged", "turned", "turned_back"]

Network = Callable[[tf.Tensor], tf.Tensor]


def turned(x: tf.Tensor, turn: int) -> tf.Tensor:
    """One of the eight symmetries of a square, the same that training crops are turned by.

    Args:
        x: ``(batch, height, width, channels)``.
        turn: 0 to 7: odd ones are mirrored left to right, then comes a quarter turn for each 2.
    """
    return tf.image.rot90(x[:, :, ::-1] if turn % 2 else x, turn // 2)


def turned_back(y: tf.Tensor, turn: int) -> tf.Tensor:
    """The inverse of `turned`."""
    y = tf.image.rot90(y, -(turn // 2) % 4)
    return y[:, :, ::-1] if turn % 2 else y


def averaged(network: Network, turns: int) -> Network:
    """A network whose map is the mean over the views of a picture, each turned back.

    Args:
        network: from ``(batch, height, width, channels)`` to a map with the same orientation.
        turns: number of views, the first of the eight symmetries.
    """

    def mean(x: tf.Tensor) -> tf.Tensor:
        total = network(x)
        for turn in range(1, turns):
            # One view after the other: eight at once would need the memory of eight.
            with tf.control_dependencies([total]):
                view = tf.identity(x)
            total += turned_back(network(turned(view, turn)), turn)
        return total / turns

    return mean if turns > 1 else network
