"""A prepared test holds the pictures that it should, and nothing but their pixels."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from copper_tf.analysis.blindtest.answers import AnswerLog
from copper_tf.analysis.blindtest.folder import DESIGN, KEY, ROUNDS, open_test, read_key
from copper_tf.analysis.blindtest.prepare import prepare
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import read_grader
from copper_tf.inference.predictor import RunPredictor
from tfds_copper.errors import OutputError, RunError, SettingError


def test_a_test_takes_its_pictures_from_the_splits_it_should(
    dataset: Any, runs: dict[str, Any], tmp_path: Path
) -> None:
    from copper_tf.data.pictures import examples

    graders = [read_grader(runs["classifier"].path), read_grader(runs["segmenter"].path)]
    settings = BlindSettings(pictures=5, practice=4, with_map=True, seed=2)
    test = prepare(tmp_path / "t", dataset, graders, settings, RunPredictor(runs["segmenter"]))
    assert (test.pictures, len(test.practice), test.labels.times) == (5, 4, (0.0, 1.0, 2.0))
    key = json.loads((test.path / KEY).read_text())
    of = {split: {e.file: e for e in examples(dataset, split)} for split in ("train", "test")}
    assert set(key["pictures"]["file"]) <= set(of["test"]) and set(key["practice"]) <= set(of["train"])
    assert [of["train"][f].label for f in key["practice"]] == list(test.practice)
    for number, file in enumerate(key["pictures"]["file"]):
        example = of["test"][file]
        assert (example.label, example.sheet) == (key["pictures"]["label"][number], key["pictures"]["sheet"][number])
        shown = test.pixels("pictures", number)
        assert shown.shape == example.pixels.shape and np.corrcoef(shown.ravel(), example.pixels.ravel())[0, 1] > 0.98
        assert test.pixels("maps", number).shape == (*example.pixels.shape, 3)
        places = [graders[1].pictures["file"].tolist().index(file)]
        assert key["models"][1]["grades"][number] == graders[1].grades[places[0], 0]
    # What the page reads names no picture, and no label of a test picture.
    text = (test.path / DESIGN).read_text()
    assert not any(f in text or Path(f).stem in text for f in (*of["train"], *of["test"])) and 'label"' not in text
    with pytest.raises(OutputError, match="a new test needs a folder of its own"):
        prepare(test.path, dataset)


def test_pictures_are_nothing_but_pixels(dataset: Any, tmp_path: Path) -> None:
    test = prepare(tmp_path / "t", dataset, settings=BlindSettings(pictures=3))
    assert len(test.practice) == 6
    for file in test.path.rglob("*.png"):
        assert re.fullmatch(r"\d{4}\.png", file.name)
        with Image.open(file) as image:
            assert image.info == {} and image.mode == "L"
        data = file.read_bytes()
        kinds = re.findall(rb"IHDR|IDAT|IEND|tEXt|zTXt|iTXt|tIME|eXIf|iCCP|pHYs", data)
        assert {kinds[0], kinds[-1]} == {b"IHDR", b"IEND"} and b"tEXt" not in data and b"pHYs" not in data


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pictures": 7}, "pictures must be at most the 6 of the test split. Received: 7"),
        ({"practice": 99}, "practice must be at most the 18 of the train split. Received: 99"),
        ({"with_map": True}, "with_map needs a run whose maps can be shown, a segmenter. Received: none"),
    ],
)
def test_what_cannot_be_prepared_is_refused(
    dataset: Any, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        prepare(tmp_path / "t", dataset, settings=BlindSettings(**settings))


def test_a_model_of_other_data_is_refused(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> None:
    import dataclasses

    grader = dataclasses.replace(read_grader(runs["classifier"].path), fingerprint="other")
    with pytest.raises(RunError, match="must be of the dataset"):
        prepare(tmp_path / "t", dataset, [grader])


def test_numbers_and_orders_come_from_the_secret_of_the_test(dataset: Any, tmp_path: Path) -> None:
    """Two tests of one seed: control, the same pictures are chosen."""
    tests = [prepare(tmp_path / name, dataset, settings=BlindSettings(pictures=5, seed=3)) for name in "abc"]
    keys = [read_key(test) for test in tests]
    assert len({frozenset(key.pictures.file) for key in keys}) == 1
    assert len({key.pictures.file for key in keys}) > 1 and len({key.practice for key in keys}) > 1
    for series in (ROUNDS[0], "practice 1"):
        assert len({tuple(test.order("Anna", series)) for test in tests}) > 1
        assert open_test(tests[0].path).order("Anna", series) == tests[0].order("anna", series)


@pytest.mark.skipif(os.name != "posix", reason="these modes are POSIX")
def test_other_users_of_the_machine_read_nothing(dataset: Any, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    test = prepare(tmp_path / "t", dataset, settings=BlindSettings(pictures=3))
    log = AnswerLog.register(test, "Anna")
    modes = [path.stat().st_mode & 0o777 for path in (test.path, log.file.parent, test.key_file, log.file)]
    assert modes == [0o700, 0o700, 0o600, 0o600]
