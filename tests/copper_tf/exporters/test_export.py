"""Exports say what the run says, to programs that have never heard of copper_tf."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.data.normalisation import Normalisation
from copper_tf.exporters import export as exporting
from copper_tf.exporters.deployed_model import mirrored, normalise
from copper_tf.exporters.export import Deviation, _Comparison, _Picture, _synthetic, allowed, export_run
from copper_tf.exporters.writers import WRITERS
from copper_tf.inference.exported.metadata import ExportedFormat, ExportResult
from copper_tf.inference.exported.predictor import ExportedPredictor, is_export
from copper_tf.inference.exported.runtimes import FORMATS, RUNTIMES, opened
from copper_tf.inference.predictor import Prediction, RunPredictor
from copper_tf.training.loop import train
from tests.conftest import small
from tfds_copper.errors import InputError, OutputError, RunError, SettingError


@pytest.fixture(scope="module")
def exports(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All formats of a run of each kind."""
    folder = tmp_path_factory.mktemp("exports")
    for kind, run in runs.items():
        found = export_run(run, folder / kind, FORMATS)
        assert all(of.largest < 1e-5 for name, of in found.formats.items() if name != "openvino-int8")
    return {kind: folder / kind for kind in runs}


@pytest.mark.parametrize("mode", ["dataset", "picture", "local"])
def test_normalisation_in_the_graph_equals_numpys(mode: str) -> None:
    picture = np.random.default_rng(0).random((45, 70), np.float32)
    how = Normalisation(mode, 0.45, 0.25, 15)
    np.testing.assert_allclose(normalise(picture[None, ..., None], how)[0, ..., 0], how.apply(picture), atol=2e-4)


@pytest.mark.parametrize("side", [2, 5, 64, 70])
@pytest.mark.parametrize("around", [0, 7, 24])
def test_pictures_go_on_mirrored_as_numpy_has_it(side: int, around: int) -> None:
    picture = np.random.default_rng(0).random((side, 9), np.float32)
    behind = [around + -length % 8 for length in picture.shape]
    expected = np.pad(picture, [(around, behind[0]), (around, behind[1])], mode="symmetric")
    np.testing.assert_array_equal(mirrored(picture[None, ..., None], around, 8)[0, ..., 0], expected)


@pytest.mark.parametrize("runtime", list(RUNTIMES))
@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_real_pictures_give_the_same_in_every_runtime(
    kind: str, runtime: str, runs: dict[str, Any], exports: dict[str, Path], sem_folder: Path
) -> None:
    from tfds_copper.micrograph import read

    picture = read(next((sem_folder / "t01").glob("*.png")))
    mine = RunPredictor(runs[kind]).predict(picture.pixels, 8)
    exported = ExportedPredictor.load(exports[kind], runtime)
    assert exported.runtime == runtime
    theirs = exported.predict(picture.pixels, 8)
    allowed = 0.05 if runtime == "openvino-int8" else 1e-5
    for name in ("map", "probabilities"):
        if getattr(mine, name) is not None:
            assert np.abs(getattr(mine, name) - getattr(theirs, name)).max() < allowed


def test_every_format_carries_its_metadata(runs: dict[str, Any], exports: dict[str, Path]) -> None:
    run = runs["segmenter"]
    found = {opened(exports["segmenter"] / r.file, name)[0] for name, r in RUNTIMES.items()}
    assert len(found) == 1
    metadata = json.loads(found.pop())
    assert metadata["times"] == list(run.labels.times) and metadata["hypothesis"] == run.hypothesis_record.to_dict()
    assert metadata["normalisation"] == run.normalisation.to_dict() and metadata["config"] == run.config.to_dict()
    assert len(metadata["run_sha256"]) == 64 and metadata["versions"]["tensorflow"] == tf.__version__
    assert set(FORMATS) == {*WRITERS, "bioimageio"} == {*RUNTIMES, "bioimageio"}


_SAVED_MODEL = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1] + "/savedmodel")
pixels = np.load(sys.argv[2])
out = model.signatures["uint8"](picture=tf.constant(pixels[None, ..., None]))
png = model.signatures["png"](png=tf.constant(open(sys.argv[3], "rb").read()))
print(json.dumps([float(out["potency"][0]), float(png["potency"][0])]))
"""
_ONNX = """
import json, sys
import numpy as np, onnxruntime
model = onnxruntime.InferenceSession(sys.argv[1] + "/onnx/model.onnx")
grey = np.load(sys.argv[2])[None, ..., None].astype(np.float32) / 255
print(json.dumps([float(model.run(["potency"], {"grey": grey})[0][0])]))
"""
_OPENVINO = """
import json, sys
import numpy as np, openvino
pixels = np.load(sys.argv[2])[None, ..., None]
found = []
for file, name in (("/openvino/model.xml", "grey"), ("/savedmodel", "picture")):
    model = openvino.compile_model(sys.argv[1] + file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    given = pixels.astype(np.float32) / 255 if name == "grey" else pixels
    found.append(float(model({name: given})["potency"][0]))
print(json.dumps(found))
"""
_LITERT = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
run = Interpreter(sys.argv[1] + "/litert/model.tflite").get_signature_runner()
grey = np.load(sys.argv[2])[None, ..., None].astype(np.float32) / 255
print(json.dumps([float(run(grey=grey)["potency"][0])]))
"""
_STRANGER = """
assert not [m for m in sys.modules if m.startswith(("copper", "tfds_copper"))], "a stranger knows none of us"
"""


@pytest.mark.parametrize("code", [_SAVED_MODEL, _ONNX, _OPENVINO, _LITERT], ids=["tf", "onnx", "openvino", "litert"])
def test_a_stranger_can_use_it(code: str, runs: dict[str, Any], exports: dict[str, Path], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (61, 83)).astype(np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    Image.fromarray(pixels).save(tmp_path / "pixels.png")
    files = [exports["segmenter"], tmp_path / "pixels.npy", tmp_path / "pixels.png"]
    command = [sys.executable, "-c", code + _STRANGER, *files]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    mine = RunPredictor(runs["segmenter"]).predict(pixels, 8).potency
    assert json.loads(printed.splitlines()[-1]) == pytest.approx(
        [mine] * len(json.loads(printed.splitlines()[-1])), abs=1e-5
    )


def test_tensorflows_own_command_runs_it(exports: dict[str, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.random.default_rng(0).integers(0, 255, (1, 61, 83, 1)).astype(np.uint8))
    tool = Path(sys.executable).with_name("saved_model_cli")
    command = [tool, "run", "--dir", exports["segmenter"] / "savedmodel", "--tag_set", "serve", "--signature_def"]
    command += ["serving_default", "--inputs", f"picture={tmp_path / 'p.npy'}", "--outdir", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    assert np.load(tmp_path / "mask.npy").shape == (1, 61, 83, 1)


def test_predicting_by_an_export_needs_no_tensorflow(
    exports: dict[str, Path], sem_folder: Path, tmp_path: Path
) -> None:
    code = (
        "import sys; from copper_tf.cli.main import main; code = main(sys.argv[1:]);"
        "sys.exit(code or any(m in sys.modules for m in ('tensorflow', 'keras', 'sklearn', 'matplotlib')))"
    )
    picture = next((sem_folder / "t01").glob("*.png"))
    for name in ("segmenter", "classifier"):
        arguments = ["predict", exports[name], picture, "-o", tmp_path / name]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)
        assert (tmp_path / name / "predictions.csv").is_file()


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_results_of_another_shape_or_without_numbers_do_not_equal_the_run(kind: str, runs: dict[str, Any]) -> None:
    """A map with an axis too many would be compared all the same, by broadcasting, and NaN is larger than nothing."""
    predictor = RunPredictor(runs[kind])
    pictures = [_Picture(np.random.default_rng(0).integers(0, 255, (48, 40)).astype(np.uint8), 8)]
    name = "mask" if kind == "segmenter" else "probabilities"
    mine = _Comparison(predictor, pictures)
    right = np.array(mine._expected[0])[None, ..., None] if kind == "segmenter" else np.array(mine._expected[0])[None]
    for theirs, same in ((right, True), (right[None], False), (right[:, :-1], False), (right * np.nan, False)):
        assert mine.of(lambda _, theirs=theirs: {name: theirs}).within(allowed("onnx")) == same


def test_the_package_for_bioimageio_is_whole_and_its_validator_sees_damage(
    exports: dict[str, Path], tmp_path: Path
) -> None:
    from copper_tf.exporters.bioimage import check_package

    package = exports["segmenter"] / "bioimageio" / "model.zip"
    with zipfile.ZipFile(package) as held:
        names = set(held.namelist())
        assert names == {"rdf.yaml", "README.md", "model.onnx", "grey.npy", "mask.npy", "potency.npy"}
        assert held.read("model.onnx") == (exports["segmenter"] / "onnx" / "model.onnx").read_bytes()
        assert "- Its pictures, mean grey value, of full scale: 0." in held.read("README.md").decode()
        with zipfile.ZipFile(tmp_path / "wrong.zip", "w") as other:
            for name in names:
                content = held.read(name)
                if name == "mask.npy":
                    stream = io.BytesIO()
                    np.save(stream, np.load(io.BytesIO(content)) * 0.5)
                    content = stream.getvalue()
                other.writestr(name, content)
    check_package(package)
    with pytest.raises(OutputError, match="must pass bioimage.io's validator"):
        check_package(tmp_path / "wrong.zip")


def test_sixteen_bit_pictures_batches_and_names(exports: dict[str, Path]) -> None:
    signatures = tf.saved_model.load(str(exports["classifier"] / "savedmodel")).signatures
    assert set(signatures) == {"serving_default", "uint8", "uint16", "png", "grey"}
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


@pytest.mark.slow
def test_an_export_that_differs_is_refused(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Comparison, "of", lambda *_: Deviation(0.02, 0.011, 0.0))
    said = "within 0.0001 at most, 1e-05 on average, potency 1e-05. Received: 0.02 at most, 0.011 on average"
    with pytest.raises(OutputError, match=said):
        export_run(runs["segmenter"], tmp_path / "model")
    said = "within 1 at most, 0.01 on average, potency 0.005. Received: 0.02 at most, 0.011 on average"
    with pytest.raises(OutputError, match=said):
        export_run(runs["segmenter"], tmp_path / "model", ["openvino-int8"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_eight_bits_leave_local_normalisation_alone(dataset: Any, tmp_path: Path) -> None:
    """It is a difference of two averages that are all but equal."""
    run = train(small("segmenter", normalisation="local", window=31, tta="all"), dataset, tmp_path / "run")
    found = export_run(run, tmp_path / "model", ["openvino", "openvino-int8"])
    assert found.formats["openvino-int8"].mean < 0.01 and found.formats["openvino-int8"].potency < 0.005


def test_ranges_are_taken_from_more_pictures_where_they_are_small(runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    labels = len(run.labels.times)
    few = exporting._some_of_each(run, "train", 1)
    side = few[0].pixels.size
    assert len(few) == labels and len({p.pixels.size for p in few}) == 1
    assert len(exporting._some_of_each(run, "train", 1, side)) == labels
    assert len(exporting._some_of_each(run, "train", 1, side + 1)) == 2 * labels
    everything = exporting._some_of_each(run, "train", 10**6)
    assert len(everything) == run.data["pictures"]["train"]


@pytest.mark.parametrize(("kind", "depth"), [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16)])
def test_pictures_are_compared_over_the_full_scale_that_they_have(
    monkeypatch: pytest.MonkeyPatch, kind: type, depth: int
) -> None:
    """Twelve bits over 65535 are all but black: neither ranges nor comparisons would be of what a model sees."""
    white = np.full((48, 40), 2**depth - 1, kind)
    example = SimpleNamespace(pixels=white, bit_depth=depth, label=0)
    monkeypatch.setattr(exporting, "dataset_of", lambda run: None)
    monkeypatch.setattr(exporting, "examples", lambda dataset, split: [example])
    run: Any = SimpleNamespace(labels=SimpleNamespace(times=(0.0,)))
    (picture,) = exporting._some_of_each(run, "train", 1)
    assert (picture.as_input == 1).all() and picture.as_input.shape == (1, 48, 40, 1)
    assert picture.fills_dtype == (depth in (8, 16))
    asked: list[int] = []
    mapped = Prediction(white / np.float32(2**depth - 1), None)
    predictor: Any = SimpleNamespace(predict=lambda pixels, depth: asked.append(depth) or mapped)
    assert _Comparison(predictor, [picture]).of(lambda values: {"mask": values}).largest == 0 and asked == [depth]


def test_the_comparison_sees_a_difference(runs: dict[str, Any], exports: dict[str, Path]) -> None:
    """The control: a run with other weights isn't the one exported."""
    run = runs["segmenter"]
    predictor = RunPredictor(run)
    call = opened(exports["segmenter"] / "onnx" / "model.onnx", "onnx")[1]
    assert _Comparison(predictor, _synthetic(run)).of(call).largest < 1e-5
    logit = predictor.model.get_layer("logit")
    logit.bias.assign(logit.bias + 0.5)
    found = _Comparison(predictor, _synthetic(run)).of(call)
    assert min(found.largest, found.mean, found.potency) > 1e-3 and not found.within(allowed("onnx"))


def test_folders_in_use_are_kept(runs: dict[str, Any], exports: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exports["segmenter"], tmp_path / "model"))
    with pytest.raises(OutputError, match="--force replaces it"):
        export_run(runs["segmenter"], folder)
    assert list(export_run(runs["segmenter"], folder, force=True).formats) == ["savedmodel"]
    assert not (folder / "onnx").exists()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="needs an absent or empty folder. Received: one in use"):
        export_run(runs["segmenter"], tmp_path, force=True)
    assert is_export(folder) and not is_export(tmp_path)


def test_what_cannot_be_written_or_opened_is_said_in_one_line(
    runs: dict[str, Any], exports: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run = str(runs["segmenter"].path)
    assert main(["export", run, "-o", str(tmp_path / "a"), "--to", "onnx,tensorrt"]) == 2
    assert "to must name some of savedmodel, litert, onnx, openvino" in capfd.readouterr().err
    monkeypatch.setattr(exporting, "_installed", lambda name: name != "tf2onnx")
    assert main(["export", run, "-o", str(tmp_path / "a"), "--to", "onnx"]) == 2
    assert "onnx: needs tf2onnx; install copper-tf[export]" in capfd.readouterr().err
    with pytest.raises(InputError, match="runtime must be one of those exported: savedmodel. Received: onnx"):
        small = tmp_path / "b"
        small.mkdir()
        ExportResult("0", {"savedmodel": ExportedFormat("savedmodel", 0, 0, 0, 1)}).write(small / "export.json")
        ExportedPredictor.load(small, "onnx")
    assert main(["predict", run, "x.png", "-o", str(tmp_path / "c"), "--runtime", "onnx"]) == 2


@pytest.mark.parametrize("runtime", list(RUNTIMES))
def test_damaged_exports_are_named(runtime: str, exports: dict[str, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(exports["segmenter"], tmp_path / "model"))
    file = copy / RUNTIMES[runtime].file
    file = file / "saved_model.pb" if file.is_dir() else file
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(RunError, match="must be an intact export"):
        ExportedPredictor.load(copy, runtime)
    (copy / "export.json").write_text("{}")
    with pytest.raises(RunError, match="must be an intact file of `copper export`"):
        ExportedPredictor.load(copy, runtime)


@pytest.mark.parametrize("runtime", list(RUNTIMES))
@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_no_runtime_dies_of_a_picture_of_another_shape_or_dtype(
    kind: str, runtime: str, exports: dict[str, Path]
) -> None:
    call = RUNTIMES[runtime].load(exports[kind] / RUNTIMES[runtime].file)[1]
    for shape in ((64, 64), (1, 64, 64), (64, 64, 1), (1, 64, 64, 3), (1, 2, 64, 64)):
        with pytest.raises(Exception, match=r"."):
            call(np.zeros(shape, np.float32))
    for dtype in (np.uint8, np.float64):
        # OpenVINO's Python converts whatever it is given, see `opened`.
        if not runtime.startswith("openvino"):
            with pytest.raises(Exception, match=r"."):
                call(np.zeros((1, 64, 64, 1), dtype))
    with pytest.raises(InputError, match="must be float32"):
        opened(exports[kind] / RUNTIMES[runtime].file, runtime)[1](np.zeros((1, 64, 64, 1), np.uint8))


@pytest.mark.slow
def test_bioimageio_is_written_alone_and_in_any_order_with_the_licence_that_is_stated(
    runs: dict[str, Any], tmp_path: Path
) -> None:
    for formats, license in ((["bioimageio"], ""), (["bioimageio", "litert"], "CC-BY-4.0")):
        found = export_run(runs["segmenter"], tmp_path / "[1] x" / "model", formats, license=license, force=True)
        assert list(found.formats) == formats
        with zipfile.ZipFile(tmp_path / "[1] x" / "model" / "bioimageio" / "model.zip") as package:
            described, page = package.read("rdf.yaml").decode(), package.read("README.md").decode()
        assert ("license: CC-BY-4.0" in described) == bool(license) and "Apache" not in described + page
        assert f"- Licence: {license or 'not stated'}.\n" in page
    with pytest.raises(OutputError, match=r"must pass bioimage.io's validator. Received: license.*: Input should be"):
        export_run(runs["segmenter"], tmp_path / "none", ["bioimageio"], license="My-Licence")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("error", "free"),
    [(RuntimeError("basic_ios::clear: iostream error"), 0), (OSError("No space left on device"), 10**12)],
    ids=["openvino", "tensorflow"],
)
def test_a_full_disk_is_named_whichever_writer_meets_it(
    error: Exception, free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with (
        pytest.raises(OutputError, match="model: an export needs a place with room. Received: the disk is full"),
        exporting._full_disk_named(tmp_path / "model"),
    ):
        raise error
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    with pytest.raises(RuntimeError, match="a slip"), exporting._full_disk_named(tmp_path / "model"):
        raise RuntimeError("a slip")


def test_a_licence_that_is_none_is_refused_at_once(runs: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="license must be an SPDX identifier, such as CC-BY-4.0. Received: 'a b'"):
        export_run(runs["segmenter"], tmp_path / "model", license="a b")


def test_small_pictures_are_named(exports: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"a.png: this network needs pictures of at least 8x8 px. Received: 40x5"):
        ExportedPredictor.load(exports["segmenter"]).predict(np.zeros((5, 40), np.uint8), 8, "a.png")
