"""The one definition of every setting of a run; flags, files, the tuner's space and the docs are made from it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from tfds_copper.errors import SettingError
from tfds_copper.plugins import Registry
from tfds_copper.settings import Group, setting, setting_fields

__all__ = [
    "ANCHORS",
    "AREAS",
    "CORRELATION",
    "DECODERS",
    "DEFAULT",
    "ENOUGH_CROPS",
    "FIXED",
    "HEADS",
    "ITERATIVE",
    "KINDS",
    "LEARN",
    "LOSSES",
    "MIN_BINARITY",
    "NUMBER",
    "PAPER",
    "PIXELS",
    "PRESETS",
    "RANK",
    "SYMMETRIES",
    "TIME_SCALES",
    "Config",
    "DataSettings",
    "ModelSettings",
    "TrainingSettings",
    "default_config",
    "unread_settings",
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
# Crops that a training needs whatever the number of pictures: `epochs` that are left open go through as many.
ENOUGH_CROPS = 8000
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
        "what a mask is held against g by: the squared error of its mean, Eq. 4; KL(g | mean), the Kullback-Leibler "
        "divergence, which has the gradient of cross-entropy; their correlation, which leaves free where g starts and "
        "ends; or the squared error of every pixel, whose maps are grey",
        choices=LOSSES,
        search=(SQUARED, KL),
        only="segmenter",
    )
    class_weight: str = setting(
        "none",
        "weight of the pictures of each label in the loss: balanced makes labels of few pictures count as much as "
        "others",
        choices=CLASS_WEIGHTS,
        only="classifier",
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
        "epochs after which the maps of a try are judged, where restarts are allowed; 0 takes a quarter of all",
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
        "precision: auto takes mixed_float16 on a GPU, mixed_bfloat16 where the processor has it, float32 else",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
    )
    seed: int = setting(0, "seed of weights, crops and their order", low=0)

    @property
    def moves_g(self) -> bool:
        """Whether a run's g isn't the one that it begins with: it is learned, or its start and end are."""
        return self.learn in (ITERATIVE, AREAS) or self.loss == CORRELATION


# Whole sets of settings by name, as changes of what the settings themselves say: for each kind.
DEFAULT, PAPER = "default", "paper"
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # Right on surfaces of unknown law: see benchmarks/maps/unknown_law.py.
    DEFAULT: {
        "classifier": {},
        "segmenter": {
            "crop": 128, "normalisation": "local", "window": 127, "gain": 0.5, "offset": 0.0, "c": 16, "d": 3,
            "loss": CORRELATION, "learn": ITERATIVE, "epochs": 0, "batch_size": 16, "learning_rate": 0.003,
            "schedule": "cosine", "keep": "last", "restarts": 11, "restart_epochs": 0, "restart_binarity": 0.65,
        },
    },
    # As the paper trains; a mask is only to be believed where the network is local, so d is 2 (it sees 36 px).
    PAPER: {"classifier": {}, "segmenter": {"c": 16, "d": 2, "margin": 20}},
}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run is.

    Attributes:
        kind: ``"classifier"`` or ``"segmenter"``.
        data: see `DataSettings`.
        model: see `ModelSettings`.
        training: see `TrainingSettings`.
    """

    kind: str
    data: DataSettings
    model: ModelSettings
    training: TrainingSettings

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingError(f"kind must be one of {', '.join(KINDS)}. Received: {self.kind!r}")
        if self.data.window % 2 == 0:
            raise SettingError(f"window must be an odd number of px. Received: {self.data.window}")
        self._check_kind()
        training = self.training
        if training.restarts and training.epochs == 1:
            raise SettingError("epochs must be at least 2, or 0, where restarts are allowed. Received: 1")
        if training.restarts and training.epochs and training.restart_epochs >= training.epochs:
            raise SettingError(
                f"restart_epochs must be fewer than epochs, {training.epochs}, where restarts are allowed. "
                f"Received: {training.restart_epochs}"
            )
        self._check_learn()

    def _check_kind(self) -> None:
        """Refuses settings that only the other kind reads."""
        for group in group_fields():
            for field in setting_fields(GROUPS[group.name]):
                value = getattr(getattr(self, group.name), field.name)
                if field.name in unread_settings(self.kind) and value != field.default:
                    raise SettingError(
                        f"{field.name} is for the {field.metadata['only']} alone; for a {self.kind} leave it out. "
                        f"Received: {value}"
                    )

    def _check_learn(self) -> None:
        """Refuses settings that the way of learning g would leave unread."""
        training = self.training
        if training.learn == ANCHORS and training.hypothesis != TrainingSettings.hypothesis:
            raise SettingError(
                f"hypothesis must be left out where learn is {ANCHORS}: only the first and the last t are trained on, "
                f"for 1 and 0. Received: {training.hypothesis}"
            )
        if training.loss == CORRELATION:
            self._check_correlation()
        if training.learn == ITERATIVE and training.patience:
            raise SettingError(
                f"patience must be 0 where learn is {ITERATIVE}: the scores of epochs of different g can't be "
                f"compared. Received: {training.patience}"
            )

    def _check_correlation(self) -> None:
        """Refuses what a loss can't go with that compares the crops of a batch and sharpens maps at the end."""
        training = self.training
        for name, fits, needs in (
            ("learn", training.learn != ANCHORS, f"{FIXED}, {ITERATIVE} or {AREAS}"),
            ("patience", not training.patience, "0"),
            ("batch_size", training.batch_size >= MIN_CORRELATED, f"at least {MIN_CORRELATED}"),
        ):
            if not fits:
                received = getattr(training, name)
                raise SettingError(f"{name} must be {needs} where loss is {CORRELATION}. Received: {received}")

    def for_pictures(self, count: int) -> Config:
        """The config with numbers of epochs, where they were left open.

        Args:
            count: of the training pictures.
        """
        training = self.training
        epochs = training.epochs or max(2, -(-ENOUGH_CROPS // (count * self.data.crops)))
        tried = training.restart_epochs or -(-epochs // 4)
        if not training.epochs or not training.restart_epochs:
            tried = max(1, min(tried, epochs - 1))
        return self.replace(epochs=epochs, restart_epochs=tried)

    @property
    def normalised_over(self) -> str:
        """Where mean and spread come from, which make the grey value of a pixel relative."""
        window = f"a window of {self.data.window} px around each pixel"
        return {"dataset": "the training set", "picture": "its whole picture", "local": window}[self.data.normalisation]

    @property
    def tta_views(self) -> int:
        """How many views of a picture a result is averaged over."""
        return SYMMETRIES[self.data.symmetry] if self.model.tta == "all" else 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values, nested by group."""
        groups = {f.name: getattr(self, f.name).to_dict() for f in group_fields()}
        return {"kind": self.kind, **groups}

    def to_json(self) -> str:
        """The text of ``config.json``."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Config:
        """The inverse of `to_dict`.

        Raises:
            SettingError: if a group or setting is unknown or a value is not allowed.
        """
        groups: dict[str, Any] = {f.name: GROUPS[f.name].from_dict(values.get(f.name, {})) for f in group_fields()}
        unknown = set(values) - {"kind"} - set(groups)
        if unknown:
            raise SettingError(f"config: groups are kind, {', '.join(groups)}. Received: {sorted(unknown)}")
        return cls(kind=values.get("kind", ""), **groups)

    def flat(self) -> dict[str, Any]:
        """All settings in one level, by their own names (they are unique)."""
        return {"kind": self.kind, **{k: v for g in GROUPS for k, v in getattr(self, g).to_dict().items()}}

    def replace(self, **settings: Any) -> Config:
        """A copy in which the settings named are changed.

        Raises:
            SettingError: if a name is unknown or a value is not allowed.
        """
        owners = {f.name: group for group, kind in GROUPS.items() for f in setting_fields(kind)}
        unknown = sorted(set(settings) - set(owners))
        if unknown:
            raise SettingError(f"unknown setting; known are {', '.join(owners)}. Received: {', '.join(unknown)}")
        changed = self.to_dict()
        for name, value in settings.items():
            changed[owners[name]][name] = value
        return Config.from_dict(changed)


GROUPS: dict[str, type[Group]] = {"data": DataSettings, "model": ModelSettings, "training": TrainingSettings}


def group_fields() -> tuple[dataclasses.Field[Any], ...]:
    """The fields of `Config` that are groups of settings."""
    return tuple(f for f in dataclasses.fields(Config) if f.name in GROUPS)


def unread_settings(kind: str) -> tuple[str, ...]:
    """The settings that a kind of model doesn't read, because only the other does."""
    fields = (f for group in GROUPS.values() for f in setting_fields(group))
    return tuple(f.name for f in fields if f.metadata["only"] not in ("", kind))


def default_config(kind: str, preset: str = DEFAULT, **settings: Any) -> Config:
    """The settings of a preset, with those named changed.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        preset: a name in `PRESETS`.
        **settings: any setting of any group, by its own name, e.g. ``d=3``.

    Raises:
        SettingError: if the kind, the preset or a setting is unknown, or a value is not allowed.
    """
    if preset not in PRESETS:
        raise SettingError(f"preset must be one of {', '.join(PRESETS)}. Received: {preset!r}")
    return Config.from_dict({"kind": kind}).replace(**{**PRESETS[preset].get(kind, {}), **settings})
