"""The space of an architecture search, made from the settings themselves: which are searched, and over which values."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copper_tf.config import GROUPS, KINDS, Config, unread_settings
from copper_tf.decay.hypotheses import HYPOTHESES
from tfds_copper.errors import SettingError
from tfds_copper.settings import field_types, setting_fields

if TYPE_CHECKING:
    import keras_tuner

__all__ = ["ARCHITECTURE", "MOST_POINTS", "Space", "name_of", "parse_space", "searchable", "seed_of"]

# What the paper searched.
ARCHITECTURE = ("n", "N", "c", "d")
# Points are enumerated, so that none is drawn twice and the search knows what it left out.
MOST_POINTS = 20_000


@dataclass(frozen=True)
class Space:
    """A finite grid of settings.

    Attributes:
        values: of every searched setting, ascending where they are numbers.
    """

    values: Mapping[str, tuple[Any, ...]]

    def points(self) -> dict[str, dict[str, Any]]:
        """The settings of every point by its name, in the order of the grid."""
        grid = (dict(zip(self.values, row, strict=True)) for row in itertools.product(*self.values.values()))
        return {name_of(point): point for point in grid}

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


def _values(word: str) -> tuple[str, tuple[Any, ...]]:
    """(setting, values) of ``c=8,16`` or of a bare ``c``, whose usual values are taken."""
    name, given, text = word.partition("=")
    usual = searchable()
    if name not in usual:
        raise SettingError(f"space must name settings that can be searched: {', '.join(usual)}. Received: {name!r}")
    if not given:
        return name, usual[name]
    kinds = {n: kind for group in GROUPS.values() for n, kind in field_types(group).items()}
    values = tuple(_value(name, kinds[name], part.strip()) for part in text.split(",") if part.strip())
    if not values or len(set(values)) < len(values):
        raise SettingError(
            f"space: {name} must be given different values, parted by commas. Received: {text or 'none'}"
        )
    return name, values if kinds[name] is str else tuple(sorted(values))


def parse_space(words: Iterable[str], base: Config) -> Space:
    """The space that words name, every value checked.

    Args:
        words: ``NAME`` or ``NAME=VALUE,VALUE``; none for n, N, c and d with their usual values.
        base: the settings that all runs share.

    Raises:
        SettingError: if a setting is unknown, named twice or not of this kind of model, a value is not allowed, or the
            points are too many.
    """
    pairs = [_values(word) for word in list(words) or ARCHITECTURE]
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
    if (count := math.prod(len(values) for _, values in pairs)) > MOST_POINTS:
        raise SettingError(f"space must have at most {MOST_POINTS} points. Received: {count}")
    return Space(dict(pairs))
