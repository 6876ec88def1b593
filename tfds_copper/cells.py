"""Cells of tables that we write: text stays text, whatever a spreadsheet would make of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import IO, Any

__all__ = ["guarded", "unguarded", "write_rows"]

# What a spreadsheet takes for a formula, also in the wide signs of Japanese; behind apostrophes, so that taking one
# off again leaves what was there. A number with a sign is none.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?", re.ASCII)
# Half a character: a byte of a file name that is no text, which no table can hold.
_HALF = re.compile("[\ud800-\udfff]")


def guarded(value: Any) -> Any:
    """A cell of a CSV: text that begins like a formula gets an apostrophe before it; numbers stay as they are.

    Args:
        value: text, or anything else.

    Example:
        >>> [guarded(value) for value in ("=1+1", "-rf.png", "-1.5", -1.5, "'=a", "a=b")]
        ["'=1+1", "'-rf.png", '-1.5', -1.5, "''=a", 'a=b']
    """
    if not isinstance(value, str):
        return value
    text = _HALF.sub("\ufffd", value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` made a cell of.

    Example:
        >>> [unguarded(guarded(text)) for text in ("=1+1", "'=a", "''+", "'a", "-1")]
        ['=1+1', "'=a", "''+", "'a", '-1']
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_rows(stream: IO[str], rows: Iterable[Iterable[Any]], line_end: str = "\n") -> None:
    """Writes rows as CSV; every CSV of ours is written here.

    Args:
        stream: opened with ``newline=""``.
        rows: of cells, as they come.
        line_end: behind each row.
    """
    csv.writer(stream, lineterminator=line_end).writerows(map(guarded, row) for row in rows)
