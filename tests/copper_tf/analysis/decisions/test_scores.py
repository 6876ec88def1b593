"""Score tables are read without guessing: what has two readings is refused in one line."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import numpy as np
import pytest

from copper_tf.analysis.decisions.scores import read_scores
from tfds_copper.errors import InputError

GOOD = "file,sheet,potency,day,t\n"
GOOD += "a.tif,s1,0.5,2026-11-01,0 h\nb.tif,s1,0.7,2026-11-01,0 h\nc.tif,s2,0.2,2026-11-02,30 min\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_a_sheet_has_the_mean_of_its_pictures(tmp_path: Path) -> None:
    sheets = read_scores(write(tmp_path / "a.csv", GOOD)).sheets
    assert sheets.names == ("s1", "s2")
    np.testing.assert_allclose(sheets.mean, [0.6, 0.2])
    assert sheets.pictures.tolist() == [2, 1] and sheets.free == 1
    assert sheets.within == pytest.approx(0.02)


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    text = GOOD.replace(",", ";").replace("0.", "0,")
    assert read_scores(write(tmp_path / "a.csv", text, "utf-16")).values.tolist() == [0.5, 0.7, 0.2]


def test_negative_scores_are_read(tmp_path: Path) -> None:
    text = "sheet,score\ns1,-0.5\ns2,\u22121.25\ns3,2e-3\n"
    assert read_scores(write(tmp_path / "a.csv", text)).values.tolist() == [-0.5, -1.25, 0.002]


def test_a_folder_of_predictions_is_a_table(tmp_path: Path) -> None:
    write(tmp_path / "predictions.csv", GOOD, "utf-8-sig")
    assert read_scores(tmp_path).score == "potency"


def test_times_of_two_units_become_one(tmp_path: Path) -> None:
    values, unit = read_scores(write(tmp_path / "a.csv", GOOD)).times("t")
    assert values.tolist() == [0, 0, 30] and unit == "min"


@pytest.mark.parametrize("form", ["2026-11-{}", "2026/11/{}", "{}.11.2026", "{}/11/2026", "11/{}/2026"])
def test_dates_of_one_order_are_read(tmp_path: Path, form: str) -> None:
    text = "sheet,potency,day\n" + "".join(f"s{k},0.{k},{form.format(k)}\n" for k in (7, 25))
    dates = read_scores(write(tmp_path / "a.csv", text)).dates("day")
    assert dates == [datetime.date(2026, 11, 7), datetime.date(2026, 11, 25)]


@pytest.mark.parametrize(
    "days, message",
    [
        (("25/11/2026", "11/26/2026"), "line 3: day must be in one order.*month first.*day first on line 2"),
        (("03/04/2026", "05/04/2026"), "line 2: day must be year-month-day, since day and month can't be told apart"),
        (("2026-11-31", "2026-11-01"), "line 2: day must be a date.*'2026-11-31'"),
        (("2026-11-03", "yesterday"), "line 3: day must be a date.*'yesterday'"),
        (("2026-11-03", ""), "line 3: day must be a date.*''"),
    ],
)
def test_dates_that_can_be_two_are_refused(tmp_path: Path, days: tuple[str, str], message: str) -> None:
    text = "sheet,potency,day\n" + "".join(f"s{k},0.{k},{day}\n" for k, day in enumerate(days, start=1))
    with pytest.raises(InputError, match=message):
        read_scores(write(tmp_path / "a.csv", text)).dates("day")


def test_labels_are_joined_by_path_or_by_name(tmp_path: Path) -> None:
    scores = write(tmp_path / "p.csv", "file,sheet,potency\nt0/a.tif,,0.5\nb.tif,,0.7\n")
    labels = write(tmp_path / "labels.csv", "file,t,sheet,lot\nt0/a.tif,0,s1,L1\nt1/a.tif,1,s3,L1\nt0/b.tif,0,s2,L2\n")
    table = read_scores(scores, labels)
    assert table.texts("lot") == ["L1", "L2"] and table.texts("sheet") == ["s1", "s2"]


def test_labels_of_sheets_are_joined_by_sheet(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.csv", "sheet;lot;peel\ns2;L2;0,8\ns1;L1;0,9\n")
    table = read_scores(write(tmp_path / "a.csv", GOOD), labels)
    assert table.texts("lot") == ["L1", "L1", "L2"]
    assert table.numbers("peel").tolist() == [0.9, 0.9, 0.8]


@pytest.mark.parametrize(
    "text, message",
    [
        ("sheet,potency\n", "must have a row for each picture.*none below the header"),
        ("sheet,value\ns1,1\n", "must have a column of scores.*Received: sheet, value"),
        ("potency\n0.1\n0.2\n", "must have a column sheet"),
        ("sheet,potency\ns1,0.1\n,0.2\ns3,0.4\n,0.3\n", "must name its sheet.*none on lines 3, 5"),
        ("sheet,potency\ns1,good\ns2,0.1\n", "line 2: potency must be a number.*'good'"),
        ("sheet,potency\ns1,0.5\ns2,\n", "line 3: potency must be a number.*''"),
        ("sheet,potency\ns1,0.8 N/mm\ns2,800 N/m\ns3,0.1\n", "line 2: .*its unit in the column's name.*line 3 can't"),
        ("sheet,potency\ns1,nan\ns2,0.1\n", "line 2: potency must be a number"),
        ("sheet,potency\ns1,1e999\ns2,0.1\n", "line 2: potency must be a number"),
        ("sheet,potency\ns1,0.5\ns2,0.5\n", "the scores of potency must differ.*0.5 in every row"),
        ("file,sheet,potency\na,s1,0.5\nb,s1,0.6\na,s2,0.7\n", "line 4: each picture must be listed once.*'a'.*line 2"),
        ("sheet,potency\ns1,0.5\ns2,0.6\ns1,0.5\n", "line 4: each picture.*the same cells, already on line 2"),
        ("sheet;potency\ns1;1,500\ns2;1,250\n", "line 2: potency must be a number"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_scores(write(tmp_path / "a.csv", text))
    assert "\n" not in str(error.value) and "Received" in str(error.value)


@pytest.mark.parametrize(
    "labels, message",
    [
        ("file,lot\na.tif,L1\n", "line 3: file must be one that .* lists.*'b.tif'; line 4"),
        ("sheet,lot\ns1,L1\ns1,L2\ns2,L2\n", "line 3: each sheet must be listed once"),
        ("lot\nL1\n", "must have a column file or sheet that the scores have, too. Received: lot"),
        ("file,sheet\na.tif,s1\nb.tif,s2\nc.tif,s2\n", "line 3: sheet must be the one of .*'s1', and 's2' there"),
    ],
)
def test_labels_that_dont_fit_are_refused(tmp_path: Path, labels: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_scores(write(tmp_path / "a.csv", GOOD), write(tmp_path / "labels.csv", labels))


def test_a_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a CSV; Excel saves one as"):
        read_scores(tmp_path / "predictions.xlsx")


def test_what_is_said_of_a_sheet_must_be_one_thing(tmp_path: Path) -> None:
    text = GOOD.replace("a.tif,s1,0.5,2026-11-01", "a.tif,s1,0.5,2026-11-05")
    with pytest.raises(InputError, match=re.escape("line 3: day must be the same for all pictures of a sheet")):
        read_scores(write(tmp_path / "a.csv", text)).of_sheet("day")
