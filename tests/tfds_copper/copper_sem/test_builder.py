"""The dataset copper_sem: built from Python and from the command line, refused, killed and opened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from copper_tf.simulation.information_bar import information_bar
from tests.conftest import ROOT
from tfds_copper.audit.survey import survey_folder
from tfds_copper.copper_sem import build, build_survey
from tfds_copper.dataset import Dataset, is_dataset, open_dataset, open_folds
from tfds_copper.errors import CopperError, InputError, OutputError, SettingError
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import ReadSettings, read
from tfds_copper.splits.assign import SplitSettings

DUMMY = ROOT / "tfds_copper" / "copper_sem" / "dummy_data"
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}


def sem_folder(root: Path, labels: int = 2, each: int = 5, side: int = 8) -> Path:
    """A small SEM folder of noise, without sheets."""
    rng = np.random.default_rng(0)
    for k in range(labels):
        (root / f"t{k}").mkdir(parents=True)
        for i in range(each):
            values = rng.integers(0, 255, (side + i, side), dtype=np.uint8)
            Image.fromarray(values).save(root / f"t{k}" / f"p#{i} [a].png")
    return root


def contents(dataset: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(dataset.iterdir())}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(DUMMY, tmp_path_factory.mktemp("built"))


@pytest.fixture
def dataset(built: Path) -> Dataset:
    return open_dataset(built)


def test_what_a_dataset_knows(dataset: Dataset, built: Path) -> None:
    assert (dataset.times, dataset.unit) == ((0.0, 30.0, 150.0), "min")
    assert dataset.split_sizes == {"train": 6, "validation": 6, "test": 6}
    assert dataset.metadata.columns == ("lot", "operator")
    assert dataset.metadata.settings == SplitSettings()
    assert dataset.metadata.source == str(DUMMY)
    assert dataset.metadata.splits["test"].per_label == (2, 2, 2)
    assert len(dataset.metadata.splits["test"].sheets) == 3
    assert len(dataset.fingerprint) == 64
    assert open_dataset(built.parents[2]) == dataset
    assert is_dataset(built) and is_dataset(built.parents[2]) and not is_dataset(DUMMY)
    assert (built / "label.labels.txt").read_text().split() == ["0", "30", "150"]


def test_records_hold_what_the_files_hold(dataset: Dataset) -> None:
    seen = []
    for split in dataset.split_sizes:
        for record in dataset.records(split).as_numpy_iterator():
            file = record["file"].decode()
            seen.append(file)
            assert record["picture"].dtype == np.uint16
            np.testing.assert_array_equal(record["picture"][..., 0], read(DUMMY / file).pixels)
            assert record["t"] == dataset.times[record["label"]]
            assert record["bit_depth"] == 8
            assert record["sheet"].decode() == Path(file).name[:3]
            assert list(json.loads(record["columns"])) == ["lot", "operator"]
            assert record["has_truth"] == (record["label"] == 0)
            assert record["truth"].shape == (record["picture"].shape if record["has_truth"] else (1, 1, 1))
            assert set(np.unique(record["truth"])) <= {0, 1}
            unknown = file.partition("/")[2].startswith(("S02", "S12", "S22"))
            assert np.isnan(record["pixel_size_nm"]) if unknown else record["pixel_size_nm"] == 12.5
    assert len(set(seen)) == 18
    assert [r["file"] for r in dataset.records("train").as_numpy_iterator()] == [f.encode() for f in seen[:6]]
    with pytest.raises(InputError, match=r"split must be one of train, validation, test. Received: 'all'"):
        dataset.records("all")


def test_same_folder_and_seed_same_files(built: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int, str]] = []
    again = build(DUMMY, tmp_path, progress=lambda *call: calls.append(call))
    assert contents(again) == contents(built)
    assert calls[0] == (1, 18, "reading pictures") and calls[-1] == (18, 18, "writing")
    before = {p: p.stat().st_mtime_ns for p in again.iterdir()}
    assert build(DUMMY, tmp_path) == again
    assert {p: p.stat().st_mtime_ns for p in again.iterdir()} == before


def test_another_folder_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DUMMY, tmp_path / "sem")
    out = tmp_path / "out"
    first = build(tmp_path / "sem", out)
    (tmp_path / "sem").rename(tmp_path / "moved")
    assert build(tmp_path / "moved", out) == first
    table = tmp_path / "moved" / "labels.csv"
    table.write_text(table.read_text().replace("Sato", "Suzuki"))
    for settings in (SplitSettings(), SplitSettings(seed=1)):
        with pytest.raises(OutputError, match=r"holds the dataset of other files or labels, .* Received: ") as caught:
            build(tmp_path / "moved", out, settings)
        assert "\n" not in str(caught.value)


def test_split_settings_lie_side_by_side(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem", each=8)
    first = build(folder, tmp_path / "out")
    second = build(folder, tmp_path / "out", SplitSettings("2/1/1", seed=5))
    assert first != second and second.parent.name == "split_2_1_1_sheets_1_seed_5"
    assert open_dataset(second).split_sizes == {"train": 8, "validation": 4, "test": 4}
    assert open_dataset(first).fingerprint != open_dataset(second).fingerprint
    with pytest.raises(InputError, match=r"must hold one dataset; name one of those inside. Received: .*split_2_1_1"):
        open_dataset(tmp_path / "out")


def test_16_bit_mixed_sizes_and_notes(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem")
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(deep).save(folder / "t0" / "p#0 [a].png")
    grey = np.full((9, 8, 3), 77, np.uint8)
    Image.fromarray(grey).save(folder / "t1" / "p#1 [a].png")
    (folder / "t0" / "Thumbs.db").write_bytes(b"\0")
    dataset = open_dataset(build(folder, tmp_path / "out"))
    records = [r for s in dataset.split_sizes for r in dataset.records(s).as_numpy_iterator()]
    by_file = {r["file"].decode(): r for r in records}
    np.testing.assert_array_equal(by_file["t0/p#0 [a].png"]["picture"][..., 0], deep)
    assert by_file["t0/p#0 [a].png"]["bit_depth"] == 16
    assert len({r["picture"].shape for r in records}) == 5
    assert dataset.metadata.notes == {"grey saved as colour: one channel taken": 1}
    assert dataset.metadata.skipped == {"hidden or system file": 1}


def refused(folder: Path, out: Path, kind: type[CopperError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        build(folder, out)
    assert "\n" not in str(caught.value)
    assert not is_dataset(out)
    with pytest.raises(InputError, match=r"must be a dataset built by `copper build` or `tfds build`. Received: "):
        open_dataset(out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"my notes", r"t1/p#4 \[a\]\.png: a picture must be a PNG, TIFF, BMP or JPEG file. Received: a file that"),
        (b"", r"t1/p#4 \[a\]\.png: a picture must be .* Received: an empty file"),
        (None, r"t1/p#4 \[a\]\.png: a PNG file must be complete and intact. Received: "),
    ],
)
def test_a_bad_picture_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    folder = sem_folder(tmp_path / "sem")
    bad = folder / "t1" / "p#4 [a].png"
    bad.write_bytes(bad.read_bytes()[:60] if content is None else content)
    refused(folder, tmp_path / "out", InputError, message)
    Image.fromarray(np.zeros((12, 8), np.uint8)).save(bad)
    assert open_dataset(build(folder, tmp_path / "out")).split_sizes["train"] == 6


def test_colours_and_masks_of_another_size(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem")
    (folder / "truth" / "t1").mkdir(parents=True)
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(folder / "truth" / "t1" / "p#2 [a].png")
    refused(folder, tmp_path / "out", InputError, r"true mask must have its picture's size, 8 x 10. Received: 4 x 5")
    Image.fromarray(np.eye(8, dtype=np.uint8)[..., None] * np.uint8([200, 10, 0])).save(folder / "t1" / "p#2 [a].png")
    refused(folder, tmp_path / "out", InputError, r"p#2 \[a\]\.png: .* Received: a colour picture")


def test_folders_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", tmp_path / "out", InputError, r"a SEM folder must hold class folders")
    few = sem_folder(tmp_path / "few", each=2)
    refused(few, tmp_path / "out", InputError, r"label t = 0: must have at least 3 pictures.* Received: 2")
    assert not (tmp_path / "out").exists()
    with pytest.raises(SettingError, match="split must be three whole numbers"):
        build(DUMMY, tmp_path / "out", SplitSettings(split="1/2"))


def test_output_that_cant_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        refused(DUMMY, out, OutputError, r"must be a folder that can be written. Received: ")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "copper_sem").touch()
    refused(DUMMY, tmp_path / "out", OutputError, r"must be a folder with space that can be written. Received: ")


def test_datasets_that_cant_be_opened(built: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be a dataset built by .* Received: nothing there"):
        open_dataset(tmp_path / "gone")
    shutil.copytree(built, tmp_path / "cut")
    next((tmp_path / "cut").glob("*test.tfrecord*")).unlink()
    with pytest.raises(InputError, match=r"must hold all of its shards; build it again. Received: no copper_sem-test"):
        open_dataset(tmp_path / "cut")
    metadata = json.loads((built / "metadata.json").read_text())
    (tmp_path / "cut" / "metadata.json").write_text(json.dumps({**metadata, "format": 99}))
    with pytest.raises(InputError, match=r"must be of format 'copper-dataset 1'; build it again. Received: 99"):
        open_dataset(tmp_path / "cut")
    (tmp_path / "cut" / "metadata.json").write_text("{")
    with pytest.raises(InputError, match=r"Received: no complete dataset"):
        open_dataset(tmp_path / "cut")


@pytest.mark.slow
def test_a_killed_build_leaves_nothing_that_counts(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem", each=60, side=300)
    out = tmp_path / "out"
    code = (
        "import sys, time; from tfds_copper.copper_sem import build\n"
        "def slow(done, total, what):\n"
        "    if what == 'writing': print(done, flush=True); time.sleep(.05)\n"
        "build(sys.argv[1], sys.argv[2], progress=slow)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(out)], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None and process.stdout.readline() == b"1\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(out.glob("copper_sem/*/incomplete.*"))
    with pytest.raises(InputError, match="no complete dataset"):
        open_dataset(out)
    path = build(folder, out)
    assert sum(open_dataset(path).split_sizes.values()) == 120
    assert [p.name for p in path.parent.iterdir()] == ["1.0.0"]
    assert contents(path) == contents(build(folder, tmp_path / "clean"))


def test_bars_metadata_and_notes_reach_the_records(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem", each=3, side=200)
    first = sorted(folder.glob("t0/*"))[0]
    pixels = np.asarray(Image.open(first))
    bar = information_bar(40, pixels.shape[1], 50.0, 8.0)
    Image.fromarray(np.vstack([pixels, bar])).save(first)
    first.with_suffix(".txt").write_text(
        f"[SemImageFile]\nPixelSize=50\nDataSize={pixels.shape[1]}x{len(pixels) + 40}\nAcceleratingVoltage=15000 Volt\n"
    )
    dataset = open_dataset(build(folder, tmp_path / "out"))
    records = [r for s in dataset.split_sizes for r in dataset.records(s).as_numpy_iterator()]
    (with_bar,) = [r for r in records if r["file"].decode() == first.relative_to(folder).as_posix()]
    np.testing.assert_array_equal(with_bar["picture"][..., 0], pixels)
    assert json.loads(with_bar["bar"]) == {"side": "bottom", "rows": 40, "opposite": 0}
    assert json.loads(with_bar["metadata"])["voltage_kv"] == 15.0 and with_bar["pixel_size_nm"] == 50
    assert {r["bar"] for r in records if r is not with_bar} == {b"null"}
    # Another pixel size than asked for is averaged to it, never made up.
    coarse = open_dataset(build(folder, tmp_path / "coarse", reading=ReadSettings(pixel_size=50, resample=100)))
    shapes = {r["picture"].shape for s in coarse.split_sizes for r in coarse.records(s).as_numpy_iterator()}
    assert shapes == {(100, 100, 1), (101, 100, 1)}
    with pytest.raises(InputError, match=r"pixel size must be known and at most 100 nm to resample. Received: an unkn"):
        build(folder, tmp_path / "unknown", reading=ReadSettings(resample=100))
    # The sidecar is part of what the dataset was made of.
    first.with_suffix(".txt").write_text("[SemImageFile]\nPixelSize=60\n")
    with pytest.raises(OutputError, match="holds the dataset of other files or labels"):
        build(folder, tmp_path / "out")


def test_folds_lie_side_by_side_and_open_together(tmp_path: Path) -> None:
    folder = sem_folder(tmp_path / "sem", each=6)
    build_survey(survey_folder(scan(folder)), tmp_path / "out", SplitSettings(folds=3))
    folds = open_folds(tmp_path / "out")
    assert [d.fold for d in folds] == [1, 2, 3]
    tested = [r["file"] for d in folds for r in d.records("test").as_numpy_iterator()]
    assert sorted(tested) == sorted(p.file.encode() for p in scan(folder).pictures)
    assert all("No sheets are known" in d.caveats[0] for d in folds)
    with pytest.raises(InputError, match="must hold one dataset"):
        open_dataset(tmp_path / "out")
