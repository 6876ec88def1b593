"""Rows of predictions, as tables show them, and warnings about all of them together."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from copper_tf.inference.ood_summary import OodSummary
from copper_tf.inference.prediction_rows import OOD_COLUMN, WARNINGS_COLUMN, PredictionFailure, PredictionRow
from copper_tf.inference.results import BulkResult, PredictionResult
from copper_tf.ood.check import OodCheck
from tfds_copper.micrograph.depth import low_note

_LIKE = OodCheck(())
_MAPPED = PredictionRow("a.png", "S1", 80, 64, math.nan, "", _LIKE, potency=0.25)
_GRADED = PredictionRow(
    "a.png", "", 80, 64, 4.5, "bar cut", _LIKE, grade=2.5, median_grade=0.0, probabilities=(0.4, 0.6)
)


def test_a_row_has_the_cells_of_its_kind_of_model() -> None:
    about = ["file", "sheet", "width", "height", "pixel_size_nm", "notes", WARNINGS_COLUMN, OOD_COLUMN]
    assert list(_MAPPED.cells((0.0, 2.5))) == [*about, "potency"] and _MAPPED.value_column == "potency"
    full = dataclasses.replace(_MAPPED, potency=0.123456, scatter=0.1, area_share=1 / 3, nearest_t=2.5).cells(())
    assert list(full)[-4:] == ["potency", "scatter", "area share", "nearest t"]
    assert list(full.values())[-4:] == [0.1235, 0.1, 0.3333, 2.5]
    cells = _GRADED.cells((0.0, 2.5))
    assert list(cells) == [*about, "grade t", "p(grade t)", "median grade t", "p(t=0)", "p(t=2.5)"]
    assert (cells["grade t"], cells["median grade t"], cells["p(t=2.5)"]) == (2.5, 0.0, 0.6)
    assert _GRADED.value_column == "median grade t"


def test_every_label_has_a_column_of_its_own() -> None:
    times = (1000001.0, 1000002.0)
    assert list(_GRADED.cells(times))[-2:] == ["p(t=1000001)", "p(t=1000002)"]


def test_results_survive_json() -> None:
    odd = dataclasses.replace(_GRADED, ood=OodCheck(("pixel size 12 nm, trained on 4.5 nm",), "not compared", True))
    result = PredictionResult((odd, _GRADED), (PredictionFailure("b", "why"),), ("careful",), "", (Path("t.csv"),))
    assert PredictionResult.from_dict(result.to_dict()) == result
    unknown = dataclasses.replace(result, rows=(_MAPPED,))
    assert math.isnan(PredictionResult.from_dict(unknown.to_dict()).rows[0].pixel_size_nm)
    bulk = BulkResult(3, 1, (), "g was learned", (Path("t.csv"), Path("maps")))
    assert BulkResult.from_dict(bulk.to_dict()) == bulk


def test_warnings_count_pictures_and_name_the_first_of_each_kind() -> None:
    summary = OodSummary({"4.5": 10})
    assert not list(summary.warnings())
    checks = [
        OodCheck(("pixel size 12 nm, trained on 4.5 nm", "sharpness: less fine detail"), "", True),
        OodCheck(("sharpness: more noise",)),
        OodCheck((), "not compared: smaller than 64x64 px"),
        _LIKE,
    ]
    rows = [dataclasses.replace(_GRADED, file=f"{k}.png", pixel_size_nm=12.0, ood=c) for k, c in enumerate(checks)]
    assert list(summary.adding(rows)) == rows
    sizes, unlike, unchecked = summary.warnings()
    assert sizes == (
        "1 of 4 pictures are of another pixel size than those of training (4.5 nm), such as 0.png of 12 nm: their "
        "results mean nothing"
    )
    assert unlike.startswith("2 of 4 pictures differ from those of training (sharpness 2), such as 0.png (sharpness: ")
    assert unchecked == "1 of 4 pictures were not compared: smaller than 64x64 px"


def test_warnings_have_a_word_each() -> None:
    check = OodCheck(("pixel size 12 nm, trained on 4.5 nm", "grey levels: darker"), "", True)
    low = dataclasses.replace(_MAPPED, ood=check, notes=low_note(12))
    assert low.cells(())[WARNINGS_COLUMN] == "pixel-size grey-levels bit-depth"
    assert dataclasses.replace(_MAPPED, ood=OodCheck((), "not compared: why")).warning_codes == ("not-compared",)
    assert _MAPPED.cells(())[WARNINGS_COLUMN] == ""
