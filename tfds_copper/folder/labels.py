"""``labels.csv``: which picture has which stress time, and what else is known of it."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import Style, number_of_cell, style_of
from tfds_copper.folder.tables import read_table, spans
from tfds_copper.folder.times import Time, parse_cell
from tfds_copper.micrograph import EXTENSIONS
from tfds_copper.micrograph.reading import one_line_errors

__all__ = [
    "HELD_OUT",
    "KNOWN_COLUMNS",
    "LABELS",
    "SPLITS",
    "LabelRow",
    "SheetRow",
    "find_labels",
    "pixel_size_of_cell",
    "read_labels",
    "read_sheets",
]

LABELS = "labels.csv"
SPLITS = ("train", "validation", "test")
# Those whose pictures no weight is learned from.
HELD_OUT = SPLITS[1:]
KNOWN_COLUMNS = ("file", "t", "sheet", "split", "pixel_size_nm")
_NUMBERS = ("t", "pixel_size_nm")


@dataclasses.dataclass(frozen=True)
class LabelRow:
    """One line of labels.csv, or one picture of a class folder.

    Args:
        file: the picture's path below the SEM folder, with ``/``.
        time: the stress time.
        sheet: the physical sample; empty where unknown.
        split: ``train``, ``validation``, ``test``, or empty where not given.
        pixel_size_nm: NaN where not given.
        columns: further columns, in the table's order.
        line: of the table, from 1; 0 where the folder's name was read.
        pixel_size: the cell of the pixel size, where its number may be another one.
        pixel_doubt: which one.
    """

    file: str
    time: Time
    sheet: str = ""
    split: str = ""
    pixel_size_nm: float = math.nan
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    line: int = 0
    pixel_size: str = ""
    pixel_doubt: str = ""


@dataclasses.dataclass(frozen=True)
class SheetRow:
    """One line of labels.csv as far as prediction needs it: no stress time has to be known.

    Args:
        file: the picture's path below the folder, with ``/``.
        sheet: the physical sample; empty where unknown.
        pixel_size_nm: NaN where not given.
    """

    file: str
    sheet: str = ""
    pixel_size_nm: float = math.nan


_Row = TypeVar("_Row", LabelRow, SheetRow)


def _inside(root: Path, path: Path) -> bool:
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(root), ""))


def find_labels(root: Path) -> Path | None:
    """The labels.csv of a folder, in whatever case its name is written; None without one.

    Args:
        root: the folder.

    Raises:
        InputError: if it is a link that leaves the folder.
    """
    # A folder that can't be read is named by who reads more of it.
    _, _, files = next(os.walk(root), ("", [], []))
    found = [root / name for name in sorted(files) if name.casefold() == LABELS]
    if found and not _inside(root, found[-1]):
        raise InputError(f"{found[-1]}: must lie inside {root}. Received: a link to {os.path.realpath(found[-1])}")
    return found[-1] if found else None


def _picture_path(root: Path, text: str, where: str) -> str:
    file = PurePosixPath(text.replace("\\", "/"))
    if not file.parts or file.is_absolute() or ".." in file.parts or ":" in file.parts[0]:
        raise InputError(f"{where}: file must be a path inside {root}. Received: {text!r}")
    if file.suffix.lower() not in EXTENSIONS:
        raise InputError(f"{where}: file must be a picture ({', '.join(EXTENSIONS)}). Received: {text!r}")
    full = root / file
    try:
        found = full.is_file()
    except OSError:  # a name that no file can have
        found = False
    if not found:
        raise InputError(f"{where}: file must be an existing picture below {root}. Received: {text!r}")
    if not _inside(root, full):
        to = os.path.realpath(full)
        raise InputError(f"{where}: file must lie inside {root}. Received: {text!r}, a link to {to}")
    return str(file)


def pixel_size_of_cell(text: str, where: str, style: Style) -> tuple[float, str]:
    """The pixel size in nm that a cell holds, NaN where it is empty; and what else it may be.

    Args:
        text: the cell.
        where: table and line, for the error.
        style: how the table writes numbers.

    Raises:
        InputError: if it is no positive number.
    """
    if not text:
        return math.nan, ""
    # Three digits behind the point are usual here; only tables of commas leave no doubt of them.
    if style.comma_separates and not style.mark:
        style = dataclasses.replace(style, mark=".")
    found = number_of_cell(text, style)
    if found is None or not 0 < found[0] < math.inf:
        raise InputError(f"{where}: pixel_size_nm must be a positive number or empty. Received: {text!r}")
    return found


def _label_row(root: Path, cells: dict[str, str], line: int, where: str, style: Style) -> LabelRow:
    split = cells.get("split", "").casefold()
    if split and split not in SPLITS:
        raise InputError(f"{where}: split must be one of {', '.join(SPLITS)} or empty. Received: {cells['split']!r}")
    pixel = cells.get("pixel_size_nm", "")
    pixel_size_nm, doubt = pixel_size_of_cell(pixel, where, style)
    return LabelRow(
        file=_picture_path(root, cells["file"], where),
        time=parse_cell(cells["t"], where, style),
        sheet=cells.get("sheet", ""),
        split=split,
        pixel_size_nm=pixel_size_nm,
        columns={name: cell for name, cell in cells.items() if name not in KNOWN_COLUMNS},
        line=line,
        pixel_size=pixel if doubt else "",
        pixel_doubt=doubt,
    )


def _sheet_row(root: Path, cells: dict[str, str], _: int, where: str, style: Style) -> SheetRow:
    size, _doubt = pixel_size_of_cell(cells.get("pixel_size_nm", ""), where, style)
    return SheetRow(_picture_path(root, cells["file"], where), cells.get("sheet", ""), size)


def _refused(errors: list[tuple[int, InputError]]) -> InputError:
    """One error for all rows that can't be used."""
    (_, first), *others = errors
    also = f"; {spans(line for line, _ in others)} can't be used either" if others else ""
    return InputError(f"{first}{also}")


def _read(
    path: Path, required: Sequence[str], row_of: Callable[[Path, dict[str, str], int, str, Style], _Row]
) -> list[_Row]:  # fmt: skip
    """The rows of a table, each file once.

    Args:
        path: of the table.
        required: columns that it must have.
        row_of: makes a row of the folder, the cells, their line, what to call it in an error, and the style of numbers.
    """
    table = read_table(path, required)
    numbers = {row[name] for _, row in table.rows for name in _NUMBERS if name in row}
    style = style_of(numbers, table.separator == ",")
    rows: dict[str, _Row] = {}
    lines: dict[str, int] = {}
    errors: list[tuple[int, InputError]] = []
    for line, cells in table.rows:
        where = f"{path}, line {line}"
        try:
            row = row_of(path.parent, cells, line, where, style)
            if row.file in rows:
                before = lines[row.file]
                raise InputError(
                    f"{where}: each file must be listed once. Received: {row.file!r}, already on line {before}"
                )
            rows[row.file], lines[row.file] = row, line
        except InputError as error:
            errors.append((line, error))
    if errors:
        raise _refused(errors)
    if not rows:
        raise InputError(f"{path}: must list at least one picture. Received: no lines below the header")
    return list(rows.values())


@one_line_errors()
def read_labels(path: Path) -> list[LabelRow]:
    """Reads and checks labels.csv; its paths are relative to the folder it lies in.

    Args:
        path: the table, separated by comma, semicolon or tab, see `read_table`. Numbers may have decimal commas where
            no comma separates cells.

    Raises:
        InputError: naming the lines, if anything in it can't be used.
    """
    return _read(path, ("file", "t"), _label_row)


@one_line_errors()
def read_sheets(path: Path) -> list[SheetRow]:
    """Reads labels.csv for prediction, which needs its column ``file`` alone; else as `read_labels`.

    Args:
        path: the table.

    Raises:
        InputError: naming the lines, if a file or a pixel size in it can't be used.
    """
    return _read(path, ("file",), _sheet_row)
