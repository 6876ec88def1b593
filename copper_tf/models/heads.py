"""The heads of the classifier: how the mean features of a picture become the probabilities of its labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from copper_tf.config import HEADS
from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.network import Layer

if TYPE_CHECKING:
    import keras

__all__ = ["Head", "register_head"]

BuildHead: TypeAlias = Callable[[NetworkBuilder, Layer, int], Layer]


@dataclasses.dataclass(frozen=True)
class Head:
    """A head.

    Attributes:
        build: adds it to a network: a function of (builder, features ``(batch, c)``, number K of labels) that returns
            the layer of the probabilities ``(batch, K)``, in float32.
        loss: what it is trained by: a name in `losses.GRADE_LOSSES`, or a function that makes a Keras loss of labels
            ``(batch,)`` and probabilities ``(batch, K)``.
    """

    build: BuildHead
    loss: str | Callable[[], keras.losses.Loss] = "likelihood"


def register_head(
    name: str, loss: str | Callable[[], keras.losses.Loss] = "likelihood"
) -> Callable[[BuildHead], BuildHead]:
    """Registers a head under a name, see `Head`.

    Example:

    >>> from copper_tf.models import register_head
    >>> @register_head("temperature")
    ... def temperature_head(network, features, labels):
    ...     return network.dense(features, labels, "probabilities", use_bias=False, activation="softmax")
    """

    def register(build: BuildHead) -> BuildHead:
        HEADS[name] = Head(build, loss)
        return build

    return register


def _conditional_chain(policy: object, name: str) -> keras.layers.Layer:
    from copper_tf.models.ordinal import ConditionalChain

    return ConditionalChain(dtype="float32", name=name)


def _softmax(policy: object, name: str) -> keras.layers.Layer:
    import keras

    return keras.layers.Softmax(dtype="float32", name=name)


def _build_softmax(network: NetworkBuilder, features: Layer, labels: int) -> Layer:
    """The paper's linear softmax layer."""
    return network.dense(features, labels, "probabilities", activation="softmax")


def _build_coral(network: NetworkBuilder, features: Layer, labels: int) -> Layer:
    """One shared weight vector and K - 1 biases (Cao, Mirjalili and Raschka 2020)."""

    def thresholds(policy: object, name: str) -> keras.layers.Layer:
        from copper_tf.models.ordinal import OrderedThresholds

        return OrderedThresholds(labels, dtype="float32", name=name)

    x = network.dense(features, 1, "score", use_bias=False)
    x = network.custom([x], "thresholds", thresholds, channels=labels, weights=labels - 1)
    # Probabilities from their logs; a softmax leaves them as they are, and Keras' losses look behind it.
    return network.custom([x], "probabilities", _softmax)


def _build_corn(network: NetworkBuilder, features: Layer, labels: int) -> Layer:
    """K - 1 conditional probabilities and the chain rule (Shi, Cao and Raschka 2021)."""
    x = network.dense(features, labels - 1, "conditions")
    x = network.custom([x], "chain", _conditional_chain, channels=labels)
    return network.custom([x], "probabilities", _softmax)


# Named in `config.HEADS`, which imports them when they are first asked for.
SOFTMAX = Head(_build_softmax)
SOFT = Head(_build_softmax, "soft_label")
CORAL = Head(_build_coral, "cumulative")
CORN = Head(_build_corn)
