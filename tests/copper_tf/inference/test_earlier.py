"""Results of two models, or of two sets of pictures, never mix in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import copper_tf
from copper_tf.inference.earlier import PredictionRecord, begin_predictions, refuse_predictions
from copper_tf.inference.exported.predictor import ExportedPredictor
from copper_tf.inference.predictor import RunPredictor
from tests.conftest import worked_in
from tfds_copper.errors import OutputError, RunError

CLASSIFIER, SEGMENTER = "classifier", "segmenter"


def pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        pixels = np.random.default_rng(k).integers(0, 255, (64, 80)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix() for path in found}


def test_the_same_command_again_predicts_no_results(runs: dict[str, Any], tmp_path: Path) -> None:
    new = pictures(tmp_path / "new", "a.png", "b.png")
    first = copper_tf.predict(runs[SEGMENTER], new, new / "results")
    written = files(new)
    again = copper_tf.predict(runs[SEGMENTER], new, new / "results")
    assert [row.file for row in again.rows] == [row.file for row in first.rows] == ["a.png", "b.png"]
    assert not again.failures
    assert files(new) == written
    beside = copper_tf.predict(runs[SEGMENTER], new, new, force=True)
    assert [row.file for row in beside.rows] == ["a.png", "b.png"]
    assert len(copper_tf.predict(runs[SEGMENTER], new, new).rows) == 2


def test_results_of_two_models_or_two_sets_never_mix(runs: dict[str, Any], tmp_path: Path) -> None:
    new, out = pictures(tmp_path / "new", "a.png", "b.png"), tmp_path / "out"
    copper_tf.predict(runs[SEGMENTER], new, out, sheet="S1")
    before = files(out)
    with pytest.raises(OutputError, match=r"out: .*--force replaces.* Received: those of another model"):
        copper_tf.predict(runs[CLASSIFIER], new, out)
    with pytest.raises(OutputError, match=r"Received: those of 1 other pictures, such as b"):
        copper_tf.predict(runs[SEGMENTER], new / "a.png", out)
    assert files(out) == before
    copper_tf.predict(runs[CLASSIFIER], new / "a.png", out, table="grades.csv", force=True)
    assert files(out) == {"prediction.json", "grades.csv"}


def test_more_pictures_of_the_same_model_are_welcome(runs: dict[str, Any], tmp_path: Path) -> None:
    new, out = pictures(tmp_path / "new", "a.png", "b.png"), tmp_path / "out"
    copper_tf.predict(runs[SEGMENTER], new / "a.png", out)
    assert len(copper_tf.predict(runs[SEGMENTER], new, out).rows) == 2


def test_twins_have_a_place_each(runs: dict[str, Any], tmp_path: Path) -> None:
    new, out = pictures(tmp_path / "new", "x.png", "x.tif", "y.png"), tmp_path / "out"
    result = copper_tf.predict(runs[SEGMENTER], new, out)
    assert {path.name for path in (out / "maps").iterdir()} == {"x.png.tif", "x.tif.tif", "y.tif"}
    assert any("2 pictures share their name" in text and "x.png.tif" in text for text in result.warnings)


def test_results_that_no_record_tells_of_are_left_alone(tmp_path: Path) -> None:
    record = PredictionRecord("model", ("a",), "predictions.csv")
    (tmp_path / "maps").mkdir()
    for force in (False, True):
        with pytest.raises(OutputError, match=r"need a folder without others.* Received: one with maps"):
            begin_predictions(record, tmp_path, force)
    assert files(tmp_path) == set()


def test_two_predictions_never_mix_in_one_folder(runs: dict[str, Any], tmp_path: Path) -> None:
    new, out = pictures(tmp_path / "new", "a.png"), tmp_path / "out"
    out.mkdir()
    with worked_in(out), pytest.raises(OutputError, match="out: one process at a time may work in it"):
        copper_tf.predict(runs[SEGMENTER], new, out)
    assert files(out) == set()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "prediction.json").write_text("{")
    with pytest.raises(RunError, match=r"prediction.json: must be JSON"):
        begin_predictions(PredictionRecord("model", ("a",), "predictions.csv"), tmp_path, True)
    with pytest.raises(OutputError, match=r"must not hold results of `copper predict`"):
        refuse_predictions(tmp_path)


def test_a_model_is_known_by_its_weights(runs: dict[str, Any]) -> None:
    one, other = (RunPredictor(runs[kind]) for kind in (SEGMENTER, CLASSIFIER))
    assert one.identity == RunPredictor(runs[SEGMENTER]).identity != other.identity


@pytest.mark.parametrize(
    "name", ["ABSOLUTE", "../../precious", "../precious", "x/../../../precious", "linked/precious"]
)
def test_what_a_record_names_outside_its_folder_is_never_removed(tmp_path: Path, name: str) -> None:
    out, record = tmp_path / "out", PredictionRecord("model", ("a",), "predictions.csv")
    for precious in (tmp_path / "precious.tif", out / "precious.tif", out / "maps" / "a.tif"):
        precious.parent.mkdir(parents=True, exist_ok=True)
        precious.write_text("kept")
    (out / "maps" / "linked").symlink_to(tmp_path)
    named = str(tmp_path / "precious") if name == "ABSOLUTE" else name
    PredictionRecord("another", ("a", named), "predictions.csv").write(out / "prediction.json")
    with pytest.raises(RunError, match=r"prediction.json: results must .* inside .*out. Received: .*"):
        begin_predictions(record, out, True)
    assert files(tmp_path) >= {"precious.tif", "out/precious.tif", "out/maps/a.tif"}
    # Control: what lies inside is removed.
    PredictionRecord("another", ("a",), "predictions.csv").write(out / "prediction.json")
    begin_predictions(record, out, True)
    assert files(tmp_path) == {"precious.tif", "out/precious.tif", "out/prediction.json"}


@pytest.mark.parametrize("file", ["savedmodel/saved_model.pb", "savedmodel/variables/v.data", "model [2].bin"])
def test_an_export_is_known_by_every_file_of_it(tmp_path: Path, file: str) -> None:
    (tmp_path / "savedmodel" / "variables").mkdir(parents=True)
    for name in ("savedmodel/saved_model.pb", "savedmodel/variables/v.data", "model [2].xml", "model [2].bin"):
        (tmp_path / name).write_text("as it was")
    opened = tmp_path / "savedmodel" if file.startswith("savedmodel") else tmp_path / "model [2].xml"

    def identity() -> str:
        predictor = ExportedPredictor.__new__(ExportedPredictor)
        predictor.file = opened
        return predictor.identity

    before = identity()
    assert identity() == before
    (tmp_path / file).write_text("exported again")
    assert identity() != before
