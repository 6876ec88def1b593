"""The one definition of every setting of a run; flags, files, the tuner's space and the docs are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfds_copper.plugins import Registry
from tfds_copper.settings import Group, setting

__all__ = [
    "ANCHORS",
    "AREAS",
    "BALANCED",
    "CLASS_WEIGHTS",
    "CORRELATION",
    "DECODERS",
    "ENOUGH_CROPS",
    "FIXED",
    "HEADS",
    "ITERATIVE",
    "KINDS",
    "KL",
    "LEARN",
    "LOSSES",
    "MIN_BINARITY",
    "MIN_CORRELATED",
    "MOVES_TO",
    "NUMBER",
    "PIXELS",
    "RANK",
    "SQUARED",
    "SYMMETRIES",
    "TIME_SCALES",
    "TRY_CROPS",
    "DataSettings",
    "ModelSettings",
    "TrainingSettings",
]

KINDS = ("classifier", "segmenter")
# How many of the eight symmetries of a square each value of `symmetry` allows: the first two keep a tilt's direction.
SYMMETRIES = {"square": 8, "mirror": 2, "none": 1}
# How a classifier comes from features to the probabilities of ordered labels.
HEADS: Registry[Any] = Registry(
    "head", {name: f"copper_tf.models.heads:{name.upper()}" for name in ("softmax", "soft", "coral", "corn")}
)
# How a segmenter gets back up to full size.
DECODERS: Registry[Any] = Registry("decoder", {"unet": "copper_tf.models.decoders:unet_decoder"})
# How a mask is compared with g: its mean by the paper's Eq. 4, as the share of a phase, or with free ends of g; or each
# of its pixels.
SQUARED, KL, CORRELATION, PIXELS = "squared", "kl", "correlation", "pixels"
LOSSES: Registry[Any] = Registry(
    "loss",
    {
        SQUARED: "copper_tf.models.losses:MeanMaskLoss",
        KL: "copper_tf.models.losses:MeanMaskDivergence",
        CORRELATION: "copper_tf.models.losses:CorrelationLoss",
        PIXELS: "copper_tf.models.losses:PixelLoss",
    },
)
# The ways to come to a g; all of them fill the same table of the loss.
LEARN = FIXED, ANCHORS, ITERATIVE, AREAS = ("fixed", "anchors", "iterative", "areas")
# How a law reads the stress times: as the numbers that they are, or by their ranks, as if all steps were equal.
TIME_SCALES = NUMBER, RANK = ("number", "rank")
# The binarity below which maps are too grey to be of two phases, and a net may have found another texture.
MIN_BINARITY = 0.5
# How much the pictures of each label weigh in a classifier's loss: all alike, or as much as those of any other label.
CLASS_WEIGHTS = UNWEIGHTED, BALANCED = ("none", "balanced")
# Crops that a training needs whatever the number of pictures: `epochs` that are left open go through as many. With a
# third of them grades and maps are worse.
ENOUGH_CROPS = 24_000
# Crops after which a try is judged where `restart_epochs` are left open.
TRY_CROPS = 2_000
# Up to which share of the epochs the shape of g is moved where it is learned.
MOVES_TO = 0.8
# The smallest batch over which a correlation is worth following.
MIN_CORRELATED = 4


@dataclass(frozen=True)
class DataSettings(Group):
    """How micrographs become training crops."""

    crop: int = setting(256, "side of the part of a training crop that counts", low=8, unit="px", search=(64, 128, 256))
    margin: int = setting(
        0, "context around a training crop that does not count in the mean", low=0, unit="px", only="segmenter"
    )
    crops: int = setting(1, "crops drawn from each picture in an epoch", low=1)
    normalisation: str = setting(
        "dataset",
        "grey values relative to the training set, to the picture, or to a window around each pixel",
        choices=("dataset", "picture", "local"),
    )
    window: int = setting(31, "side of the window of local normalisation, odd", low=3, unit="px")
    symmetry: str = setting(
        "square",
        "how crops are turned: mirrors and quarter turns, only the left-right mirror that keeps a tilt, or not at all",
        choices=tuple(SYMMETRIES),
    )
    gain: float = setting(0.2, "contrast of a crop varies by up to this share", low=0.0, high=0.9)
    offset: float = setting(
        0.2, "brightness of a crop varies by up to this many standard deviations", low=0.0, high=5.0
    )


@dataclass(frozen=True)
class ModelSettings(Group):
    """The architecture, in the paper's own letters."""

    n: int = setting(2, "convolutions in a residual block", low=1, high=8, search=(1, 2, 3))
    N: int = setting(1, "residual blocks in a stage", low=1, high=8, search=(1, 2, 3))
    c: int = setting(32, "channels, the same everywhere", low=1, high=1024, search=(8, 16, 32, 64))
    d: int = setting(4, "stages, each followed by a 2x2 max pool", low=1, high=8, search=(2, 3, 4, 5))
    tta: str = setting(
        "none",
        "test-time augmentation: results are averaged over all views that symmetry allows (2 or 8 times the work)",
        choices=("none", "all"),
    )
    padding: str = setting("reflect", "what a convolution sees beyond the border", choices=("reflect", "zero"))
    head: str = setting(
        "softmax",
        "how a classifier grades: softmax takes labels as unrelated, soft lets neighbours share a label, coral puts "
        "thresholds on one score, corn chains the questions whether t is later still",
        choices=HEADS,
        only="classifier",
    )
    decoder: str = setting("unet", "how a segmenter gets back up to full size", choices=DECODERS, only="segmenter")


@dataclass(frozen=True)
class TrainingSettings(Group):
    """How a model is trained."""

    hypothesis: str = setting(
        "linear",
        "g, the supposed law of decay: a registered name, or a table keyed by t (JSON text or file)",
        search=("linear", "sqrt", "square", "exponential"),
        only="segmenter",
    )
    time_scale: str = setting(
        NUMBER,
        "how a named hypothesis reads t: as the number that it is, or as its rank, as if all steps were equal",
        choices=TIME_SCALES,
        only="segmenter",
    )
    learn: str = setting(
        "fixed",
        "where g comes from: fixed takes the hypothesis as it is; anchors trains on the first and the last t alone, "
        "without any hypothesis; iterative starts from the hypothesis and moves it towards what the label means say; "
        "areas measures the area of the phases on first maps that need no law, so that start and end are learned, too",
        choices=LEARN,
        only="segmenter",
    )
    loss: str = setting(
        SQUARED,
        "loss that compares a mask with g: the squared error of its mean, Eq. 4; KL(g | mean), the Kullback-Leibler "
        "divergence, which has the gradient of cross-entropy; their correlation, which leaves free where g starts and "
        "ends; or the squared error of every pixel, whose maps are grey",
        choices=LOSSES,
        search=(SQUARED, KL),
        only="segmenter",
    )
    class_weight: str = setting(
        UNWEIGHTED,
        "weight of the pictures of each label in the loss: balanced makes labels of few pictures count as much as "
        "others",
        choices=CLASS_WEIGHTS,
        only="classifier",
    )
    edge_weight: float = setting(
        0.0,
        "weight of the penalty on borders of areas that follow no edge of the picture; it grows while training",
        low=0.0,
        high=100.0,
        only="segmenter",
    )
    epochs: int = setting(
        200,
        f"times that the training pictures are gone through; 0 takes as many as go through {ENOUGH_CROPS} crops",
        low=0,
    )
    restarts: int = setting(
        0,
        "retries from new random weights, at most; the weights that draw the most binary maps are trained on",
        low=0,
        high=63,
        only="segmenter",
    )
    restart_epochs: int = setting(
        2,
        "epochs after which the maps of a try are judged, where restarts are allowed; 0 takes as many as go through "
        f"{TRY_CROPS} crops, at most a quarter of all",
        low=0,
        only="segmenter",
    )
    restart_binarity: float = setting(
        MIN_BINARITY,
        "binarity of the maps that is good enough to stop retrying; 1 makes all retries",
        low=0.05,
        high=1.0,
        only="segmenter",
    )
    batch_size: int = setting(8, "crops in a training step", low=1, search=(4, 8, 16, 32))
    learning_rate: float = setting(0.001, "learning rate of Adam", low=1e-7, high=1.0, search=(3e-4, 1e-3, 3e-3))
    schedule: str = setting(
        "constant",
        "how the learning rate goes on: it stays, or falls to 0 along a cosine over the epochs",
        choices=("constant", "cosine"),
    )
    patience: int = setting(0, "epochs without a better validation score before training stops; 0 never stops", low=0)
    keep: str = setting(
        "best",
        "which epoch's weights a run keeps: those of the best validation score, which a few sheets can mislead, or "
        "the last",
        choices=("best", "last"),
    )
    policy: str = setting(
        "auto",
        "precision: auto takes mixed_float16 on a GPU, mixed_bfloat16 where the processor has it and c is a "
        "multiple of 16, float32 else",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    seed: int = setting(0, "seed of weights, crops and their order", low=0)

    @property
    def moves_g(self) -> bool:
        """Whether a run's g isn't the one that it begins with: it is learned, or its start and end are."""
        return self.learn in (ITERATIVE, AREAS) or self.loss == CORRELATION
