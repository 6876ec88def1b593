"""What an architecture search varies and improves: the grid of settings, its objectives, and what they cost."""

from __future__ import annotations

import dataclasses
import itertools
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.search_results import Cost, Objective
from copper_tf.config import (
    CORRELATION,
    DEFAULT,
    GROUPS,
    KINDS,
    KL,
    PAPER,
    PIXELS,
    PRESETS,
    SQUARED,
    Config,
    unread_settings,
)
from copper_tf.decay.hypotheses import HYPOTHESES
from tfds_copper.errors import SettingError
from tfds_copper.settings import field_types, setting_fields

if TYPE_CHECKING:
    import keras_tuner

__all__ = [
    "ARCHITECTURE",
    "AUTO",
    "BUDGETS",
    "COSTS",
    "MOST_POINTS",
    "OBJECTIVES",
    "PRESET",
    "SearchSettings",
    "SearchSpace",
    "name_of",
    "parse_space",
    "preset_of",
    "searchable",
    "seed_of",
]

# The batch size that is chosen for each point.
AUTO = "auto"
# The oracles, each with the share of the full grid's training steps that it may take where no budget is given.
BUDGETS = {"grid": 1.0, "random": 0.25, "bayesian": 0.25, "hyperband": 0.25}
# What a search of each kind can improve; the first is the default.
OBJECTIVES: dict[str, dict[str, Objective]] = {
    "classifier": {
        "accuracy": Objective("accuracy", "validation accuracy", "max"),
        "qwk": Objective("qwk", "validation QWK", "max"),
        "mae": Objective("mae", "validation MAE in steps", "min"),
    },
    "segmenter": {"nmse": Objective("nmse", "validation NMSE", "min")},
}
# What the objective can be weighed against; the first is the default.
COSTS = {
    "memory": Cost("memory", "peak memory of a training step", "GB", "memory_bytes"),
    "speed": Cost("speed", "time of a validation picture", "s", "seconds_per_picture"),
}
# The settings that a search begins with. Segmenters are only comparable while they learn the same supposed g.
PRESET = {"classifier": DEFAULT, "segmenter": PAPER}
# What the paper searched.
ARCHITECTURE = ("n", "N", "c", "d")
# Points are enumerated, so that none is drawn twice and the search knows what it left out.
MOST_POINTS = 20_000


@dataclass(frozen=True)
class SearchSettings:
    """The settings of a search beside those of its runs; None takes the default, or with resume that of the search.

    Attributes:
        space: settings that are searched, ``NAME`` or ``NAME=VALUE,VALUE``; none for n, N, c and d.
        oracle: how points are chosen, a key of `BUDGETS`; ``"hyperband"`` by default.
        objective: what is improved, a key of `OBJECTIVES`; the first of its kind by default.
        against: what it is weighed against, a key of `COSTS`; ``"memory"`` by default.
        budget: share of the full grid's training steps that may be taken.
        memory_limit: what a training step may need, e.g. ``"12GB"``; none by default.
        batch_size: crops in a training step, or `AUTO`: for each point the largest power of 2 within the memory limit.
        probe_memory: measure the memory of a few points first.
        seed: with the settings of a point, the seed of its weights and crops; 0 by default.
        oracle_seed: seed of the choices; that of `seed` by default.
        preset: whose settings its runs begin with; `PRESET` has the usual one of each kind.
    """

    space: Sequence[str] | None = None
    oracle: str | None = None
    objective: str | None = None
    against: str | None = None
    budget: float | None = None
    memory_limit: str | None = None
    batch_size: int | str | None = None
    probe_memory: bool = False
    seed: int | None = None
    oracle_seed: int | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("oracle", BUDGETS), ("against", COSTS), ("preset", PRESETS)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise SettingError(f"{name} must be one of {', '.join(allowed)}. Received: {value!r}")
        if self.budget is not None and not 0 < self.budget <= 1:
            raise SettingError(f"budget must be over 0 and at most 1. Received: {self.budget:g}")
        if self.batch_size != AUTO and self.batch_size is not None and not str(self.batch_size).isdecimal():
            raise SettingError(
                f"batch_size must be {AUTO} or a whole number of at least 1. Received: {self.batch_size!r}"
            )

    @property
    def fixed_batch_size(self) -> dict[str, int]:
        """The batch as a setting of the runs, where a number is given."""
        return {} if self.batch_size is None or self.batch_size == AUTO else {"batch_size": int(self.batch_size)}

    def objective_of(self, kind: str) -> Objective:
        """The `Objective` that is asked for, or the default one.

        Raises:
            SettingError: if a search of this kind has none of that name.
        """
        known = OBJECTIVES[kind]
        if self.objective is not None and self.objective not in known:
            raise SettingError(f"objective must be one of {', '.join(known)}. Received: {self.objective!r}")
        return known[self.objective or next(iter(known))]

    @classmethod
    def split(cls, settings: Mapping[str, Any]) -> tuple[SearchSettings, dict[str, Any]]:
        """(settings of a search, settings of its runs) out of both by name."""
        own = {field.name for field in dataclasses.fields(cls)}
        wanted = cls(**{name: value for name, value in settings.items() if name in own})
        return wanted, {name: value for name, value in settings.items() if name not in own}


def preset_of(kind: str, preset: str | None) -> str:
    """The preset that is asked for, or the usual one of a kind of model."""
    return preset or PRESET.get(kind, DEFAULT)


@dataclass(frozen=True)
class SearchSpace:
    """A finite grid of settings.

    Attributes:
        values: of every searched setting, ascending where they are numbers.
    """

    values: Mapping[str, tuple[Any, ...]]

    def points(self) -> dict[str, dict[str, Any]]:
        """The settings of every point by its name, in the order of the grid."""
        grid = (dict(zip(self.values, row, strict=True)) for row in itertools.product(*self.values.values()))
        return {name_of(point): point for point in grid}

    def joined(self, other: SearchSpace) -> SearchSpace:
        """The space with the values of another one added to those of the same settings.

        Raises:
            SettingError: if the points are too many then.
        """
        values = {}
        for name, own in self.values.items():
            both = (*own, *(value for value in other.values.get(name, ()) if value not in own))
            values[name] = both if isinstance(both[0], str) else tuple(sorted(both))
        return SearchSpace(_few(values))

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The same for KerasTuner, under the settings' own names."""
        import keras_tuner

        space = keras_tuner.HyperParameters()
        for name, values in self.values.items():
            space.Choice(name, list(values))
        return space


def name_of(point: Mapping[str, Any]) -> str:
    """What a point is called, and the folder of its run, e.g. ``"n2-N1-c16-d3"``."""
    return "-".join(f"{name}{value}" if len(name) == 1 else f"{name}_{value}" for name, value in point.items())


def seed_of(point: Mapping[str, Any], seed: int) -> int:
    """The seed of weights and crops of a point: the same whenever and wherever it is trained.

    Args:
        point: its settings.
        seed: of the search.
    """
    return zlib.crc32(f"{seed} {name_of(point)}".encode())


def searchable() -> dict[str, tuple[Any, ...]]:
    """The settings that can be searched, and the values that are tried where none are named."""
    fields = (f for group in GROUPS.values() for f in setting_fields(group))
    return {f.name: f.metadata["search"] for f in fields if f.metadata["search"]}


def _value(name: str, kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        noun = {int: "whole numbers", float: "numbers"}[kind]
        raise SettingError(f"space: values of {name} must be {noun}. Received: {text!r}") from None


def _values(entry: str) -> tuple[str, tuple[Any, ...]]:
    """(setting, values) of ``c=8,16`` or of a bare ``c``, whose usual values are taken."""
    name, given, text = entry.partition("=")
    usual = searchable()
    if name not in usual:
        raise SettingError(f"space must name settings that can be searched: {', '.join(usual)}. Received: {name!r}")
    if not given:
        return name, usual[name]
    kinds = {n: kind for group in GROUPS.values() for n, kind in field_types(group).items()}
    values = tuple(_value(name, kinds[name], part.strip()) for part in text.split(",") if part.strip())
    if not values or len(set(values)) < len(values):
        raise SettingError(
            f"space: {name} must be given different values, separated by commas. Received: {text or 'none'}"
        )
    return name, values if kinds[name] is str else tuple(sorted(values))


def parse_space(entries: Iterable[str], base: Config) -> SearchSpace:
    """The space that entries such as ``c=8,16`` name, every value checked.

    Args:
        entries: ``NAME`` or ``NAME=VALUE,VALUE``; none for n, N, c and d with their usual values.
        base: the settings that all runs share.

    Raises:
        SettingError: if a setting is unknown, named twice or not of this kind of model, a value is not allowed, or the
            points are too many.
    """
    pairs = [_values(entry) for entry in list(entries) or ARCHITECTURE]
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"space must name each setting once. Received: {twice[0]} twice")
    if unread := [name for name in names if name in unread_settings(base.kind)]:
        other = next(kind for kind in KINDS if kind != base.kind)
        raise SettingError(f"space: {unread[0]} is for the {other}. Received: a {base.kind}")
    for name, values in pairs:
        for value in values:
            base.replace(**{name: value})
            if name == "hypothesis" and value not in HYPOTHESES:
                known = ", ".join(HYPOTHESES)
                raise SettingError(f"space: hypothesis must be one of {known}. Received: {value!r}")
    losses = dict(pairs).get("loss", (base.training.loss,))
    if others := {CORRELATION, PIXELS} & set(losses):
        raise SettingError(
            f"loss must be one whose runs can be compared before their end, {SQUARED} or {KL}. "
            f"Received: {', '.join(sorted(others))}"
        )
    return SearchSpace(_few(dict(pairs)))


def _few(values: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The values of a space that doesn't have too many points."""
    if (count := math.prod(map(len, values.values()))) > MOST_POINTS:
        raise SettingError(f"space must have at most {MOST_POINTS} points. Received: {count}")
    return values
