"""The functions of the API that make, check, build and open data; their examples run."""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.api import data
from tfds_copper.results import Result

NAMES = [name for name in data.__all__ if name.islower()]
FUNCTIONS = [getattr(data, name) for name in NAMES]


@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_examples_run(function: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(function, globs={"copper_tf": copper_tf})
    assert example.examples, "a function of the API has an example"
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("function", FUNCTIONS, ids=NAMES)
def test_the_face_shows_the_functions(function: Callable[..., Any]) -> None:
    assert getattr(copper_tf, function.__name__) is function


def test_check_returns_what_it_writes(sem_folder: Path, tmp_path: Path) -> None:
    result = copper_tf.check(os.fspath(sem_folder), tmp_path / "check", split="6/2/2")
    assert result.page.is_file() and (tmp_path / "check" / "pictures.csv").is_file()
    assert isinstance(result, Result) and copper_tf.Check.read(tmp_path / "check" / "check.json") == result
    assert result.settings == copper_tf.SplitSettings("6/2/2") and result.reading == copper_tf.ReadSettings()
    (counts,) = result.splits
    assert counts.pictures == {"train": 18, "validation": 6, "test": 6}
    assert counts.per_label["test"] == (2, 2, 2)


def test_settings_by_name_stand_in_place_of_those_of_a_group(sem_folder: Path) -> None:
    preview = copper_tf.preview_build(sem_folder, read_settings=copper_tf.ReadSettings(bar="keep"), folds=5, fold=2)
    assert (preview.settings.folds, preview.settings.fold, preview.reading.bar) == (5, 2, "keep")
    assert [counts.fold for counts in preview.splits] == [2]


@pytest.mark.parametrize("function", [data.check, data.preview_build, data.build, data.build_folds])
def test_an_unknown_setting_is_named(function: Callable[..., Any], sem_folder: Path) -> None:
    with pytest.raises(copper_tf.SettingError, match=r"unknown setting 'sheet'; known are split, .*Received: sheet$"):
        function(sem_folder, sheet=3)


def test_build_makes_one_dataset_only(sem_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(copper_tf.SettingError, match=re.escape("call build_folds, which builds them all. Received: ")):
        copper_tf.build(sem_folder, tmp_path / "built", folds=5)
    assert not (tmp_path / "built").exists()
    second = copper_tf.build(sem_folder, tmp_path / "built", folds=5, fold=2)
    assert (second.folds, second.fold) == (5, 2)


def test_a_preview_refuses_what_a_build_would(tmp_path: Path) -> None:
    folder = copper_tf.simulate(
        tmp_path / "sem", labels=4, pictures=8, sheets=4, height=160, width=192, world="confound", workers=1
    )
    for function in (copper_tf.preview_build, copper_tf.build):
        with pytest.raises(copper_tf.InputError, match="must be sound to train on.*mean brightness follows t"):
            function(folder, split="2/1/1")
    preview = copper_tf.preview_build(folder, split="2/1/1", force=True)
    assert not preview.sound and preview.output == ""
    assert not folder.with_name("sem.tfds").exists() and not folder.with_name("sem.check").exists()
