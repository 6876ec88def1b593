"""The residual classifier (paper, section 3.2 and Figure 4)."""

from __future__ import annotations

import keras

from copper_tf.models.blocks import Policy, descend, picture_input
from copper_tf.models.heads import HEADS

__all__ = ["FEATURES", "build_classifier", "split_head"]

# The layer whose output is averaged over the picture; tiled prediction averages it over tiles instead.
FEATURES = "features"


def build_classifier(
    *, n: int, N: int, c: int, d: int, labels: int, padding: str = "reflect", head: str = "softmax",
    policy: str = "float32",
) -> keras.Model:  # fmt: skip
    """The classifier, with D = d n N + 1 convolutions.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages.
        labels: number K of labels.
        padding: ``"reflect"`` or ``"zero"``.
        head: a name in `HEADS`.
        policy: Keras dtype policy; pooling over the picture and the head are float32 under each.

    Returns:
        A functional model from ``(batch, height, width, 1)``, sides multiples of 2^d, to ``(batch, K)`` float32.

    Raises:
        ValueError: if the head is unknown.
    """
    if head not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}. Received: {head!r}")
    picture = picture_input()
    x, _ = descend(picture, n, N, c, d, padding, Policy(policy))
    x = keras.layers.Activation("linear", dtype="float32", name=FEATURES)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="average")(x)
    return keras.Model(picture, HEADS[head](x, labels), name="classifier")


def split_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """A classifier cut where the picture is averaged: picture to last map, and mean of that map to probabilities."""
    body = keras.Model(model.input, model.get_layer(FEATURES).output)
    return body, keras.Model(model.get_layer("average").output, model.output)
