"""The losses: of a mask (Eq. 4 of the paper, a divergence, a correlation, pixels), and of the classifier's heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from copper_tf.config import HEADS, LOSSES
from copper_tf.models.edges import FOLLOWED, misplaced_borders
from copper_tf.utils.keras_objects import PACKAGE
from tfds_copper.errors import SettingError

__all__ = [
    "GRADE_LOSSES",
    "CorrelationLoss",
    "CumulativeLoss",
    "LabelTable",
    "MeanLoss",
    "MeanMaskDivergence",
    "MeanMaskLoss",
    "PixelLoss",
    "SoftLabelLoss",
    "grade_loss",
    "mean_loss",
    "potency",
    "register_loss",
]

# Far below any probability that can be learnt from, and still a normal float32.
_TINY = 1e-37
# Added to each share of a divergence: an empty mask still learns, and its minimum stays where the shares are equal.
_SHARE = 1e-6
# Added to the product of two variances: of a batch of one label, or of even masks, no correlation is known.
_SPREAD = 1e-8
# The weight that the penalty on grey masks grows to.
_GREY = 0.2


def potency(mask: tf.Tensor, margin: int = 0) -> tf.Tensor:
    """m(x) of Eq. 2d, the mean of the mask over the pixels that count, in float32.

    Args:
        mask: ``(batch, height, width, 1)`` in [0, 1].
        margin: px on each side that don't count.

    Returns:
        ``(batch,)`` float32.
    """
    return tf.reduce_mean(_counted(mask, margin), axis=(1, 2, 3))


def _counted(mask: tf.Tensor, margin: int) -> tf.Tensor:
    """The pixels of a mask that count, in float32."""
    inner = mask[:, margin : tf.shape(mask)[1] - margin, margin : tf.shape(mask)[2] - margin]
    return tf.cast(inner, tf.float32)


class LabelTable:
    """g(t) and its weight for every label, as variables that learning g assigns.

    Args:
        g: the K values of the hypothesis, in [0, 1].
        weights: the K weights of the labels in the loss, 0 to leave one out; all 1 by default.

    Raises:
        ValueError: if lengths differ, or a value or weight is out of range.
    """

    def __init__(self, g: Sequence[float] | np.ndarray, weights: Sequence[float] | None = None) -> None:
        values = np.asarray(g, np.float32)
        shares = np.ones_like(values) if weights is None else np.asarray(weights, np.float32)
        if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"g must be a list of values in [0, 1]. Received: {g!r}")
        if shares.shape != values.shape or not np.all(shares >= 0) or not shares.any():
            raise ValueError(f"weights must be {values.size} numbers of at least 0, not all 0. Received: {weights!r}")
        self.g = keras.Variable(values, trainable=False, dtype="float32", name="g")
        self.weights = keras.Variable(shares, trainable=False, dtype="float32", name="g_weights")

    def look_up(self, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """g and weight of each label, both ``(batch,)`` float32."""
        index = tf.reshape(tf.cast(labels, tf.int32), [-1])
        return tuple(tf.gather(tf.convert_to_tensor(v), index) for v in (self.g, self.weights))

    @property
    def values(self) -> np.ndarray:
        """g of each label as it stands, ``(K,)`` float64."""
        return np.asarray(self.g, np.float64)

    def assign(self, g: Sequence[float] | np.ndarray) -> None:
        """Gives every label a new g.

        Raises:
            ValueError: if there are not K values in [0, 1].
        """
        self.g.assign(LabelTable(g).g)

    def to_config(self) -> dict[str, list[float]]:
        """The current values, for saving."""
        return {"g": np.asarray(self.g).tolist(), "weights": np.asarray(self.weights).tolist()}


class MeanLoss(keras.losses.Loss):
    """w_t D(m(x), g(t)): how far the mean of a mask is from the g of its label, by a distance D of the subclass.

    `y_true` is the label, ``(batch,)`` or ``(batch, 1)``; `y_pred` the mask, ``(batch, height, width, 1)``.

    Args:
        g: g(t) of each label, K values in [0, 1].
        weights: weight of each label, 0 to leave one out; all 1 by default.
        margin: px of context on each side of the mask that don't count.
        edge_weight: weight of the penalty on borders of a mask that follow no edge of its picture, by a `Segmenter`.
        name: name of the loss.
        **kwargs: forwarded to `keras.losses.Loss`.
    """

    def __init__(
        self, g: Sequence[float], weights: Sequence[float] | None = None, margin: int = 0, edge_weight: float = 0.0,
        name: str = "mean_mask_loss", **kwargs: Any,
    ) -> None:  # fmt: skip
        # float32 whatever the policy: a mean over a million float16 pixels overflows.
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})
        self.table = LabelTable(g, weights)
        self.margin = margin
        self.edge_weight = edge_weight
        # The share of all penalties that counts; it grows while training, see `training.free_ends.Sharpen`.
        self.sharpening = keras.Variable(0.0, trainable=False, dtype="float32", name="sharpening")

    @staticmethod
    def distance(mean: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        """D of potencies and the g of each, ``(batch,)``; at least 0, and 0 where they are equal."""
        raise NotImplementedError

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """One loss per picture, ``(batch,)``."""
        g, weights = self.table.look_up(y_true)
        return weights * self.distance(potency(y_pred, self.margin), g)

    def edge_penalty(self, pictures: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
        """What borders away from edges cost, a scalar; see `edges.misplaced_borders`.

        Where phases look alike but for their texture, edges are those of grains, and no border has to follow them: the
        penalty counts only once borders do so anyway.
        """
        misplaced = tf.minimum(misplaced_borders(pictures, masks), FOLLOWED)
        return self.edge_weight * tf.convert_to_tensor(self.sharpening) * misplaced

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, g as it stands now."""
        own = {"margin": self.margin, "edge_weight": self.edge_weight}
        return {**super().get_config(), **self.table.to_config(), **own}


@keras.saving.register_keras_serializable(package=PACKAGE)
class MeanMaskLoss(MeanLoss):
    """Squared error between the mean of the mask and g(t) (Eq. 4): w_t (m(x) - g(t))^2."""

    @staticmethod
    def distance(mean: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        """(m - g)^2, ``(batch,)``."""
        return tf.square(mean - g)


@keras.saving.register_keras_serializable(package=PACKAGE)
class MeanMaskDivergence(MeanLoss):
    """Kullback-Leibler divergence of g(t) from the mean of the mask: w_t KL(g(t) | m(x)), of the shares of two phases.

    Its gradient is that of their cross-entropy, by which label proportions are learnt (Ardehaly and Culotta 2017);
    unlike that, it is 0 where the mean is g. A miss near 0 or 1, where a share varies less, weighs more than by Eq. 4.
    """

    @staticmethod
    def distance(mean: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        """g log(g / m) + (1 - g) log((1 - g) / (1 - m)), in nats, ``(batch,)``."""
        shares = ((g + _SHARE, mean + _SHARE), (1 - g + _SHARE, 1 - mean + _SHARE))
        return tf.add_n([is_so * tf.math.log(is_so / taken) for is_so, taken in shares])


@keras.saving.register_keras_serializable(package=PACKAGE)
class CorrelationLoss(MeanLoss):
    """1 - r |r| of the means of the masks of a batch and g, and a penalty on grey: Eq. 4 with free ends of g.

    1 - r^2 is the least error that g can be left with by any straight line in the
    mean, over the variance of g: so only the shape of g counts, and no network is asked for means that no map of the
    two phases has. What is left open, how far apart the means are, is for sharpness to decide: 1 - B, B = Var(s) /
    (M (1 - M)) over all pixels of the batch, M their mean, is 0 for zeros and ones. See `restarts` for what binarity
    says.

    Batches should hold 8 pictures or more.

    Args:
        g: shape of g(t) of each label, K values in [0, 1].
        weights: weight of each label, 0 to leave one out; all 1 by default.
        margin: px of context on each side of the mask that don't count.
        edge_weight: weight of the penalty on borders of a mask that follow no edge of its picture, by a `Segmenter`.
        name: name of the loss.
        **kwargs: forwarded to `keras.losses.Loss`.
    """

    def __init__(
        self, g: Sequence[float], weights: Sequence[float] | None = None, margin: int = 0, edge_weight: float = 0.0,
        name: str = "correlation_loss", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(g, weights, margin, edge_weight, name, **kwargs)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss of the batch, the same for each of its pictures, ``(batch,)``."""
        g, weights = self.table.look_up(y_true)
        pixels = _counted(y_pred, self.margin)
        shares = weights / tf.maximum(tf.reduce_sum(weights), _TINY)
        mean = tf.reduce_mean(pixels, axis=(1, 2, 3))
        off_mean, off_g = mean - tf.reduce_sum(shares * mean), g - tf.reduce_sum(shares * g)
        spread = tf.reduce_sum(shares * off_mean**2) * tf.reduce_sum(shares * off_g**2)
        r = tf.reduce_sum(shares * off_mean * off_g) / tf.sqrt(spread + _SPREAD)
        grey = tf.reduce_sum(shares * tf.reduce_mean(pixels * (1 - pixels), axis=(1, 2, 3)))
        whole = tf.reduce_sum(shares * mean)
        penalty = tf.convert_to_tensor(self.sharpening) * _GREY * grey / (whole * (1 - whole) + _SHARE)
        return tf.fill(tf.shape(mean), 1 - r * tf.abs(r) + penalty)


@keras.saving.register_keras_serializable(package=PACKAGE)
class PixelLoss(MeanMaskLoss):
    """Squared error between every pixel of the mask and g(t): w_t mean((s - g(t))^2), that is Eq. 4 plus Var(s).

    At its minimum each pixel has the mean g of all pictures in which its surroundings occur. A local network then tells
    two phases apart whatever g's start, shape and end are, as long as it falls; but its masks are grey, and their mean
    is not g. See `training.area_shares`.
    """

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """One loss per picture, ``(batch,)``."""
        g, weights = self.table.look_up(y_true)
        error = tf.square(_counted(y_pred, self.margin) - tf.reshape(g, (-1, 1, 1, 1)))
        return weights * tf.reduce_mean(error, axis=(1, 2, 3))


@keras.saving.register_keras_serializable(package=PACKAGE)
class SoftLabelLoss(keras.losses.Loss):
    """Cross-entropy against labels that neighbours share: the target of label k for the true y is exp(-(k - y)^2).

    The targets of a picture sum to one (Diaz and Marathe 2019, Eq. 1, with the squared distance in ranks). `y_true` is
    the label, ``(batch,)`` or ``(batch, 1)``; `y_pred` the probabilities, ``(batch, K)``.

    Args:
        name: name of the loss.
        **kwargs: forwarded to `keras.losses.Loss`.
    """

    def __init__(self, name: str = "soft_label_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """One loss per picture, ``(batch,)``."""
        ranks = tf.range(y_pred.shape[-1], dtype=tf.float32)
        distance = ranks - tf.reshape(tf.cast(y_true, tf.float32), [-1, 1])
        return keras.losses.categorical_crossentropy(tf.nn.softmax(-tf.square(distance)), y_pred)


@keras.saving.register_keras_serializable(package=PACKAGE)
class CumulativeLoss(keras.losses.Loss):
    """Sum of the K - 1 binary cross-entropies of "is y > k?" (CORAL: Cao, Mirjalili and Raschka 2020, Eq. 5).

    Both P(y > k) and P(y <= k) are sums of probabilities, never a difference from 1, which would lose small ones.
    `y_true` is the label, ``(batch,)`` or ``(batch, 1)``; `y_pred` the probabilities, ``(batch, K)``.

    Args:
        name: name of the loss.
        **kwargs: forwarded to `keras.losses.Loss`.
    """

    def __init__(self, name: str = "cumulative_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **{**kwargs, "dtype": "float32"})

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """One loss per picture, ``(batch,)``."""
        above = tf.cumsum(y_pred, axis=-1, exclusive=True, reverse=True)[:, :-1]
        below = tf.cumsum(y_pred, axis=-1)[:, :-1]
        thresholds = tf.range(y_pred.shape[-1] - 1, dtype=tf.float32)
        over = tf.reshape(tf.cast(y_true, tf.float32), [-1, 1]) > thresholds
        return -tf.reduce_sum(tf.math.log(tf.where(over, above, below) + _TINY), axis=-1)


def _likelihood() -> keras.losses.Loss:
    """-log P(y): also CORN's loss, whose conditional tasks multiply to it, but for the count of tasks it is over."""
    return keras.losses.SparseCategoricalCrossentropy(dtype="float32")


# What the heads of the classifier are trained by, see `heads.Head`.
GRADE_LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "likelihood": _likelihood,
    "soft_label": SoftLabelLoss,
    "cumulative": CumulativeLoss,
}


def grade_loss(head: str) -> keras.losses.Loss:
    """The loss that a classifier is trained by.

    Args:
        head: a name in `HEADS`.

    Raises:
        SettingError: if the head is unknown.
    """
    loss = HEADS[head].loss
    return GRADE_LOSSES[loss]() if isinstance(loss, str) else loss()


def mean_loss(name: str) -> type[MeanLoss]:
    """The class of loss that a segmenter is trained by.

    Args:
        name: in `LOSSES`.

    Raises:
        SettingError: if the name is unknown, or a plug-in's loss is no subclass of `MeanLoss`.
    """
    loss = LOSSES[name]
    if not (isinstance(loss, type) and issubclass(loss, MeanLoss)):
        raise SettingError(
            f"loss {name!r} must be a subclass of copper_tf.models.MeanLoss that defines distance(mean, g). "
            f"Received: {getattr(loss, '__name__', loss)}"
        )
    return loss


def register_loss(name: str) -> Callable[[type[MeanLoss]], type[MeanLoss]]:
    """Registers a loss of the mean of a mask: a subclass of `MeanLoss` that defines `MeanLoss.distance`.

    Example:

    >>> import keras
    >>> from copper_tf.models import MeanLoss, register_loss
    >>> @register_loss("absolute")
    ... @keras.saving.register_keras_serializable(package="my_package")
    ... class AbsoluteLoss(MeanLoss):
    ...     @staticmethod
    ...     def distance(mean, g):
    ...         return keras.ops.abs(mean - g)
    """

    def register(loss: type[MeanLoss]) -> type[MeanLoss]:
        LOSSES[name] = loss
        return loss

    return register
