"""load, predict, bulk and export from Python: arrays and files, typed results, one Keras model, examples that run."""

from __future__ import annotations

import doctest
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copper_tf
from copper_tf.api import inference as api
from copper_tf.inference.exported.metadata import ModelMetadata
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.results import PredictionResult
from copper_tf.runs.run import open_run
from tests.conftest import ROOT
from tfds_copper.errors import InputError, RunError, SettingError
from tfds_copper.micrograph import ReadSettings, read

SEGMENTER, CLASSIFIER = "segmenter", "classifier"


@pytest.fixture(scope="module")
def picture(sem_folder: Path) -> Path:
    """A micrograph of 64x80 px."""
    return next(sem_folder.glob("t01/*.png"))


def test_a_file_and_its_array_have_the_same_map(runs: dict[str, Any], picture: Path) -> None:
    model, pixels = copper_tf.load(runs[SEGMENTER].path), read(picture).pixels
    of_file, of_array = model.predict(str(picture)), model.predict(pixels, bit_depth=8)
    np.testing.assert_array_equal(of_file.map, of_array.map)
    assert of_file.map is not None and of_file.map.shape == pixels.shape and of_file.map.dtype == np.float32
    assert of_file.potency == pytest.approx(float(of_file.map.mean()), abs=1e-6)
    assert of_file.probabilities is None and of_file.scatter is None
    expected = RunPredictor(runs[SEGMENTER]).predict(pixels, 8)
    np.testing.assert_array_equal(of_file.map, expected.map)


def test_a_classifier_gives_grades_and_probabilities(runs: dict[str, Any], picture: Path) -> None:
    model = copper_tf.load(runs[CLASSIFIER].path)
    prediction = model.predict(picture)
    assert prediction.map is None and prediction.probabilities is not None
    assert prediction.probabilities.sum() == pytest.approx(1) and prediction.grade == prediction.probabilities.argmax()
    assert 0 <= prediction.median_grade < len(model.labels.times)
    with pytest.raises(ValueError, match="a classifier gives no potency"):
        _ = prediction.potency
    assert model.kind == CLASSIFIER and model.config == runs[CLASSIFIER].config and "labels 0, 1, 2" in repr(model)


def test_warnings_tell_what_is_out_of_distribution_and_the_caveats(runs: dict[str, Any], picture: Path) -> None:
    model = copper_tf.load(runs[SEGMENTER].path)
    as_trained = model.predict(picture)
    assert set(as_trained.warnings) >= set(model.caveats)
    size = next(iter(runs[SEGMENTER].pixel_sizes_nm))
    other = model.predict(read(picture).pixels, pixel_size_nm=3 * float(size))
    assert other.warnings[0] == f"pixel size {3 * float(size):g} nm, trained on {float(size):g} nm"
    noise = np.random.default_rng(0).integers(0, 2, (64, 80), np.uint8) * 255
    assert any(
        text.split(": ")[0] in ("grey levels", "saturation", "sharpness") for text in model.predict(noise).warnings
    )


def test_the_bar_of_a_file_is_cut_as_asked(runs: dict[str, Any], picture: Path) -> None:
    model = copper_tf.load(runs[SEGMENTER].path)
    whole, cut = model.predict(picture, bar="keep").map, model.predict(picture, bar=16).map
    assert whole is not None and cut is not None and whole.shape == (64, 80) and cut.shape == (48, 80)


def test_new_pictures_are_cut_as_those_of_training_were(runs: dict[str, Any], picture: Path, tmp_path: Path) -> None:
    run = shutil.copytree(runs[SEGMENTER].path, tmp_path / "run")
    written = json.loads((run / "data.json").read_text())
    assert written["reading"]["bar"] == "auto"
    (run / "data.json").write_text(json.dumps({**written, "reading": {**written["reading"], "bar": "8/16"}}))
    model = copper_tf.load(run)
    as_trained, kept = model.predict(picture).map, model.predict(picture, bar="keep").map
    assert as_trained is not None and as_trained.shape == (40, 80) and kept is not None and kept.shape == (64, 80)
    result = copper_tf.predict(model, [picture], tmp_path / "out")
    assert (result.rows[0].height, result.rows[0].width) == (40, 80) and "8 at the top, 16" in result.rows[0].notes
    metadata = ModelMetadata.of(open_run(run))
    assert ModelMetadata.from_json(metadata.to_json(), "model").reading.bar == "8/16"


@pytest.mark.parametrize(
    ("pixels", "bit_depth", "error", "message"),
    [
        (np.zeros((64, 80, 3), np.uint8), None, InputError, r"\(height, width\). Received: shape \(64, 80, 3\)"),
        (np.zeros((64, 80), np.float32), None, SettingError, "uint8 or uint16.* Received: dtype float32 without"),
        (np.zeros((64, 80), np.uint8), 17, SettingError, "bit_depth be from 8 to 16. Received: bit_depth 17"),
        (np.full((64, 80), 0.5), 8, SettingError, "must hold whole numbers.* Received: dtype float64"),
        (np.full((64, 80), np.nan), 16, SettingError, "must hold whole numbers.* Received: dtype float64"),
        (np.zeros((64, 80), bool), 8, SettingError, "must hold whole numbers.* Received: dtype bool"),
        (np.full((64, 80), -1, np.int32), 8, SettingError, "values of at least 0. Received: -1, dtype int32"),
        (np.full((64, 80), 4096, np.int32), 12, SettingError, "12 bits end at 4095. Received: 4096"),
        (np.zeros((4, 80), np.uint8), None, InputError, "needs pictures of at least .* Received: 80x4"),
    ],
)
def test_arrays_that_are_no_micrographs_are_refused(
    pixels: np.ndarray, bit_depth: int | None, error: type[Exception], message: str, runs: dict[str, Any]
) -> None:
    with pytest.raises(error, match=message):
        copper_tf.load(runs[SEGMENTER].path).predict(pixels, bit_depth=bit_depth)


def test_what_is_no_model_is_refused(tmp_path: Path, runs: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="must be a run of `copper train` or a model of `copper export`. Received: neit"):
        copper_tf.load(tmp_path)
    with pytest.raises(RunError, match="Received: a folder that holds .*segmenter.*: give one of these"):
        copper_tf.load(runs[SEGMENTER].path.parent)
    with pytest.raises(RunError, match="Received: nothing there"):
        copper_tf.load(tmp_path / "absent")
    with pytest.raises(SettingError, match="runtime is for exports"):
        copper_tf.load(runs[SEGMENTER].path, "onnx")


_LOADED = """
import sys
import keras, numpy as np
import copper_tf.exporters.keras_model
model = keras.saving.load_model(sys.argv[1])
pixels = np.load(sys.argv[2])
np.save(sys.argv[3], model(pixels[None, ..., None]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "bit_depth"), [(SEGMENTER, 8), (CLASSIFIER, 16)])
def test_a_keras_model_from_raw_grey_values_survives_saving(
    kind: str, bit_depth: int, runs: dict[str, Any], tmp_path: Path
) -> None:
    model, draw = copper_tf.load(runs[kind].path), np.random.default_rng(0)
    pixels = draw.integers(0, 2**bit_depth, (61, 83)).astype(f"uint{bit_depth}")
    whole = model.keras_model(bit_depth)
    result = np.asarray(whole(pixels[None, ..., None]))
    prediction = model.predict(pixels)
    expected = prediction.map if kind == SEGMENTER else prediction.probabilities
    assert expected is not None
    np.testing.assert_allclose(result[0, ..., 0] if kind == SEGMENTER else result[0], expected, atol=1e-4)
    whole.save(tmp_path / "model.keras")
    np.save(tmp_path / "pixels.npy", pixels)
    files = [tmp_path / name for name in ("model.keras", "pixels.npy", "result.npy")]
    subprocess.run([sys.executable, "-c", _LOADED, *map(str, files)], check=True, cwd=ROOT)
    np.testing.assert_allclose(np.load(tmp_path / "result.npy"), result, atol=1e-6)


def test_predict_returns_what_it_writes(runs: dict[str, Any], picture: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    model = copper_tf.load(runs[SEGMENTER].path)
    result = copper_tf.predict(model, [picture, tmp_path / "broken.png"], tmp_path / "out", sheet="S1", bar="keep")
    (row,), (failure,) = result.rows, result.failures
    assert row.file == picture.name and row.sheet == "S1" and (row.height, row.width) == (64, 80)
    assert row.potency == pytest.approx(model.predict(picture).potency) and row.grade is None
    assert failure.file == "broken.png" and "broken.png" in failure.reason
    assert [file.name for file in result.files] == ["predictions.csv", "predictions_sheets.csv", "maps", "overlays"]
    assert all(file.exists() for file in result.files) and set(model.caveats) <= set(result.warnings)
    # As text: a size that is unknown is NaN, which equals nothing.
    assert str(PredictionResult.from_dict(result.to_dict())) == str(result)


def test_sheets_of_a_table_that_lies_elsewhere_are_those_of_the_results(
    runs: dict[str, Any], picture: Path, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture.read_bytes())
    (tmp_path / "sheets.csv").write_text("file,sheet\na.png,S1\nb.png,S1\n")
    pictures, output = [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / "out"
    result = copper_tf.predict(runs[CLASSIFIER].path, pictures, output, labels=tmp_path / "sheets.csv", bar="keep")
    assert [row.sheet for row in result.rows] == ["S1", "S1"]
    assert "S1" in (output / "predictions_sheets.csv").read_text("utf-8-sig")


def test_settings_are_checked_before_anything_is_written(runs: dict[str, Any], picture: Path, tmp_path: Path) -> None:
    both = {"sheet": "S1", "labels": tmp_path / "sheets.csv"}
    for given, message in (
        ({"table": "a.txt"}, "table must end in"), ({"bar": "loud"}, "bar must be auto, keep or"),
        (both, "sheet is that of all pictures; give it or labels. Received: 'S1' and "),
    ):  # fmt: skip
        with pytest.raises(SettingError, match=message):
            copper_tf.predict(runs[SEGMENTER], picture, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_settings_by_name_stand_before_those_of_the_group() -> None:
    group = ReadSettings(bar="keep", pixel_size=20.0)
    assert api._reading(group, {"bar": "16"}) == ReadSettings(bar="16", pixel_size=20.0)
    assert api._reading(group, {}) == group and api._reading(None, {}) == ReadSettings()
    for given in (group, None):
        with pytest.raises(SettingError, match="colour"):
            api._reading(given, {"colour": "red"})


def test_an_export_is_loaded_like_its_run_but_holds_no_keras_model(
    runs: dict[str, Any], picture: Path, tmp_path: Path
) -> None:
    result = copper_tf.export(runs[CLASSIFIER].path, tmp_path / "exported")
    written = result.formats["savedmodel"]
    assert written.largest <= 1e-4 and written.pictures > 2 and (tmp_path / "exported" / written.file).is_dir()
    exported = copper_tf.load(tmp_path / "exported")
    mine, theirs = copper_tf.load(runs[CLASSIFIER]).predict(picture), exported.predict(picture)
    np.testing.assert_allclose(mine.probabilities, theirs.probabilities, atol=1e-4)
    assert mine.warnings == theirs.warnings
    with pytest.raises(RunError, match="an export holds none"):
        exported.keras_model()


@pytest.mark.slow
def test_examples_of_the_docstrings_run(
    runs: dict[str, Any], picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copper_tf.exporters import keras_model

    (tmp_path / "run").symlink_to(runs[SEGMENTER].path)
    shutil.copyfile(picture, tmp_path / "micrograph.png")
    copper_tf.export(tmp_path / "run", tmp_path / "exported")
    monkeypatch.chdir(tmp_path)
    tried = 0
    for module in (api, keras_model):
        results = doctest.testmod(module, extraglobs={"copper_tf": copper_tf, "np": np, "math": math})
        assert results.failed == 0
        tried += results.attempted
    assert tried >= 12
