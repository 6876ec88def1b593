"""DATA is a built dataset, its folds, an open dataset, or a SEM folder that is built first."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from copper_tf.data.sources import data_settings, default_data_dir, named_settings, open_or_build, open_single
from tfds_copper.copper_sem import build_survey
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.splits.assign import SplitSettings


@pytest.fixture(scope="module")
def folds(sem_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from copper_tf.data.sources import scan_and_survey

    path, split = tmp_path_factory.mktemp("folds"), SplitSettings(folds=3)
    build_survey(scan_and_survey(sem_folder, split, ReadSettings()), path, split)
    return path


def test_what_is_built_is_opened(dataset: Dataset) -> None:
    assert open_or_build(dataset.path) == open_or_build(dataset) == [dataset]
    assert open_single(str(dataset.path), SplitSettings(), ReadSettings()) == dataset


@pytest.mark.parametrize(
    ("split", "reading", "names"),
    [
        ({"split": "40/5/5"}, None, "split"),
        ({"folds": 3, "fold": 1}, None, "folds"),
        ({}, {"bar": "auto"}, "bar"),
        (SplitSettings("2/1/1"), ReadSettings(resample=9.0), "resample, split"),
    ],
)
@pytest.mark.parametrize("opened", [True, False])
def test_a_built_dataset_keeps_its_split(dataset: Dataset, opened: bool, split: Any, reading: Any, names: str) -> None:
    message = f"a built dataset keeps the split it was built with; build it anew with `copper build`. Received: {names}"
    with pytest.raises(SettingError, match=re.escape(message) + "$"):
        open_or_build(dataset if opened else dataset.path, split, reading)


def test_folds_are_opened_together_or_one_is_chosen(folds: Path) -> None:
    assert [d.fold for d in open_or_build(folds)] == [1, 2, 3]
    second = open_single(folds, {"fold": 2})
    assert second.fold == 2 and open_or_build(second, {"fold": 2}) == [second]
    with pytest.raises(InputError, match=r"tables need one; choose one by --fold\. Received: 3 folds$"):
        open_single(folds, why="tables need one")
    with pytest.raises(SettingError, match=r"fold must be at most folds \(3\)\. Received: 4$"):
        open_or_build(folds, {"fold": 4})
    with pytest.raises(InputError, match=r"holds fold 2 alone\. Received: fold 3$"):
        open_or_build(second.path, {"fold": 3})


def test_a_folder_is_built_beside_itself(sem_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sem_folder, tmp_path / "copper"))
    (dataset,) = open_or_build(folder, {"split": "6/2/2"})
    assert dataset.path.is_relative_to(default_data_dir(folder)) and default_data_dir(folder).name == "copper.tfds"
    assert dataset.metadata.settings == SplitSettings("6/2/2")
    assert open_single(folder, SplitSettings("6/2/2")) == dataset
    with pytest.raises(InputError, match="label t = 0: must have pictures of at least 9 sheets"):
        open_or_build(folder, {"folds": 9})


def test_settings_by_name() -> None:
    values = {"split": "2/1/1", "bar": "keep", "seed": 3, "epochs": 9}
    assert data_settings(values) == ({"split": "2/1/1"}, {"bar": "keep"})
    given = SplitSettings(min_sheets=2, seed=1)
    split, reading = named_settings(given, None, {"split": "2/1/1", "seed": 3, "bar": "9"})
    assert (split, reading) == (SplitSettings("2/1/1", min_sheets=2, seed=3), ReadSettings(bar="9"))
    with pytest.raises(SettingError, match="unknown setting 'epochs'; known are split, .* Received: epochs$"):
        named_settings(None, None, {"epochs": 9})
