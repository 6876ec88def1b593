"""The base of all results: frozen dataclasses that are written as JSON with a version, and read back."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar, get_origin

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from tfds_copper.errors import RunError
from tfds_copper.files import read_json, write_json

__all__ = ["FORMAT_KEY", "Result", "structure", "transient"]

T = TypeVar("T")

# The key of a result's form and version, the first of its JSON.
FORMAT_KEY = "format"

_converter = cattrs.Converter(forbid_extra_keys=True)
# JSON has no NaN: it is written as null, see `write_json`, and read back as NaN where a number must be.
_converter.register_structure_hook(float, lambda value, _: math.nan if value is None else float(value))
_converter.register_unstructure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, Path), str)
_converter.register_structure_hook(Path, lambda value, _: Path(value))


def _overrides(kind: type) -> dict[str, Any]:
    """What a field's metadata ask for: ``{"key": "class"}`` another JSON key, ``{"transient": True}`` none at all."""
    return {
        f.name: override(rename=f.metadata.get("key"), omit=f.metadata.get("transient", False))
        for f in dataclasses.fields(kind)
        if {"key", "transient"} & set(f.metadata)
    }


@_converter.register_structure_hook_factory(dataclasses.is_dataclass)
def _structure(kind: type) -> Any:
    return make_dict_structure_fn(kind, _converter, _cattrs_forbid_extra_keys=True, **_overrides(kind))


@_converter.register_unstructure_hook_factory(lambda kind: dataclasses.is_dataclass(get_origin(kind) or kind))
def _unstructure(kind: type) -> Any:
    return make_dict_unstructure_fn(kind, _converter, **_overrides(kind))


def transient() -> Any:
    """A field for what only the caller needs, e.g. the path of a page: None by default, and no part of the JSON."""
    return dataclasses.field(default=None, compare=False, metadata={"transient": True})


def structure(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass within a result from its plain values.

    Args:
        kind: the dataclass.
        values: as `Result.to_dict` nests them.
    """
    return _converter.structure(values, kind)


@dataclasses.dataclass(frozen=True)
class Result:
    """Base of the results that are kept: each is a frozen dataclass whose fields say what it holds.

    Attributes:
        FORMAT: name and version of the JSON form, e.g. ``"copper-evaluation 1"``; another version isn't read.
        NAME: of its file in a run's ``scores/``, without ``.json``; set by the results that a run keeps.
        COMMAND: the verb of ``copper`` that writes it, where that isn't its name.
    """

    FORMAT: ClassVar[str]
    NAME: ClassVar[str]
    COMMAND: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, nested, with the form and version first."""
        return {FORMAT_KEY: self.FORMAT, **_converter.unstructure(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "result") -> Self:
        """The inverse of `to_dict`.

        Args:
            values: plain values.
            source: the file they come from, for the message.

        Raises:
            RunError: if they are of another version or form.
        """
        written = values.get(FORMAT_KEY)
        if written != cls.FORMAT:
            raise RunError(f"{source}: this version of copper-tf reads {cls.FORMAT!r}. Received: {written!r}")
        try:
            return _converter.structure({k: v for k, v in values.items() if k != FORMAT_KEY}, cls)
        except (cattrs.BaseValidationError, TypeError, ValueError, KeyError) as error:
            reasons = cattrs.transform_error(error) if isinstance(error, cattrs.BaseValidationError) else [str(error)]
            raise RunError(f"{source}: must be what copper-tf wrote. Received: {reasons[0]}") from None

    def write(self, file: str | os.PathLike[str]) -> Path:
        """Writes the result as JSON, atomically, and returns the path."""
        write_json(Path(file), self.to_dict())
        return Path(file)

    @classmethod
    def read(cls, file: str | os.PathLike[str]) -> Self:
        """Reads what `write` wrote.

        Raises:
            RunError: if the file is missing, no JSON, or of another version or form.
        """
        path = Path(file)
        if not path.is_file():
            raise RunError(f"{path}: must be a result that copper-tf wrote. Received: no such file")
        try:
            values = read_json(path)
        except ValueError as error:
            raise RunError(f"{path}: must be JSON as it was written. Received: {error}") from None
        return cls.from_dict(values, str(path))
