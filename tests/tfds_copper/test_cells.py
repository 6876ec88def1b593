"""Text stays text in every table that is written, and comes back from it as it was."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from copper_tf.utils.tables import write_csv, write_tables, write_workbook
from tests.conftest import ROOT
from tfds_copper.cells import guarded, unguarded, write_rows
from tfds_copper.folder.tables import read_table

# What a spreadsheet would run, follow or turn into something else.
_LIVE = [
    '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0", "+1+1", "-1+1", "-rf.png", "@SUM(1)", "\t=1", "\r=1", "\n=1",
    " =1+1", "＝1+1", "＠x", "'=1", "''=1", "'-a", "-", "+", "=", "-1-", "+cmd|x",
]  # fmt: skip
_PLAIN = [
    "a=b",
    "'a'",
    "S01",
    "15 min",
    "a\nb",
    'say "x", y',
    "銅",
    "'",
    "",
    "a;=1",
    "1e5",
    "-1.5",
    "+2",
    "-1,5",
    "1e-07",
]


@pytest.mark.parametrize("text", _LIVE)
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}" and unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", _PLAIN)
def test_other_text_and_numbers_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text and unguarded(text) == text
    assert [guarded(value) for value in (-1.5, 3, True, None)] == [-1.5, 3, True, None]


def test_a_byte_of_a_name_that_is_no_text_is_replaced() -> None:
    assert guarded("a\udcff.png") == "a\ufffd.png"


def test_cells_and_headers_come_back_from_a_csv_as_they_were(tmp_path: Path) -> None:
    texts = [text for text in (*_LIVE, *_PLAIN) if text and text == text.strip()]
    write_csv(tmp_path / "t.csv", [{"file": text, "=note": text, "number": -1.5} for text in texts])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["file", "'=note", "number"] and {row[2] for row in rows[1:]} == {"-1.5"}
    for row in rows[1:]:
        assert not re.match(r"[=+\-@\t\r]", row[0]) or re.fullmatch(r"[+-][\d.,]+", row[0])
    table = read_table(tmp_path / "t.csv", ["file"])
    assert table.names == ("file", "=note", "number")
    assert [cells["file"] for _, cells in table.rows] == [cells["=note"] for _, cells in table.rows] == texts


def test_a_workbook_holds_text_as_text_and_numbers_as_numbers(tmp_path: Path) -> None:
    texts = [*_LIVE, *_PLAIN[:-1], "#N/A", "#REF!", "a_x000D_b"]
    write_workbook(tmp_path / "t.xlsx", {"page": [{"=file": text, "number": -1.5} for text in texts]})
    page = openpyxl.load_workbook(tmp_path / "t.xlsx")["page"]
    assert page["A1"].value == "=file" and page["A1"].data_type == "s"
    for text, (cell, number) in zip(texts, page.iter_rows(min_row=2), strict=True):
        # XML has one sign for the end of a line.
        assert unescape(cell.value or "") == text.replace("\r", "\n") and cell.data_type == ("s" if text else "n")
        assert number.value == -1.5 and number.data_type == "n"


def test_what_a_workbook_cannot_hold_is_replaced(tmp_path: Path) -> None:
    bad = ["\x00", "\x07", "\x0b", "\x1f", "\ud800", "\udcff", "\ufffe", "\uffff"]
    rows = [{"file": f"a{sign}b"} for sign in bad] + [{"file": "é" * 40000}]
    write_tables(tmp_path / "t.xlsx", rows, [])
    cells = [row[0].value for row in openpyxl.load_workbook(tmp_path / "t.xlsx")["pictures"].iter_rows(min_row=2)]
    assert cells[:-1] == ["a\ufffdb"] * len(bad)
    assert len(cells[-1]) == 32767 and cells[-1].endswith("é…")
    write_tables(tmp_path / "t.csv", rows, [])
    assert len((tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines()) >= len(rows) + 1


def test_rows_are_written_as_they_come() -> None:
    stream = io.StringIO(newline="")
    write_rows(stream, ([k, "=x"] for k in range(2)), "\r\n")
    assert stream.getvalue() == "0,'=x\r\n1,'=x\r\n"


def test_tables_are_written_in_one_place_each() -> None:
    sources = [p for top in ("copper_tf", "tfds_copper", "tuning") for p in (ROOT / top).rglob("*.py")]
    assert {p.name for p in sources if re.search(r"csv\.(writer|DictWriter)\(", p.read_text())} == {"cells.py"}
    assert {p.name for p in sources if re.search(r"Workbook\(|\.to_csv\(|\.to_excel\(", p.read_text())} == {"tables.py"}
