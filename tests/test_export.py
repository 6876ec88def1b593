"""Exports say what the run says, to programs that have never heard of copper_tf."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from copper_tf.export import ExportedPredictor, export_saved_model, is_export, saved_model
from copper_tf.export.graph import normalise
from copper_tf.normalisation import Normalisation
from copper_tf.prediction import Predictor
from tfds_copper.errors import InputError, OutputError, RunError


@pytest.fixture(scope="module")
def exports(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    for kind, run in runs.items():
        assert export_saved_model(run, folder / kind) < 1e-5
    return {kind: folder / kind for kind in runs}


@pytest.mark.parametrize("mode", ["dataset", "picture", "local"])
def test_normalisation_in_the_graph_equals_numpys(mode: str) -> None:
    picture = np.random.default_rng(0).random((45, 70), np.float32)
    how = Normalisation(mode, 0.45, 0.25, 15)
    np.testing.assert_allclose(normalise(picture[None, ..., None], how)[0, ..., 0], how.apply(picture), atol=2e-4)


def test_real_pictures_give_the_same(runs: dict[str, Any], exports: dict[str, Path], sem_folder: Path) -> None:
    from tfds_copper.micrograph import read

    picture = read(next((sem_folder / "t01").glob("*.png")))
    for kind, path in exports.items():
        mine = Predictor(runs[kind]).predict(picture.pixels, 8)
        theirs = ExportedPredictor.load(path).predict(picture.pixels, 8)
        for name in ("mask", "probabilities"):
            if getattr(mine, name) is not None:
                assert np.abs(getattr(mine, name) - getattr(theirs, name)).max() < 1e-5


_STRANGER = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
pixels = np.load(sys.argv[2])
out = model.signatures["uint8"](picture=tf.constant(pixels[None, ..., None]))
png = model.signatures["png"](png=tf.constant(open(sys.argv[3], "rb").read()))
assert not [m for m in sys.modules if m.startswith(("copper", "tfds_copper"))], "a stranger knows none of us"
print(json.dumps([float(out["potency"][0]), float(png["potency"][0]), list(out["mask"].shape)]))
"""


def test_a_stranger_can_use_it(runs: dict[str, Any], exports: dict[str, Path], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (61, 83)).astype(np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    Image.fromarray(pixels).save(tmp_path / "pixels.png")
    command = [sys.executable, "-c", _STRANGER, exports["segmenter"], tmp_path / "pixels.npy", tmp_path / "pixels.png"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    raw, png, shape = json.loads(printed)
    mine = Predictor(runs["segmenter"]).predict(pixels, 8).potency
    assert raw == pytest.approx(mine, abs=1e-5) and png == pytest.approx(mine, abs=1e-5)
    assert shape == [1, 61, 83, 1]


def test_sixteen_bit_pictures_batches_and_names(exports: dict[str, Path]) -> None:
    signatures = tf.saved_model.load(str(exports["classifier"])).signatures
    assert set(signatures) == {"serving_default", "uint8", "uint16", "png"}
    eight = np.random.default_rng(0).integers(0, 255, (3, 48, 40, 1)).astype(np.uint8)
    out8 = signatures["uint8"](picture=tf.constant(eight))
    out16 = signatures["uint16"](picture=tf.constant(eight.astype(np.uint16) * 257))
    assert set(out8) == {"probabilities", "grade", "median_grade", "t"}
    np.testing.assert_allclose(out8["probabilities"], out16["probabilities"], atol=1e-6)
    assert out8["t"].shape == (3,)
    stream = io.BytesIO()
    Image.fromarray(eight[0, ..., 0].astype(np.uint16) * 257).save(stream, "PNG")
    png = signatures["png"](png=tf.constant(stream.getvalue()))
    np.testing.assert_allclose(png["probabilities"][0], out8["probabilities"][0], atol=1e-6)


def test_an_export_that_differs_is_refused(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_model, "_verify", lambda *_: 0.02)
    with pytest.raises(OutputError, match="must equal the run within 1e-05. Received: a difference of 0.02"):
        export_saved_model(runs["segmenter"], tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_the_comparison_sees_a_difference(runs: dict[str, Any], exports: dict[str, Path]) -> None:
    """The control: a run with other weights isn't the one exported."""
    predictor = Predictor(runs["segmenter"])
    logit = predictor.model.get_layer("logit")
    logit.bias.assign(logit.bias + 0.5)
    assert saved_model._verify(runs["segmenter"], predictor, exports["segmenter"]) > 1e-3


def test_folders_in_use_are_kept(runs: dict[str, Any], exports: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="--force replaces it"):
        export_saved_model(runs["segmenter"], exports["segmenter"])
    assert export_saved_model(runs["segmenter"], exports["segmenter"], force=True) < 1e-5
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="needs an absent or empty folder. Received: one in use"):
        export_saved_model(runs["segmenter"], tmp_path, force=True)
    assert is_export(exports["segmenter"]) and not is_export(tmp_path)


def test_damaged_exports_and_small_pictures_are_named(exports: dict[str, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(exports["segmenter"], tmp_path / "model"))
    (copy / "saved_model.pb").write_bytes(b"half")
    with pytest.raises(RunError, match="must be an intact export"):
        ExportedPredictor.load(copy)
    with pytest.raises(InputError, match=r"a.png: this network needs pictures of at least 8x8 px. Received: 40x5"):
        ExportedPredictor.load(exports["segmenter"]).predict(np.zeros((5, 40), np.uint8), 8, "a.png")
