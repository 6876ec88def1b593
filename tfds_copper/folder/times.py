"""Stress times: one number with a unit, and many of them brought to one unit."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence

from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import CELL_NUMBER, PLAIN, Style, plain_cell, read_number
from tfds_copper.folder.units import SECONDS
from tfds_copper.folder.words import look_behind

__all__ = ["Time", "bounded", "common_unit", "joined", "label_names", "parse_cell", "time_text"]

# Beyond it there is no bath, and a conversion between units would lose digits.
_LONGEST = 1e12
# What may follow the unit in a cell: after.
_AFTER = re.compile(r"\s*[後后후]?\.?\s*")


@dataclasses.dataclass(frozen=True)
class Time:
    """A stress time as written in one place.

    Args:
        value: the number.
        unit: ``s``, ``min``, ``h``, ``d``, ``w``, ``mo``, ``y``, or empty where none is written.
        where: the folder or line it was read from, for messages.
        text: the name or cell it was read from.
        doubt: what else it may be, for a warning; empty where it can be nothing else.
    """

    value: float
    unit: str
    where: str
    text: str = ""
    doubt: str = ""


def bounded(value: float, number: str, where: str) -> float:
    """The value of a number, which must not be too large.

    Raises:
        InputError: naming `where`, if it is.
    """
    if value > _LONGEST:
        raise InputError(f"{where}: t must be a number of at most {_LONGEST:g}. Received: {number}")
    return value


def joined(parts: Iterable[tuple[float, str]]) -> tuple[float, str]:
    """The sum of the parts of one time, such as 1 h and 30 min, in the smallest of their units."""
    parts = list(parts)
    unit = min((unit for _, unit in parts), key=SECONDS.__getitem__)
    return round(sum(value * SECONDS[of] / SECONDS[unit] for value, of in parts), 9), unit


def _not_a_time(text: str, where: str, why: str = "") -> InputError:
    return InputError(
        f"{where}: t must be a number of at least 0, with or without a unit ({', '.join(SECONDS)}). "
        f"Received: {text!r}{f', which may be {why}' if why else ''}"
    )


def parse_cell(text: str, where: str, style: Style = PLAIN) -> Time:
    """The time in a cell of a table: a number of at least 0, with or without a unit, or several with units.

    Args:
        text: the cell.
        where: what a message should call it.
        style: how the table writes numbers.

    Raises:
        InputError: if the cell holds anything else.
    """
    rest, parts, doubts = plain_cell(text), list[tuple[float, str]](), list[str]()
    while match := CELL_NUMBER.match(rest):
        number = read_number(match[0])
        if number is None:
            break
        value, doubt = style.choose(number, match[0])
        behind = look_behind(rest[match.end() :])
        if behind.word or behind.unclear or behind.other:
            raise _not_a_time(text, where, behind.unclear or behind.other)
        if parts and not 0 < SECONDS.get(behind.unit, math.inf) < SECONDS[parts[-1][1]]:
            break
        rest = rest[match.end() + behind.end :].lstrip()
        parts.append((value + 0.5 * behind.half, behind.unit))
        doubts.append(doubt)
        if _AFTER.fullmatch(rest):
            value, unit = joined(parts) if behind.unit else parts[0]
            return Time(bounded(value, text, where), unit, where, text, "; ".join(filter(None, doubts)))
        if not behind.unit:
            break
    raise _not_a_time(text, where)


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
    unit = min((t.unit for t in times), key=SECONDS.__getitem__)
    # Rounded, so that 0.1 h and 6 min are one time.
    return unit, [round(t.value * SECONDS[t.unit] / SECONDS[unit], 9) for t in times]


def time_text(t: float) -> str:
    """A stress time's number in its shortest exact form: ``0``, ``2.5``."""
    return str(int(t)) if float(t).is_integer() else repr(float(t))


def label_names(times: Sequence[float], unit: str) -> tuple[str, ...]:
    """The labels as a reader should see them: ``0 h``, ``2.5 h``."""
    return tuple(f"{time_text(t)} {unit}".strip() for t in times)
