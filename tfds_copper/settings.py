"""How a setting is defined: once, as a field of a frozen dataclass that carries its own help and limits.

Command-line flags, ``config.json``, the tuner's space, TensorBoard's table and the docs' table are all
generated from these fields, so none of them can drift from the others.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection
from typing import Any, TypeVar

from tfds_copper.errors import SettingError

__all__ = ["Group", "Value", "check_value", "field_types", "setting", "setting_fields"]

# What a setting can be.
Value = bool | int | float | str

GroupType = TypeVar("GroupType", bound="Group")


def setting(
    default: Any,
    help: str,
    *,
    choices: Collection[Any] = (),
    low: float | None = None,
    high: float | None = None,
    search: tuple[Any, ...] = (),
    unit: str = "",
    only: str = "",
) -> Any:
    """A dataclass field that knows its own help, limits and search range.

    Args:
        default: the value where none is given.
        help: one sentence, shown on the command line and in the docs' table.
        choices: the allowed values, where they can be listed; a registry allows the names of plug-ins too.
        low: the smallest allowed number.
        high: the largest allowed number.
        search: the values that the architecture search tries.
        unit: the unit of a number, e.g. ``"px"``.
        only: the kind of model that reads it, where the other doesn't.
    """
    metadata = {"help": help, "choices": choices, "low": low, "high": high, "search": search, "unit": unit}
    return dataclasses.field(default=default, metadata={**metadata, "only": only})


def setting_fields(group: type[Group] | Group) -> tuple[dataclasses.Field[Any], ...]:
    """The fields of a group that were made by `setting`."""
    return tuple(f for f in dataclasses.fields(group) if "help" in f.metadata)  # type: ignore[arg-type]


def field_types(group: type[Group]) -> dict[str, type]:
    """The plain type (int, float, bool, str) of each field of a group."""
    return {name: hint for name, hint in typing.get_type_hints(group).items() if isinstance(hint, type)}


def _allowed(kind: type, metadata: types.MappingProxyType[str, Any] | dict[str, Any]) -> str:
    if metadata["choices"]:
        return "one of " + ", ".join(str(c) for c in metadata["choices"])
    noun = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "text")
    low, high = metadata["low"], metadata["high"]
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    if low is not None:
        return f"{noun} of at least {low}"
    return noun if high is None else f"{noun} of at most {high}"


def check_value(field: dataclasses.Field[Any], kind: type, value: Any) -> Any:
    """Returns `value` as the field's own type, or raises.

    Raises:
        SettingError: if the value has the wrong type or lies outside the field's limits.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind is float and whole:
        value = float(value)
    right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    meta = field.metadata
    if right and meta["choices"]:
        right = value in meta["choices"]
    if right and kind in (int, float):
        right = value == value and (meta["low"] is None or value >= meta["low"])
        right = right and (meta["high"] is None or value <= meta["high"])
    if not right:
        raise SettingError(f"{field.name} must be {_allowed(kind, meta)}. Received: {value!r}")
    return value


class Group:
    """Base of the frozen dataclasses whose fields are settings: checks every value when made."""

    def __post_init__(self) -> None:
        kinds = field_types(type(self))
        for field in setting_fields(self):
            object.__setattr__(self, field.name, check_value(field, kinds[field.name], getattr(self, field.name)))

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, in the order of their definition."""
        return {f.name: getattr(self, f.name) for f in setting_fields(self)}

    @classmethod
    def from_dict(cls: type[GroupType], values: dict[str, Any]) -> GroupType:
        """A group from plain values; what is absent keeps its default.

        Raises:
            SettingError: if a name is unknown or a value is not allowed.
        """
        known = [f.name for f in setting_fields(cls)]
        for name in values:
            if name not in known:
                raise SettingError(f"unknown setting {name!r}; known are {', '.join(known)}. Received: {name}")
        return cls(**values)
