"""The config of a run: all of its settings, checked against each other, and the presets."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

from copper_tf.settings import (
    ANCHORS,
    AREAS,
    BALANCED,
    CORRELATION,
    DECODERS,
    ENOUGH_CROPS,
    FIXED,
    HEADS,
    ITERATIVE,
    KINDS,
    KL,
    LEARN,
    LOSSES,
    MIN_BINARITY,
    MIN_CORRELATED,
    MOVES_TO,
    NUMBER,
    PIXELS,
    RANK,
    SQUARED,
    SYMMETRIES,
    TIME_SCALES,
    TRY_CROPS,
    DataSettings,
    ModelSettings,
    TrainingSettings,
)
from tfds_copper.errors import SettingError
from tfds_copper.settings import Group, setting_fields

__all__ = [
    "ANCHORS",
    "AREAS",
    "BALANCED",
    "CORRELATION",
    "DECODERS",
    "DEFAULT",
    "ENOUGH_CROPS",
    "FIXED",
    "HEADS",
    "ITERATIVE",
    "KINDS",
    "KL",
    "LEARN",
    "LOSSES",
    "MIN_BINARITY",
    "MOVES_TO",
    "NUMBER",
    "PAPER",
    "PIXELS",
    "PRESETS",
    "RANK",
    "SQUARED",
    "SYMMETRIES",
    "TIME_SCALES",
    "Config",
    "DataSettings",
    "ModelSettings",
    "TrainingSettings",
    "default_config",
    "unread_settings",
]

# Whole sets of settings by name, as changes of what the settings themselves say: for each kind.
DEFAULT, PAPER = "default", "paper"
# Sheets differ in brightness and contrast, so grey values are relative to what is around them.
_USUAL: dict[str, Any] = {
    "normalisation": "local", "window": 127, "gain": 0.5, "offset": 0.0,
    "epochs": 0, "learning_rate": 0.003, "schedule": "cosine", "keep": "last",
}  # fmt: skip
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # Right on surfaces of several kinds: see benchmarks/classifier_settings.py and benchmarks/maps/unknown_law.py.
    DEFAULT: {
        "classifier": {**_USUAL, "head": "coral"},
        "segmenter": {
            **_USUAL, "crop": 128, "c": 16, "d": 3, "batch_size": 16,
            "loss": CORRELATION, "edge_weight": 0.3, "learn": ITERATIVE,
            "restarts": 11, "restart_epochs": 0, "restart_binarity": 0.65,
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
        if training.restarts and training.epochs:
            # A shape of g that is learned moves between the tries and that share of the epochs.
            most = training.epochs * (MOVES_TO if (training.learn, training.loss) == (ITERATIVE, CORRELATION) else 1)
            if training.restart_epochs >= most:
                raise SettingError(
                    f"restart_epochs must be under {most:g} where restarts are allowed in {training.epochs} epochs. "
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
        training, crops = self.training, count * self.data.crops
        epochs = training.epochs or max(2, math.ceil(ENOUGH_CROPS / crops))
        if "restart_epochs" in unread_settings(self.kind):
            return self.replace(epochs=epochs)
        tried = training.restart_epochs or min(math.ceil(TRY_CROPS / crops), math.ceil(epochs / 4))
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
