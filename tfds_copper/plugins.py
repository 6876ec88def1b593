"""Registries that plug-ins add to: heads, decoders, hypotheses, losses and readers, by entry points.

A package adds to copper-tf by entry points in its own metadata, for example in ``pyproject.toml``::

    [project.entry-points."copper_tf.heads"]
    evidential = "my_package.heads:evidential_head"

Its names are then allowed wherever ours are, in every command and worker process; what they stand for is imported when
it is first asked for.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Generic, TypeVar

from tfds_copper.errors import SettingError

__all__ = ["Plugin", "Registry"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Plugin:
    """What a run needs from outside of copper-tf.

    Attributes:
        kind: what it is, e.g. ``"head"``.
        name: under which it is registered.
        package: that brings it; the module, where it was registered by a program.
        version: of the package, empty where it was registered by a program.
    """

    kind: str
    name: str
    package: str
    version: str = ""

    def __str__(self) -> str:
        """For messages, e.g. ``"head 'evidential' of my-package 1.2"``."""
        return f"{self.kind} {self.name!r} of {f'{self.package} {self.version}'.strip()}"


@functools.cache
def _entry_points(group: str) -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=group)}


class Registry(MutableMapping[str, Value], Generic[Value]):
    """Names and what they stand for: our own, those that a program registers, and those of installed plug-ins.

    Args:
        kind: what is registered, for messages, e.g. ``"head"``.
        builtin: our own, as they are or as the place that they are imported from, ``"module:attribute"``.
    """

    def __init__(self, kind: str, builtin: Mapping[str, Value | str]) -> None:
        self.kind = kind
        self.builtin = tuple(builtin)
        self._values: dict[str, Value | str] = dict(builtin)

    @property
    def group(self) -> str:
        """The group of entry points, e.g. ``"copper_tf.heads"``."""
        return f"copper_tf.{_PLURALS.get(self.kind, self.kind + 's')}"

    def __getitem__(self, name: str) -> Value:
        """What a name stands for, imported where it wasn't yet.

        Raises:
            SettingError: if the name is unknown, or its plug-in can't be imported.
        """
        if name not in self:
            raise SettingError(f"{self.kind} must be one of {', '.join(self)}. Received: {name!r}")
        if name not in self._values:
            self._load(name)
        value = self._values[name]
        if isinstance(value, str):
            module, _, attribute = value.partition(":")
            value = self._values[name] = getattr(importlib.import_module(module), attribute)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """What a name stands for, or the default where it is unknown."""
        return self[name] if name in self else default  # noqa: SIM401

    def _load(self, name: str) -> None:
        point = _entry_points(self.group)[name]
        try:
            value = point.load()
        except Exception as error:
            raise SettingError(
                f"{self.kind} {name!r}: the plug-in {point.value} must be importable. "
                f"Received: {type(error).__name__}: {error}"
            ) from error
        # Importing it may have registered it already, with more than the entry point says.
        self._values.setdefault(name, value)

    def __setitem__(self, name: str, value: Value) -> None:
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values or name in _entry_points(self.group)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._values, **_entry_points(self.group)})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def plugin(self, name: str) -> Plugin | None:
        """Where a name comes from; None for our own and for what isn't a name."""
        if name in self.builtin or name not in self:
            return None
        point = _entry_points(self.group).get(name)
        if point is not None and point.dist is not None:
            return Plugin(self.kind, name, point.dist.name, point.dist.version)
        value: Any = self[name]
        return Plugin(self.kind, name, getattr(value, "__module__", type(value).__module__).partition(".")[0])


_PLURALS = {"hypothesis": "hypotheses", "loss": "losses"}
