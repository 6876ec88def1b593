"""Stress times as people write them: ``t03``, ``15min``, ``2.5 h``, ``15分``.

Units are a table and not pint, which knows neither the Japanese ones nor ``Hours``.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Sequence

from tfds_copper.errors import InputError

__all__ = ["Time", "common_unit", "label_names", "numbers_in", "parse_cell", "parse_name", "time_text"]

# Seconds in each unit, in the order in which units are tried as the common one.
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_WORDS = {
    "s": ("s", "sec", "secs", "second", "seconds", "秒", "秒間"),
    "min": ("min", "mins", "minute", "minutes", "分", "分間"),
    "h": ("h", "hr", "hrs", "hour", "hours", "時間"),
    "d": ("d", "day", "days", "日", "日間"),
    "w": ("w", "wk", "wks", "week", "weeks", "週", "週間"),
}
_UNIT = {word: unit for unit, words in _WORDS.items() for word in words}
_NUMBER = r"\d+(?:\.\d+)?"
# Beyond it there is no bath, and a conversion between units would lose digits.
_LONGEST = 1e12


@dataclasses.dataclass(frozen=True)
class Time:
    """A stress time as written in one place.

    Args:
        value: the number.
        unit: ``s``, ``min``, ``h``, ``d``, ``w``, or empty where none is written.
        where: the folder or line it was read from, for messages.
    """

    value: float
    unit: str
    where: str


def numbers_in(name: str) -> list[str]:
    """The numbers in a folder's name, as written (full-width digits as plain ones)."""
    return re.findall(_NUMBER, unicodedata.normalize("NFKC", name))


def _value(number: str, where: str) -> float:
    value = float(number)
    if value > _LONGEST:
        raise InputError(f"{where}: t must be a number of at most {_LONGEST:g}. Received: {number}")
    return value


def parse_name(name: str, where: str) -> Time:
    """The time in a class folder's name.

    Args:
        name: the folder's name; must hold exactly one number.
        where: what a message should call the folder.

    Raises:
        InputError: if the name holds no number, or several.
    """
    found = list(re.finditer(_NUMBER + r"[\s_\-]*([^\W\d_]*)", unicodedata.normalize("NFKC", name)))
    if len(found) != 1:
        count = "none" if not found else ", ".join(numbers_in(name))
        raise InputError(
            f"{where}: the name of a folder with pictures must hold exactly one number, the stress time t "
            f"(t03, 15min, 2.5h). Received: {count} in {name!r}"
        )
    return Time(_value(numbers_in(name)[0], where), _UNIT.get(found[0].group(1).casefold(), ""), where)


def parse_cell(text: str, where: str) -> Time:
    """The time in a cell of a table: a number of at least 0, with or without a unit.

    Raises:
        InputError: if the cell holds anything else.
    """
    match = re.fullmatch(rf"\+?({_NUMBER}(?:[eE][+-]?\d+)?)\s*(\D*)", unicodedata.normalize("NFKC", text).strip())
    unit = match.group(2).strip().casefold() if match else ""
    if match is None or (unit and unit not in _UNIT):
        raise InputError(
            f"{where}: t must be a number of at least 0, with or without a unit ({', '.join(_SECONDS)}). "
            f"Received: {text!r}"
        )
    return Time(_value(match.group(1), where), _UNIT.get(unit, ""), where)


def common_unit(times: Iterable[Time]) -> tuple[str, list[float]]:
    """All times in one unit, the smallest that occurs.

    Returns:
        The unit (empty where none is written anywhere) and the values.

    Raises:
        InputError: if some times have a unit and others have none.
    """
    times = list(times)
    with_unit = [t for t in times if t.unit]
    without = [t for t in times if not t.unit]
    if with_unit and without:
        raise InputError(
            f"{with_unit[0].where}: units must be written on all stress times or on none. "
            f"Received: {with_unit[0].unit!r} here and none on {without[0].where}"
        )
    if not with_unit:
        return "", [t.value for t in times]
    unit = min((t.unit for t in times), key=_SECONDS.__getitem__)
    # Rounded, so that 0.1 h and 6 min are one time.
    return unit, [round(t.value * _SECONDS[t.unit] / _SECONDS[unit], 9) for t in times]


def time_text(t: float) -> str:
    """A stress time's number in its shortest exact form: ``0``, ``2.5``."""
    return str(int(t)) if float(t).is_integer() else repr(float(t))


def label_names(times: Sequence[float], unit: str) -> tuple[str, ...]:
    """The labels as a reader should see them: ``0 h``, ``2.5 h``."""
    return tuple(f"{time_text(t)} {unit}".strip() for t in times)
