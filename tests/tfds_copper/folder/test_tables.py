"""labels.csv as Excel writes it in different countries."""

from __future__ import annotations

import csv
import io
import itertools
import math
from pathlib import Path

import pytest

from tests.tfds_copper.folder.test_scan import put
from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import plain_text, read_number
from tfds_copper.folder.scan import SemFolder, scan
from tfds_copper.folder.tables import spans
from tfds_copper.folder.times import parse_cell
from tfds_copper.text import decoded, windows_encoding

FILES = ("a/x.png", "b/y.png", "c/z.png")


def scanned(root: Path, text: str | bytes, encoding: str = "utf-8") -> SemFolder:
    put(root, *FILES)
    (root / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return scan(root)


def rows(separator: str, *columns: tuple[str, ...], head: str = "file t", end: str = "\r\n") -> str:
    lines = [head.split(), *zip(FILES, *columns, strict=True)]
    return "".join(separator.join(line) + end for line in lines)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("first", ["", "sep=", "SEP=", '"sep="'])
@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_decimal_commas(tmp_path: Path, bom: str, first: str, separator: str, end: str, encoding: str) -> None:
    line = f"{first[:-1]}{separator}{first[-1]}" if first.startswith('"') else first + separator
    text = bom + (line + end if first else "")
    text += rows(separator, ("0", "2,5", "1.000,5"), ("4,5", "4,125", ""), head="file t pixel_size_nm", end=end)
    folder = scanned(tmp_path, text, encoding)
    assert folder.times == (0, 2.5, 1000.5)
    assert [p.pixel_size_nm for p in folder.pictures][:2] == [4.5, 4.125]
    assert not any(reading.doubt for reading in folder.readings)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_empty_columns_and_rows_and_the_line_of_the_separator(tmp_path: Path, separator: str) -> None:
    s = separator
    text = f"sep={s}\r\nfile{s}t{s}{s}sheet{s}{s}{s}\r\n{s}{s}{s}{s}{s}{s}\r\n\r\na/x.png{s}0{s}{s}A{s}{s}{s}\r\n"
    text += f"b/y.png{s}1{s}{s}B\r\nc/z.png{s}2\r\n{s}{s}{s}\r\n"
    folder = scanned(tmp_path, text)
    assert [(p.t, p.sheet) for p in folder.pictures] == [(0, "A"), (1, "B"), (2, "")]
    assert [reading.lines for reading in folder.readings] == [(5,), (6,), (7,)]
    with pytest.raises(
        InputError, match=r"line 5: every column with cells must have a name .* Received: 'note' in none"
    ):
        scanned(tmp_path, text.replace(f"x.png{s}0{s}", f"x.png{s}0{s}note"))


@pytest.mark.parametrize(
    "cells",
    [
        ('="0"', '="2.5"', '="10"'),
        ("'0", "'2.5", "+10"),
        ("0 ", " 2.5", "\u00a010"),
        ("0", "２．５", "１０"),
        ("0", "2.50", "1e1"),
        ("0", "2.5E+00", "1,0E1"),
    ],
)
def test_numbers_as_text(tmp_path: Path, cells: tuple[str, ...]) -> None:
    assert scanned(tmp_path, rows(";", cells)).times == (0, 2.5, 10)


@pytest.mark.parametrize(
    ("separator", "cells", "times", "doubted"),
    [
        (";", ("0", "2", "1.500"), (0, 1.5, 2), ("1.500",)),
        (";", ("0", "2", "1,500"), (0, 1.5, 2), ("1,500",)),
        ("\t", ("0", "2 h", "1,500"), None, ()),
        (",", ("0", "2", "1.500"), (0, 1.5, 2), ("1.500",)),
        (",", ("0", "2", '"1,500"'), (0, 2, 1500), ("1,500",)),
        (",", ("0", "2", '"1,500.5"'), (0, 2, 1500.5), ()),
        (";", ("0", "2,5", "1.500"), (0, 2.5, 1500), ()),
        (";", ("0,000", "0,500", "1,500"), (0, 0.5, 1.5), ()),
        (",", ("0.000", "0.500", "1.500"), (0, 0.5, 1.5), ()),
        (";", ("0", "1.500.000", "1.500"), (0, 1500, 1500000), ()),
        (";", ("0", "1 500", "12 500"), (0, 1500, 12500), ()),
        (";", ("0", "1\u202f500", "12'500"), (0, 1500, 12500), ()),
        (";", ("0", "2.5", "2,25"), (0, 2.25, 2.5), ()),
        (";", ("0", "1500", "12.5"), (0, 12.5, 1500), ()),
        (";", ("0 h", "1.500 h", "2 h"), (0, 1.5, 2), ("1.500 h",)),
    ],
)
def test_thousands(
    tmp_path: Path, separator: str, cells: tuple[str, ...], times: tuple[float, ...] | None, doubted: tuple[str, ...]
) -> None:
    if times is None:
        with pytest.raises(InputError, match="units must be written on all"):
            scanned(tmp_path, rows(separator, cells))
        return
    folder = scanned(tmp_path, rows(separator, cells))
    assert folder.times == times
    assert tuple(r.text for r in folder.readings if r.doubt) == doubted
    assert all("may be 1500" in r.doubt or "may be 1.5" in r.doubt for r in folder.readings if r.doubt)


def test_pixel_sizes_of_three_digits(tmp_path: Path) -> None:
    def doubts(separator: str, size: str) -> list[tuple[str, str, tuple[int, ...]]]:
        text = rows(separator, ("0", "1", "2"), (size,) * 3, head="file t pixel_size_nm")
        return [(r.text, r.doubt, r.lines) for r in scanned(tmp_path, text).readings if r.doubt]

    assert doubts(";", "1.234") == [("1.234", "may be 1234", (2, 3, 4))]
    assert doubts(",", "1.234") == doubts(";", "12.34") == []


def test_every_row_that_cant_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"line 2: t must be .* Received: '2²', which may be a power .*; lines 3 to 4 can't be used either$",
    ):
        scanned(tmp_path, rows(";", ("2²", "−5", "3日目")))
    assert spans([4, 2, 3, 9]) == "lines 2 to 4, 9" and spans([7]) == "line 7"


@pytest.mark.parametrize(
    "cell",
    [
        "1:30",
        "1.5.2024",
        "2-May",
        "02. Mai",
        "1/2",
        "½",
        "2²h",
        "−1",
        "-1",
        "1e",
        "#WERT!",
        "12,34,56",
        "1.23.456",
        "5m",
        "20kV",
        "3日目",
        "15分前",
        "1 50",
        "2h 3h",
        "30min 2h",
        "1h 5",
        "abc",
        "1,5,5",
    ],
)
def test_cells_that_are_refused(cell: str) -> None:
    with pytest.raises(InputError, match=r"^here: t must be a number of at least 0.* Received: ") as caught:
        parse_cell(cell, "here")
    assert repr(cell) in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("15分後", 15, "min"),
        ("2 Std.", 2, "h"),
        ("1h30min", 90, "min"),
        ("1 h 30 min", 90, "min"),
        ("2時間半", 2.5, "h"),
        ("3ヶ月", 3, "mo"),
        ("2,5 h", 2.5, "h"),
        ("1,5E+03 s", 1500, "s"),
        ("30 minutes", 30, "min"),
        ("2 小时后", 2, "h"),
    ],
)
def test_cells_with_units(cell: str, value: float, unit: str) -> None:
    assert (parse_cell(cell, "here").value, parse_cell(cell, "here").unit) == (value, unit)


WESTERN = (
    "größer",
    "Säure",
    "étape chauffée",
    "75 °C",
    "5 µm",
    "Ätzbad Straße",
    "préparé",
    "niño",
    "Öl",
    "Müller",
    "d’eau",
    "±2 × 500",
    "“word”",
    "Température élevée",
    "Ø 5 mm",
    "10 cm²",
    "Überätzt",
    "SÄURE",
    "Prüfung–1",
    "½ h",
)
JAPANESE = (
    "佐藤",
    "試料A",
    "銅箔",
    "75℃",
    "硫酸bath",
    "エッチング液",
    "シリコン",
    "分",
    "15分",
    "時間後",
    "液a",
    "表面あれ",
    "表",
    "ソ連",
    "ポリマー",
    "髙橋",
    "㎜",
    "銅板abc",
    "10秒",
    "ｴｯﾁﾝｸﾞ液",
    "①",
)
# Which of these it is can't be told: no text is better than a wrong one.
OTHERS = (
    ("gb18030", "铜箔"),
    ("gb18030", "硫酸 小时"),
    ("cp949", "구리"),
    ("cp949", "시료 분"),
    ("big5", "銅箔"),
    ("cp1251", "раствор"),
    ("mac-roman", "größer"),
    ("cp1250", "trawiący"),
)


@pytest.mark.parametrize(
    ("encoding", "word"), [*itertools.product(["cp1252"], WESTERN), *itertools.product(["cp932"], JAPANESE), *OTHERS]
)
def test_western_and_japanese_windows(tmp_path: Path, encoding: str, word: str) -> None:
    text = rows(";", ("0", "1", "2"), (word, word, ""), head="file t note")
    data = text.encode(encoding)
    if (encoding, word) in OTHERS:
        assert decoded(data) is None
        with pytest.raises(InputError, match=r"labels.csv: must be text in UTF-8 .* 'CSV UTF-8'. Received"):
            scanned(tmp_path, data)
        return
    assert windows_encoding(data) == encoding
    assert scanned(tmp_path, data).pictures[0].columns == {"note": word}


def test_words_of_both(tmp_path: Path) -> None:
    for encoding, words in (("cp1252", WESTERN), ("cp932", JAPANESE)):
        for count in (2, 5, len(words)):
            for start in range(0, len(words), 3):
                data = ";".join((*words, *words)[start : start + count]).encode(encoding)
                assert decoded(data) == data.decode(encoding)


def test_a_separator_in_a_name_of_a_column(tmp_path: Path) -> None:
    text = rows(";", ("0", "1", "2"), ("", "", ""), head="file t note,one,two,three")
    assert scanned(tmp_path, text).column_names == ("note,one,two,three",)
    with pytest.raises(InputError, match=r"line 1: sep= must be a comma, semicolon, tab or \|. Received: 'x'"):
        scanned(tmp_path, "sep=x\n" + text)


def test_every_way_to_write_a_number() -> None:
    """Each number by each country's Excel: read as it is, or told to be another one by its one sign only."""
    for value in (0.0, 0.125, 0.5, 2.5, 12.0, 12.25, 123.456, 1234.0, 1234.5, 1234567.0, 1234567.125):
        for (group, mark), digits in itertools.product(
            [
                ("", "."),
                ("", ","),
                (",", "."),
                (".", ","),
                (" ", ","),
                ("'", "."),
                ("’", ","),
                ("\u00a0", ","),
                ("\u202f", ","),
                ("\u2009", "."),
            ],
            range(4),
        ):
            if round(value, digits) != value:
                continue
            text = f"{value:,.{digits}f}".replace(",", "g").replace(".", mark).replace("g", group)
            number = read_number(plain_text(text))
            assert number is not None and value in (number.value, number.thousands), text
            unsure = len(text) - len(text.lstrip("123456789")) <= 3 and text[-4:-3] in (".", ",") and len(text) < 8
            assert (number.thousands is not None) == (unsure and not text.startswith("0")), text


def test_what_a_reading_says(tmp_path: Path) -> None:
    folder = scanned(tmp_path, rows(";", ("15分後", "2時間後", "15分後")))
    (first, second) = folder.readings
    assert (first.column, first.text, first.value, first.unit, first.t, first.lines) == (
        "t",
        "15分後",
        15,
        "min",
        15,
        (2, 4),
    )
    assert (second.t, second.files, second.doubt) == (120, ("b/y.png",), "")
    assert math.isnan(folder.pictures[0].pixel_size_nm)


def test_sidecars_that_were_read_are_not_skipped(tmp_path: Path) -> None:
    put(tmp_path, "t0/a.png", "t0/b.tif", "t3/c.png", "t3/notes.txt", "t3/c.log")
    for name in ("t0/a.txt", "t0/b.tif.txt"):
        (tmp_path / name).write_text("[SemImageFile]\nInstructName=SU8230\nMagnification=5000\n", encoding="utf-16")
    (tmp_path / "t3/c.txt").write_text("a text about the sample")
    assert scan(tmp_path).skipped_files == {"not a picture": ("t3/c.log", "t3/c.txt", "t3/notes.txt")}


def test_tables_of_python_are_read_as_before(tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(
        [("file", "t", "pixel_size_nm"), *((f, k + 0.25, 1.125 * k + 1) for k, f in enumerate(FILES))]
    )
    folder = scanned(tmp_path, text.getvalue())
    assert folder.times == (0.25, 1.25, 2.25) and [p.pixel_size_nm for p in folder.pictures] == [1, 2.125, 3.25]
    assert not any(reading.doubt for reading in folder.readings)
