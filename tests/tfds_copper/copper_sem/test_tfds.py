"""TFDS' own doors: the dataset's page is walked as it stands; its name, formats and Beam do what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core.data_sources import array_record as data_source

from tests.conftest import ROOT
from tests.test_docs_commands import blocks
from tests.tfds_copper.copper_sem.test_builder import DUMMY, ENV, contents, sem_folder
from tfds_copper.copper_sem import build
from tfds_copper.copper_sem.build_dir import built_datasets
from tfds_copper.copper_sem.copper_sem_dataset_builder import Builder, CopperSemConfig
from tfds_copper.dataset import Dataset, open_dataset
from tfds_copper.errors import InputError, OutputError
from tfds_copper.splits.assign import SplitSettings

CARD = ROOT / "tfds_copper" / "copper_sem" / "README.md"
# What is appended to the blocks of Python of the page, in their order.
_CHECKS = (
    "assert sorted(train.element_spec) and len(list(train)) == 6",
    "found = Pictures(); picture, label = found[0]; import sys\n"
    "assert len(found) == 6 and picture.dtype == np.uint16 and picture.ndim == 2 and label in (0, 1, 2)\n"
    "assert not {'tensorflow', 'tfds_copper', 'copper_tf'} & set(sys.modules)",
)


def _in(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command does in a folder that holds nothing of ours, as installed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, *words] if words[0] == "-c" else ["bash", "-c", *words]
    environment = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every command of the dataset's page was run, in its order."""
    place = tmp_path_factory.mktemp("card")
    shutil.copytree(DUMMY, place / "FOLDER")
    checks = iter(_CHECKS)
    for block in blocks(CARD):
        for words in [("-c", f"{block.text}\n{next(checks)}")] if block.language == "python" else block.commands:
            done = _in(place, *([words] if isinstance(words, str) else words))
            assert done.returncode == 0, (words, done.stderr[-2000:])
    return place


def same_records(one: Dataset, other: Dataset) -> None:
    """Fails where two datasets differ in a record, or in their order."""
    assert one.fingerprint == other.fingerprint and one.split_sizes == other.split_sizes
    for split in one.split_sizes:
        assert len(one.records(split)) == len(other.records(split)) == one.split_sizes[split]
        for a, b in zip(*(d.records(split).as_numpy_iterator() for d in (one, other)), strict=True):
            for key, value in b.items():
                np.testing.assert_array_equal(a[key], value, strict=True)


@pytest.mark.slow
def test_the_page_of_the_dataset_is_true(walked: Path, tmp_path: Path) -> None:
    """Each of its commands makes one dataset, which training takes; the first is the one of `copper build`."""
    plain = open_dataset(build(walked / "FOLDER", tmp_path / "plain"))
    made = {name: open_dataset(walked / name) for name in ("DATA", "DATA2", "DATA3", "DATA4")}
    assert contents(made["DATA"].path) == contents(plain.path)
    assert made["DATA2"].path.parent.name == "split_50_25_25_sheets_1_seed_0"
    assert made["DATA3"].path.parent.name == "beam"
    same_records(made["DATA3"], plain)
    assert (made["DATA3"].path / "splits.csv").read_bytes() == (plain.path / "splits.csv").read_bytes()
    assert list(made["DATA4"].path.glob("*.array_record-*")) and not list(made["DATA4"].path.glob("*.tfrecord-*"))
    same_records(made["DATA4"], plain)


@pytest.mark.slow
def test_pictures_built_with_and_without_beam_are_one_dataset(walked: Path, tmp_path: Path) -> None:
    for name in ("DATA", "DATA3"):
        shutil.copytree(walked / name, tmp_path, dirs_exist_ok=True)
    assert open_dataset(tmp_path).path.parent.name == "beam"
    shutil.copytree(walked / "DATA2", tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="must hold one dataset; name one of those inside"):
        open_dataset(tmp_path)


@pytest.mark.slow
def test_the_folder_of_the_builder_builds_too_and_refuses_another_folder(tmp_path: Path) -> None:
    command = f"tfds build '{CARD.parent}' --data_dir '{tmp_path}' --manual_dir"
    done = _in(tmp_path, f"{command} '{DUMMY}'")
    assert done.returncode == 0, done.stderr
    assert [p.name for p in (tmp_path / "copper_sem").iterdir() if p.name[0] != "."] == [CopperSemConfig().name]
    done = _in(tmp_path, f"{command} '{sem_folder(tmp_path / 'sem')}'")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"tfds: {tmp_path}") and "holds the dataset of other files or labels" in last


@pytest.mark.slow
@pytest.mark.parametrize("first", ["tfds_copper", "tensorflow_datasets"])
def test_the_name_is_known_in_whatever_order_one_imports(first: str) -> None:
    code = f"import {first}; import tfds_copper, tensorflow_datasets as tfds\n"
    code += "print(tfds.builder_cls('copper_sem').__module__)"
    done = subprocess.run([sys.executable, "-c", code], env=ENV, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["tfds_copper.copper_sem.copper_sem_dataset_builder"]


def test_the_name_loads_the_one_dataset_there_is_whatever_its_settings(tmp_path: Path) -> None:
    made = build(DUMMY, tmp_path, SplitSettings(split="2/1/1", seed=5))
    assert tfds.builder("copper_sem", data_dir=tmp_path).data_path == made
    (record,) = tfds.load("copper_sem", split="test", data_dir=tmp_path).take(1)
    assert record["picture"].dtype == np.uint16
    assert set(tfds.load("copper_sem/split_2_1_1_sheets_1_seed_5", data_dir=tmp_path)) == {
        "train",
        "validation",
        "test",
    }
    other = build(DUMMY, tmp_path, SplitSettings(split="2/1/1", seed=6))
    both = "copper_sem/split_2_1_1_sheets_1_seed_5, copper_sem/split_2_1_1_sheets_1_seed_6"
    with pytest.raises(InputError, match=f"holds several datasets; load one of them by its name. Received: {both}"):
        Builder(data_dir=tmp_path)
    assert tfds.builder(f"copper_sem/{other.parent.name}", data_dir=tmp_path).data_path == other


def test_loading_what_is_not_there_says_how_it_is_built(tmp_path: Path) -> None:
    said = "holds no copper_sem/split_40_5_5_sheets_1_seed_0; to build it, manual_dir must be the SEM folder"
    with pytest.raises(InputError, match=said):
        tfds.load("copper_sem", data_dir=tmp_path)


def test_beam_builds_only_where_it_is_asked_for(tmp_path: Path) -> None:
    # `tfds build` builds every config of this list unless one is named.
    assert [config.beam for config in Builder.BUILDER_CONFIGS] == [False]
    assert Builder(config="beam", data_dir=tmp_path).builder_config.beam
    assert not Builder(data_dir=tmp_path).builder_config.beam


def test_a_pipeline_that_does_not_get_through_is_one_line(tmp_path: Path) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(["--runner=Tortoise"])
    config = tfds.download.DownloadConfig(manual_dir=str(DUMMY), beam_options=options)
    said = (
        "the pipeline must get through; the same command builds it anew. Received: Unexpected pipeline runner: Tortoise"
    )
    with pytest.raises(OutputError, match=said):
        Builder(config="beam", data_dir=tmp_path).download_and_prepare(download_config=config)
    assert built_datasets(tmp_path) == []


@pytest.mark.parametrize("form", ["array_record", "parquet"])
def test_every_file_format_of_tfds_is_read(form: str, tmp_path: Path) -> None:
    builder = Builder(data_dir=tmp_path / form, file_format=form)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=str(DUMMY)))
    made = open_dataset(tmp_path / form)
    same_records(made, open_dataset(build(DUMMY, tmp_path / "plain")))
    record = next(iter(made.records("train", pictures=False)))
    assert record["picture"].dtype == "string"
    next(made.path.glob(f"*test*{form}*")).unlink()
    with pytest.raises(InputError, match=f"must hold all of its shards; build it again. Received: no .*{form}"):
        open_dataset(tmp_path / form)


def test_a_file_format_whose_package_is_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(data_dir=tmp_path, file_format="array_record")
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=str(DUMMY)))

    class Absent:
        """As TFDS has it, which imports a module when something of it is first asked for."""

        def __getattr__(self, name: str) -> Any:
            raise ImportError("No module named 'array_record'")

    monkeypatch.setattr(data_source, "array_record_data_source", Absent())
    with pytest.raises(InputError, match="its file format array_record needs a package. Received: No module named"):
        open_dataset(tmp_path).records("train")
