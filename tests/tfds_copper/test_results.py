"""Results survive the way to JSON and back, and refuse what isn't theirs."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import ClassVar

import pytest

from tfds_copper.errors import RunError
from tfds_copper.results import Result, transient


@dataclasses.dataclass(frozen=True)
class _Score:
    name: str
    value: float
    interval: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class _Example(Result):
    FORMAT: ClassVar[str] = "copper-example 1"

    scores: dict[str, _Score]
    rows: tuple[_Score, ...]
    grade: int = dataclasses.field(metadata={"key": "class"})
    page: Path | None = transient()


_WHOLE = _Example({"a": _Score("a", 1.5, (1.0, 2.0))}, (_Score("b", 2.0),), 3)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert _Example.read(_WHOLE.write(tmp_path / "example.json")) == _WHOLE
    values = json.loads((tmp_path / "example.json").read_text())
    assert list(values) == ["format", "scores", "rows", "class"] and values["format"] == "copper-example 1"
    assert values["scores"]["a"] == {"name": "a", "value": 1.5, "interval": [1.0, 2.0]}


def test_a_transient_field_is_not_written(tmp_path: Path) -> None:
    shown = dataclasses.replace(_WHOLE, page=tmp_path / "page.html")
    assert "page" not in shown.to_dict() and shown.page == tmp_path / "page.html"
    assert _Example.read(shown.write(tmp_path / "example.json")).page is None


def test_a_number_that_is_unknown_stays_unknown(tmp_path: Path) -> None:
    unknown = dataclasses.replace(_WHOLE, rows=(_Score("b", math.nan),))
    unknown.write(tmp_path / "example.json")
    assert math.isnan(_Example.read(tmp_path / "example.json").rows[0].value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "copper-example 2"}, "reads 'copper-example 1'. Received: 'copper-example 2'"),
        ({"rows": [{"name": "b"}]}, "must be what copper-tf wrote. Received: required field missing"),
        ({"extra": 1}, "Received: extra fields found"),
    ],
)
def test_other_forms_are_refused_in_one_line(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = tmp_path / "example.json"
    file.write_text(json.dumps({**_WHOLE.to_dict(), **change}))
    with pytest.raises(RunError, match=message) as caught:
        _Example.read(file)
    assert str(caught.value).startswith(str(file)) and "\n" not in str(caught.value)
    file.write_text("{")
    with pytest.raises(RunError, match="must be JSON"):
        _Example.read(file)
    with pytest.raises(RunError, match="no such file"):
        _Example.read(tmp_path / "other.json")
