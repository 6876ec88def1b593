"""The tables of a prediction: one row per picture, one per sheet; CSV, or a workbook for Excel in any language."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.statistics.bootstrap import UNLIMITED, mean_interval
from tfds_copper.cells import write_rows
from tfds_copper.errors import SettingError
from tfds_copper.files import replacing

__all__ = ["DECIMALS", "SUFFIXES", "Row", "check_table", "sheet_rows", "write_csv", "write_tables", "write_workbook"]

SUFFIXES = (".csv", ".xlsx")
# Of a cell of a workbook: characters that XML has none of, what would be read as one by its number, and characters.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_x[0-9A-Fa-f]{4}_")
_LONGEST = 32767

# Of potencies, shares and probabilities.
DECIMALS = 4

Row = dict[str, Any]


def check_table(path: Path) -> None:
    """Whether a table of that name can be written.

    Raises:
        SettingError: if the ending is neither ``.csv`` nor ``.xlsx``.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise SettingError(f"table must end in {' or '.join(SUFFIXES)}. Received: {path}")


def sheet_rows(rows: Iterable[Row], value: str, limits: tuple[float, float] = UNLIMITED) -> list[Row]:
    """One row per known sheet: n, the mean of a column, and its 95 % Student interval (empty for n = 1).

    Args:
        rows: rows of pictures, each with ``sheet``; iterated once.
        value: the column to average.
        limits: what its mean can be; an interval ends there.
    """
    values_of: dict[str, array[float]] = {}
    for row in rows:
        if row["sheet"]:
            values_of.setdefault(row["sheet"], array("d")).append(row[value])
    result = []
    for sheet in sorted(values_of):
        values = np.array(values_of[sheet])
        mean, interval = mean_interval(values, limits)
        found = dict(zip((f"mean {value}", "95% low", "95% high"), (mean, *(interval or (math.nan,) * 2)), strict=True))
        result.append({"sheet": sheet, "n": len(values)} | {name: round(of, DECIMALS) for name, of in found.items()})
    return result


def _cell(value: Any) -> Any:
    """An empty cell instead of NaN; plain numbers instead of NumPy's."""
    value = value.item() if hasattr(value, "item") else value
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def _cells(rows: Iterable[Row]) -> Iterator[list[Any]]:
    """The header and the cells of each row, as they come."""
    for k, row in enumerate(rows):
        if k == 0:
            yield list(row)
        yield [_cell(v) for v in row.values()]


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows as comma-separated UTF-8, whole or not at all; the first row names the columns."""
    # The byte order mark tells Excel that names are UTF-8.
    with replacing(path) as file, file.open("w", encoding="utf-8-sig", newline="") as stream:
        write_rows(stream, _cells(rows), "\r\n")


def _workbook_cell(page: Any, value: Any) -> Any:
    """A cell of a workbook: text is text, without what the format can't hold, and no longer than it can be."""
    from openpyxl.cell import Cell

    if not isinstance(value, str) or not value:
        return Cell(page, value=None if value == "" else value, row=1, column=1)
    text = _ESCAPE.sub(r"_x005F\g<0>", _NO_TEXT.sub("\ufffd", value))
    cell = Cell(page, value=text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", row=1, column=1)
    # What begins with = would be a formula, and #N/A an error.
    cell.data_type = "s"
    return cell


def write_workbook(path: Path, tables: Mapping[str, Iterable[Row]]) -> None:
    """Writes a workbook for Excel: a worksheet for each table, by name, with real numbers."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in tables.items():
        page = book.create_sheet(name)
        for cells in _cells(rows):
            page.append([_workbook_cell(page, value) for value in cells])
        page.freeze_panes = "A2"
    with replacing(path) as file:
        book.save(file)


def write_tables(path: Path, pictures: Iterable[Row], sheets: Sequence[Row]) -> list[Path]:
    """Writes the table of pictures and, where sheets are known, that of sheets.

    A ``.csv`` gets the sheets in a file of its own beside it; an ``.xlsx`` in a worksheet of its own, with real
    numbers, which Excel shows by the rules of its own language.

    Args:
        path: file ending in ``.csv`` or ``.xlsx``.
        pictures: at least one row; a CSV is written as they come.
        sheets: rows of `sheet_rows`, may be empty.

    Returns:
        The files written.

    Raises:
        SettingError: if the ending is neither.
    """
    check_table(path)
    if path.suffix.lower() == ".xlsx":
        write_workbook(path, {"pictures": pictures, **({"sheets": sheets} if sheets else {})})
        return [path]
    write_csv(path, pictures)
    if not sheets:
        return [path]
    beside = path.with_name(f"{path.stem}_sheets.csv")
    write_csv(beside, sheets)
    return [path, beside]
