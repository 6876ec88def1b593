"""Cells of score tables as numbers and dates: what can be read in two ways is refused, never guessed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

import numpy as np

from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import HYPHENS, MINUS, Style, number_of_cell, plain_cell, style_of
from tfds_copper.folder.tables import spans

__all__ = ["Cell", "dates_of", "numbers_of", "refused", "style_of_cells"]

# A line of a table, from 1, and the text of one of its cells.
Cell = tuple[int, str]

_SIGNED = re.compile(rf"[{re.escape(MINUS + HYPHENS)}]\s*(?=[\d.,])")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DAY_FIRST, _MONTH_FIRST = "day first", "month first"


def refused(where: str, allowed: str, found: Sequence[tuple[int, object]]) -> InputError:
    """One error for all cells that can't be used.

    Args:
        where: the table.
        allowed: what must stand there.
        found: line and what was received, at least one.
    """
    (line, first), *others = found
    also = f"; {spans(k for k, _ in others)} can't be used either" if others else ""
    return InputError(f"{where}, line {line}: {allowed}. Received: {first!r}{also}")


def style_of_cells(cells: Sequence[str], comma_separates: bool) -> Style:
    """How a table writes numbers, told by all of its cells that hold nothing but one."""
    plain = (_SIGNED.sub("", plain_cell(cell), count=1) for cell in cells)
    return style_of((cell for cell in plain if re.fullmatch(r"[\d.,]+(?:[eE][+-]?\d+)?", cell)), comma_separates)


def _number(text: str, style: Style) -> float | None:
    plain = plain_cell(text)
    sign = -1.0 if _SIGNED.match(plain) else 1.0
    found = number_of_cell(_SIGNED.sub("", plain, count=1) if sign < 0 else plain, style)
    # A comma that may separate thousands has two readings; three digits behind a point are usual in scores.
    if found is None or not np.isfinite(found[0]) or (found[1] and "," in plain):
        return None
    return sign * found[0]


def numbers_of(where: str, name: str, cells: Sequence[Cell], style: Style, empty: bool = False) -> np.ndarray:
    """The numbers of a column.

    Args:
        where: the table, for messages.
        name: of the column.
        cells: its line and text, each.
        style: how the table writes numbers.
        empty: whether empty cells are allowed; they are NaN.

    Raises:
        InputError: naming the lines, if a cell holds anything else, e.g. a number with a unit.
    """
    values = [np.nan if empty and not text else _number(text, style) for _, text in cells]
    bad = [cell for cell, value in zip(cells, values, strict=True) if value is None]
    if bad:
        raise refused(where, f"{name} must be a number, its unit in the column's name and nowhere else", bad)
    return np.array(values, float)


def _parts(text: str) -> Callable[[str], tuple[int, int, int]] | None:
    """Year, month and day of a date, by the order of those that have two."""
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
        return lambda order: (year, month, day)
    if found := _DOTTED.fullmatch(text):
        day, month, year = map(int, found.groups())
        return lambda order: (year, month, day)
    if found := _SLASHED.fullmatch(text):
        first, second, year = map(int, found.groups())
        return lambda order: (year, second, first) if order == _DAY_FIRST else (year, first, second)
    return None


def _date(parts: tuple[int, int, int]) -> datetime.date | None:
    try:
        return datetime.date(*parts)
    except ValueError:
        return None


def _order(where: str, name: str, cells: Sequence[Cell]) -> str:
    """Whether 03/04/2026 is in April or March, by the cells that can be only one of them."""
    only: dict[str, Cell] = {}
    open_cell: Cell | None = None
    for cell in cells:
        if found := _SLASHED.fullmatch(cell[1]):
            first, second = int(found[1]), int(found[2])
            if first > 12 or second > 12:
                only.setdefault(_DAY_FIRST if first > 12 else _MONTH_FIRST, cell)
            elif first != second:
                open_cell = open_cell or cell
    if len(only) > 1:
        (line, text), other = only[_MONTH_FIRST], only[_DAY_FIRST]
        raise InputError(
            f"{where}, line {line}: {name} must be in one order, best year-month-day. Received: {text!r} with the "
            f"month first, and {other[1]!r} with the day first on line {other[0]}"
        )
    if open_cell and not only:
        raise refused(where, f"{name} must be year-month-day, since day and month can't be told apart", [open_cell])
    return next(iter(only), _DAY_FIRST)


def dates_of(where: str, name: str, cells: Sequence[Cell]) -> list[datetime.date]:
    """The dates of a column: year-month-day, day.month.year, or with slashes in an order that some cell proves.

    Args:
        where: the table, for messages.
        name: of the column.
        cells: its line and text, each.

    Raises:
        InputError: naming the lines, if a cell is no date, or dates are in two orders or in one that can't be told.
    """
    order = _order(where, name, cells)
    found = [_date(parts(order)) if (parts := _parts(text)) else None for _, text in cells]
    bad = [cell for cell, date in zip(cells, found, strict=True) if date is None]
    if bad:
        raise refused(where, f"{name} must be a date, best year-month-day", bad)
    return [date for date in found if date is not None]
