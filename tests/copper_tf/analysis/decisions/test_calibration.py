"""Strength calibrated by scores: what is claimed, what is marked, and what is refused."""

from __future__ import annotations

import csv
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.analysis.decisions.calibration import predict_strength
from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.analysis.decisions.sheet_strengths import OUTSIDE, SheetStrengths
from tfds_copper.errors import InputError, OutputError

PEEL = "peel_N_per_mm"


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """A simulated score table of 24 sheets in 4 lots."""
    copper_tf.simulate(
        tmp_path / "sim", labels=3, sheets=8, pictures=32, lots=4, peel=True, tables=1, sheet_sd=0.08, start=0.9,
        end=0.3, seed=1,
    )  # fmt: skip
    return tmp_path / "sim" / "scores-00001.csv"


def rewritten(path: Path, change: Any) -> Path:
    """The table with every row changed, beside it."""
    with path.open(newline="") as file:
        rows = [change(row) for row in csv.DictReader(file)]
    other = path.with_name("other.csv")
    with other.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return other


def test_strength_follows_the_area(scores: Path, tmp_path: Path) -> None:
    result = copper_tf.calibrate(scores, PEEL, output=tmp_path / "out")
    assert len(result.sheets) == 24 and {s.lot for s in result.sheets} == {"lot1", "lot2", "lot3", "lot4"}
    low, high = result.slope_interval
    assert low < 0.9 < high
    assert [row.name for row in result.errors][:3] == ["potency", "t alone", "t and potency"]
    assert all(row.error is not None for row in result.errors)
    assert Calibration.read(tmp_path / "out" / "calibration.json") == result
    assert result.page and result.verdicts[0] in result.page.read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="--force replaces it"):
        copper_tf.calibrate(scores, PEEL, output=tmp_path / "out")


def test_predictions_are_the_same_from_the_file(scores: Path, tmp_path: Path) -> None:
    result = copper_tf.calibrate(scores, PEEL, output=tmp_path / "out")
    again = Calibration.read(tmp_path / "out" / "calibration.json")
    assert predict_strength(result, [0.5], [4]) == predict_strength(again, [0.5], [4])
    few, many = predict_strength(result, [0.5, 0.5], [1, 40])
    assert few.high - few.low > many.high - many.low


def test_scores_outside_the_range_are_marked(scores: Path) -> None:
    result = copper_tf.calibrate(scores, PEEL)
    low, high = result.range
    inside, outside = predict_strength(result, [(low + high) / 2, high + 0.1], [4, 4])
    assert inside.inside and not outside.inside
    columns = SheetStrengths(result, "potency", "")
    rows = columns([{"sheet": "a", "n": 4, "mean potency": low - 0.2}, {"sheet": "b", "n": 4, "mean potency": high}])
    assert [row["calibration"] for row in rows] == [OUTSIDE, ""]
    assert rows[1][f"{PEEL} 95% low"] < rows[1][PEEL] < rows[1][f"{PEEL} 95% high"]
    assert any("1 of 2 sheets lie outside" in text and "(a)" in text for text in columns.warnings)


def test_strengths_keep_their_digits_in_any_unit(scores: Path) -> None:
    names = "strength", "strength 95% low", "strength 95% high"
    found = {}
    for unit in (1.0, 1e-6, 1e6):
        row = {"sheet": "a", "n": 4, "mean potency": 0.6}
        table = rewritten(scores, lambda cells, unit=unit: cells | {"strength": repr(float(cells[PEEL]) * unit)})
        result = copper_tf.calibrate(table, "strength")
        (cells,) = SheetStrengths(result, "potency", "")([row])
        found[unit] = [cells[name] / unit for name in names]
    for values in found.values():
        assert values == pytest.approx(found[1.0], rel=1e-4) and values[0] > 0


def test_every_row_of_a_sheet_counts_unless_all_say_the_same(scores: Path) -> None:
    whole = copper_tf.calibrate(scores, PEEL)
    with scores.open(newline="") as file:
        lines = [k for k, row in enumerate(csv.DictReader(file)) if row["sheet"] == "t00-s00"]
    numbers = itertools.count()
    tested = rewritten(
        scores, lambda row: row | ({PEEL: "0.9" if next(numbers) == 0 else "0.8"} if row["sheet"] == "t00-s00" else {})
    )
    strengths = {sheet.sheet: sheet.strength for sheet in copper_tf.calibrate(tested, PEEL).sheets}
    assert len(lines) > 2 and strengths["t00-s00"] == pytest.approx(0.8 + 0.1 / len(lines), abs=1e-12)
    # Control: one measurement that stands in every row is itself, to the last digit.
    first = next(sheet for sheet in whole.sheets if sheet.sheet == "t00-s01")
    with scores.open(newline="") as file:
        assert first.strength == next(float(row[PEEL]) for row in csv.DictReader(file) if row["sheet"] == "t00-s01")


def test_a_calibration_of_another_score_or_model_is_noticed(scores: Path) -> None:
    result = dataclasses.replace(copper_tf.calibrate(scores, PEEL), model="abc")
    with pytest.raises(InputError, match="must be of the score median grade t.*Received: potency"):
        SheetStrengths(result, "median grade t", "abc")
    assert SheetStrengths(result, "potency", "abc").warnings == []
    assert "another model" in SheetStrengths(result, "potency", "def").warnings[0]
    unknown = SheetStrengths(result, "potency", "abc")
    assert unknown([]) == [] and "no sheet is known" in unknown.warnings[0]


def test_where_strength_follows_age_alone_the_score_isnt_called_useful(tmp_path: Path) -> None:
    found = []
    copper_tf.simulate(
        tmp_path / "sim", labels=3, sheets=6, pictures=24, lots=3, peel=True, peel_follows="age", tables=20,
        sheet_sd=0.08, start=0.8, end=0.3,
    )  # fmt: skip
    for table in sorted((tmp_path / "sim").glob("scores-*.csv")):
        result = copper_tf.calibrate(table, PEEL, beside=["t"])
        found.append(result.added[0].adds)
        claims = any("tells more than t alone" in text for text in result.verdicts)
        assert claims == result.added[0].adds
    assert sum(found) <= 3


def test_without_failures_column_all_strengths_are_exact(scores: Path) -> None:
    plain = rewritten(scores, lambda row: {k: v for k, v in row.items() if k != "failure"})
    result = copper_tf.calibrate(plain, PEEL)
    assert not any(s.cohesive for s in result.sheets) and len(result.fits) == 1


def test_sheets_without_strength_are_left_out(scores: Path) -> None:
    some = rewritten(scores, lambda row: row | ({PEEL: ""} if row["sheet"] == "t00-s00" else {}))
    result = copper_tf.calibrate(some, PEEL)
    assert len(result.sheets) == 23 and any("1 sheets without" in text for text in result.caveats)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda row: {k: v for k, v in row.items() if k != "lot"}, "must have a column lot"),
        (lambda row: row | {"lot": "x"}, "at least 2 lots are needed.*Received: x"),
        (lambda row: row | {"lot": ""}, "lot must be given in every row"),
        (lambda row: row | {PEEL: "0.8"}, f"{PEEL} of the sheets must differ. Received: 0.8"),
        (lambda row: row | {PEEL: ""}, f"{PEEL} must be given for some sheets"),
        (lambda row: row | {PEEL: row[PEEL] + " N/mm"}, "line 2: peel_N_per_mm must be a number, its unit in"),
        (lambda row: row | {PEEL: "-1"}, "line 2: peel_N_per_mm must be a number of at least 0"),
        (lambda row: row | {"failure": "mixed"}, "line 2: failure must be adhesive, cohesive or empty"),
        (lambda row: row | {"failure": "cohesive"}, "at least 3 sheets must have failed at the interface"),
        (lambda row: row | {"lot": row["file"]}, "line 3: lot must be the same for all pictures of a sheet"),
        (lambda row: row | {"t": "soon"}, "line 2: t must be a number"),
        (lambda row: row | {"etch_depth_um": "deep"}, "etch_depth_um must be a number"),
    ],
)
def test_bad_tables_are_refused_in_one_line(scores: Path, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        copper_tf.calibrate(rewritten(scores, change), PEEL)
    assert "\n" not in str(error.value) and "Received" in str(error.value)


def test_an_absent_column_of_failures_is_refused_where_it_was_named(scores: Path) -> None:
    with pytest.raises(InputError, match="must have a column mode"):
        copper_tf.calibrate(scores, PEEL, failure="mode")


def test_too_few_sheets_are_refused(scores: Path) -> None:
    few = rewritten(scores, lambda row: row | ({} if row["sheet"] in ("t00-s00", "t01-s01") else {PEEL: ""}))
    with pytest.raises(InputError, match="at least 3 sheets|lots need at least 4 sheets"):
        copper_tf.calibrate(few, PEEL)
