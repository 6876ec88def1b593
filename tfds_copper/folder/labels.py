"""``labels.csv``: which picture has which stress time, and what else is known of it."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
import stat
from pathlib import Path, PurePosixPath

from tfds_copper.errors import InputError
from tfds_copper.folder.times import Time, parse_cell
from tfds_copper.micrograph import EXTENSIONS
from tfds_copper.micrograph.reading import one_line_errors

__all__ = ["KNOWN_COLUMNS", "SPLITS", "LabelRow", "read_labels"]

SPLITS = ("train", "validation", "test")
KNOWN_COLUMNS = ("file", "t", "sheet", "split", "pixel_size_nm")
_LARGEST, _MOST_COLUMNS = 2**24, 1000


@dataclasses.dataclass(frozen=True)
class LabelRow:
    """One line of labels.csv.

    Args:
        file: the picture's path below the SEM folder, with ``/``.
        time: the stress time.
        sheet: the physical sample; empty where unknown.
        split: ``train``, ``validation``, ``test``, or empty where not given.
        pixel_size_nm: NaN where not given.
        columns: further columns, in the table's order.
    """

    file: str
    time: Time
    sheet: str
    split: str
    pixel_size_nm: float
    columns: dict[str, str]


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
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path}: must be text in UTF-8 or Shift-JIS (cp932). Received: {raw[:8]!r}...")


def _header(path: Path, line: list[str]) -> list[str]:
    if len(line) > _MOST_COLUMNS:
        raise InputError(f"{path}, line 1: must have at most {_MOST_COLUMNS} columns. Received: {len(line)}")
    names = [name.strip() for name in line]
    for name in ("file", "t"):
        if name not in names:
            raise InputError(f"{path}, line 1: must have the columns file and t. Received: {', '.join(names)!r}")
    for name in names:
        if not name or names.count(name) > 1:
            raise InputError(f"{path}, line 1: every column must have a name of its own. Received: {name!r}")
    return names


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
    real = os.path.realpath(full)
    if not real.startswith(os.path.join(os.path.realpath(root), "")):
        raise InputError(f"{where}: file must lie inside {root}. Received: {text!r}, a link to {real}")
    return str(file)


def _pixel_size(text: str, where: str) -> float:
    if not text:
        return math.nan
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise InputError(f"{where}: pixel_size_nm must be a positive number or empty. Received: {text!r}")
    return size


def _row(root: Path, names: list[str], line: list[str], where: str) -> LabelRow:
    if len(line) != len(names):
        raise InputError(f"{where}: must have {len(names)} cells, as the header has. Received: {len(line)}")
    cells = {name: cell.strip() for name, cell in zip(names, line, strict=True)}
    split = cells.get("split", "").casefold()
    if split and split not in SPLITS:
        raise InputError(f"{where}: split must be one of {', '.join(SPLITS)} or empty. Received: {cells['split']!r}")
    return LabelRow(
        file=_picture_path(root, cells["file"], where),
        time=parse_cell(cells["t"], where),
        sheet=cells.get("sheet", ""),
        split=split,
        pixel_size_nm=_pixel_size(cells.get("pixel_size_nm", ""), where),
        columns={name: cell for name, cell in cells.items() if name not in KNOWN_COLUMNS},
    )


@one_line_errors()
def read_labels(path: Path) -> list[LabelRow]:
    """Reads and checks labels.csv; its paths are relative to the folder it lies in.

    Args:
        path: the table, UTF-8 or Shift-JIS, separated by comma, semicolon or tab.

    Raises:
        InputError: naming the line, if anything in it can't be used.
    """
    text = _text(path)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows: dict[str, tuple[int, LabelRow]] = {}
    names: list[str] = []
    try:
        for line in reader:
            if not any(cell.strip() for cell in line):
                continue
            if not names:
                names = _header(path, line)
                continue
            row = _row(path.parent, names, line, f"{path}, line {reader.line_num}")
            if row.file in rows:
                raise InputError(
                    f"{path}, line {reader.line_num}: each file must be listed once. "
                    f"Received: {row.file!r}, already on line {rows[row.file][0]}"
                )
            rows[row.file] = (reader.line_num, row)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: must be a CSV table. Received: {error}") from error
    if not rows:
        raise InputError(f"{path}: must list at least one picture. Received: no lines below the header")
    return [row for _, row in rows.values()]
