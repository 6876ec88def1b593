"""Pictures come out of the records as they went in."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.data import pictures as data_module
from copper_tf.data.normalisation import grey
from copper_tf.data.pictures import examples, kept_pictures, load_pictures
from tfds_copper.errors import InputError


def test_records_come_back_lossless(dataset: Any, sem_folder: Any) -> None:
    from tfds_copper.micrograph import read, read_mask

    for split, count in dataset.split_sizes.items():
        found = list(examples(dataset, split))
        assert len(found) == count
        for example in found[:2]:
            np.testing.assert_array_equal(example.pixels, read(sem_folder / example.file).pixels)
            np.testing.assert_array_equal(example.truth, read_mask(sem_folder / "truth" / example.file))
            assert example.columns["lot"] and example.sheet and example.pixel_size_nm == 100


def test_pictures_carry_the_moments_of_all_pixels(dataset: Any) -> None:
    pictures = load_pictures(dataset, "train")
    pooled = np.concatenate([grey(a, 8).ravel() for a in pictures.arrays])
    assert pictures.mean == pytest.approx(pooled.mean(), abs=1e-6)
    assert pictures.sd == pytest.approx(pooled.std(), abs=1e-6)


def test_pictures_that_do_not_fit_in_memory_lie_on_disk(dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = load_pictures(dataset, "validation")
    monkeypatch.setattr(data_module, "available_memory_bytes", lambda: 0)
    on_disk = load_pictures(dataset, "validation")
    assert all(isinstance(a, np.memmap) for a in on_disk.arrays)
    for a, b in zip(in_memory.arrays, on_disk.arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_many_trainings_decode_a_split_once_and_keep_one_dataset(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    real = data_module.examples
    monkeypatch.setattr(data_module, "examples", lambda of, split: decoded.append(split) or real(of, split))
    with kept_pictures():
        first, other = load_pictures(dataset, "validation"), load_pictures(dataset, "test")
        assert load_pictures(dataset, "validation") is first and load_pictures(dataset, "test") is other
        assert decoded == ["validation", "test"]
        copied = dataclasses.replace(dataset, path=shutil.copytree(dataset.path, tmp_path / dataset.path.name))
        assert load_pictures(copied, "test") is not other
        assert load_pictures(dataset, "validation") is not first
    assert load_pictures(dataset, "validation") is not load_pictures(dataset, "validation")


def test_an_empty_split_is_named(dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_module, "examples", lambda *_: iter(()))
    with pytest.raises(InputError, match="split 'train' must hold at least one picture"):
        load_pictures(dataset, "train")
