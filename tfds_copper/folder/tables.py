"""Tables as Excel and others write them: separators, ``sep=``, encodings, empty columns and rows."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tfds_copper.cells import unguarded
from tfds_copper.errors import InputError
from tfds_copper.text import decoded

__all__ = ["Table", "read_table", "rows_of_files", "spans"]

_LARGEST, _MOST_COLUMNS = 2**24, 1000
_SEPARATORS = ",;\t"
# The first line by which Excel is told the separator; Excel itself writes it quoted where it saves it as a cell.
_SEP = re.compile(r'"?sep=(.)"?[,;\t| ]*(?:\r\n|[\r\n]|$)', re.IGNORECASE)
# A number or text that Excel is told to keep as it is.
_KEPT = re.compile(r'="([^"]*)"')


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of text.

    Args:
        names: of the columns, each one different.
        rows: for each row that isn't empty its line, from 1, and a cell for each name.
        separator: of the cells.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    separator: str


def _text(path: Path) -> str:
    try:
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise InputError(f"{path}: must be a readable file. Received: a folder, pipe or device")
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: must be a readable file. Received: {error.strerror or error}") from error
    if len(raw) > _LARGEST:
        size = path.stat().st_size
        raise InputError(f"{path}: must be a table of at most {_LARGEST >> 20} MiB. Received: {size} bytes")
    text = decoded(raw)
    if text is None or "\0" in text:
        raise InputError(
            f"{path}: must be text in UTF-8 or UTF-16, or plainly in Shift-JIS (cp932) or western Windows (cp1252); "
            f"Excel saves UTF-8 as 'CSV UTF-8'. Received: {raw[:8]!r}..."
        )
    return text


def spans(lines: Iterable[int]) -> str:
    """Lines of a table in words: ``line 3``, ``lines 2 to 5, 9``."""
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    text = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in runs)
    return f"line{'s' if len(runs) != 1 or runs[0][0] != runs[0][1] else ''} {text}"


def _separator(first: str, required: Sequence[str]) -> str:
    """The separator by which a header holds the required names, else the commonest."""
    likely = sorted(_SEPARATORS, key=first.count, reverse=True)
    if len(first) <= 2**16:
        for separator in likely:
            cells = {cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])}
            if cells.issuperset(required):
                return separator
    return likely[0]


def _cells(line: list[str]) -> list[str]:
    """The cells without blanks around them and without the empty ones at the end."""
    while line and not line[-1].strip():
        line.pop()
    return [_text_of(cell.strip()) for cell in line]


def _text_of(cell: str) -> str:
    """What a cell means: without the apostrophe that keeps it text, or the formula that keeps it as it is."""
    kept = _KEPT.fullmatch(cell)
    return kept[1] if kept else unguarded(cell)


def _header(path: Path, line: int, names: list[str], required: Sequence[str]) -> list[str]:
    where = f"{path}, line {line}"
    if len(names) > _MOST_COLUMNS:
        raise InputError(f"{where}: must have at most {_MOST_COLUMNS} columns. Received: {len(names)}")
    for name in required:
        if name not in names:
            columns = " and ".join(required)
            raise InputError(f"{where}: must have the columns {columns}. Received: {', '.join(names)!r}")
    for name in filter(None, names):
        if names.count(name) > 1:
            raise InputError(f"{where}: every column must have a name of its own. Received: {name!r}")
    return names


def _row(where: str, names: list[str], cells: list[str]) -> dict[str, str]:
    # Excel leaves out the separators of empty cells at the end of some rows.
    cells += [""] * (len(names) - len(cells))
    if len(cells) > len(names):
        raise InputError(f"{where}: must have {len(names)} cells, as the header has. Received: {len(cells)}")
    for name, cell in zip(names, cells, strict=True):
        if cell and not name:
            raise InputError(
                f"{where}: every column with cells must have a name of its own. Received: {cell!r} in none"
            )
    return {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _lines(path: Path, text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for line in reader:
            if cells := _cells(line):
                yield reader.line_num + skipped, cells
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num + skipped}: must be a CSV table. Received: {error}") from error


def read_table(path: Path, required: Sequence[str]) -> Table:
    """Reads a table of commas, semicolons or tabs.

    Args:
        path: UTF-8, UTF-16, Shift-JIS or western Windows; its first line may be ``sep=;``.
        required: names of columns that it must have.

    Raises:
        InputError: naming the line, if it is no such table.
    """
    text, skipped, separator = _text(path), 0, ""
    if told := _SEP.match(text):
        separator, text, skipped = told[1], text[told.end() :], 1
        if separator not in _SEPARATORS + "|":
            raise InputError(f"{path}, line 1: sep= must be a comma, semicolon, tab or |. Received: {separator!r}")
    first = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    separator = separator or _separator(first, required)
    names: list[str] = []
    rows = []
    for line, cells in _lines(path, text, separator, skipped):
        if names:
            rows.append((line, _row(f"{path}, line {line}", names, cells)))
        else:
            names = _header(path, line, cells, required)
    return Table(tuple(filter(None, names)), tuple(rows), separator)


def rows_of_files(files: Sequence[str], listed: Sequence[str]) -> list[int | None]:
    """The row of a table that each file means: by its path, else by its name where only one row has that.

    Args:
        files: paths or names, with ``/`` or ``\\``.
        listed: the cells of the table's column ``file``.

    Example:
        >>> rows_of_files(["t0/a.png", "b.png", "c.png"], ["t0/b.png", "t0/a.png"])
        [1, 0, None]
    """
    paths = {PurePosixPath(name.replace("\\", "/")): k for k, name in enumerate(listed)}
    names: dict[str, list[int]] = {}
    for path, k in paths.items():
        names.setdefault(path.name, []).append(k)
    result: list[int | None] = []
    for file in files:
        path = PurePosixPath(file.replace("\\", "/"))
        alike = names.get(path.name, [])
        result.append(paths.get(path, alike[0] if len(alike) == 1 else None))
    return result
