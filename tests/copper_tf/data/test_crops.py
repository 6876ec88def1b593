"""From TFRecords to crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from copper_tf.config import default_config
from copper_tf.data.crops import CropStream, shrunk_crops
from copper_tf.data.normalisation import Normalisation, grey
from copper_tf.data.pictures import Pictures
from tests.conftest import small
from tfds_copper.errors import InputError

PLAIN = {"symmetry": "none", "gain": 0.0, "offset": 0.0}


def _pictures(count: int = 5, side: int = 64) -> Pictures:
    draw = np.random.default_rng(0)
    arrays = tuple(draw.integers(0, 255, (side, side + 16)).astype(np.uint8) for _ in range(count))
    labels = np.arange(count, dtype=np.int32) % 3
    return Pictures(arrays, np.full(count, 255), labels, tuple(f"{k}.png" for k in range(count)), 0.5, 0.29)


def _stream(augment: bool = True, pictures: Pictures | None = None, **settings: Any) -> CropStream:
    config = small("segmenter", **settings)
    norm = Normalisation(config.data.normalisation, 0.5, 0.29, config.data.window)
    return CropStream(pictures or _pictures(), config, norm, augment)


def test_a_batch_depends_on_seed_and_number_only() -> None:
    one, two = _stream(), _stream()
    for number in (7, 0, 3):
        for a, b in zip(one.batch(number), two.batch(number), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(_stream(seed=1).batch(0)[0], one.batch(0)[0])
    assert not np.array_equal(one.batch(0)[0], one.batch(one.steps)[0])


def test_batches_start_at_any_epoch() -> None:
    stream = _stream(batch_size=2)
    whole = [x.numpy() for x, _ in stream.batches(0, 3)]
    resumed = [x.numpy() for x, _ in stream.batches(1, 3)]
    np.testing.assert_array_equal(whole[stream.steps :], resumed)


def test_local_grey_values_are_those_of_whole_pictures_but_no_whole_picture_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = _pictures(3, side=200)
    norm = Normalisation("local", 0.5, 0.29, 31)
    whole = [norm.apply(grey(array, 8)) for array in pictures.arrays]
    monkeypatch.setattr(Normalisation, "apply", lambda *_: pytest.fail("a whole picture was normalised"))
    stream = _stream(pictures=pictures, normalisation="local", window=31, batch_size=3, **PLAIN)
    for epoch in range(4):
        plan = stream._plan(epoch)
        for crop, k, place in zip(stream.batch(epoch)[0], plan.picture, plan.place, strict=True):
            y, x = (place * (np.array(whole[k].shape) - stream.window + 1)).astype(int)
            piece = whole[k][y : y + stream.window, x : x + stream.window]
            np.testing.assert_allclose(crop[..., 0], piece, atol=1e-6)


def test_every_picture_is_seen_once_an_epoch() -> None:
    stream = _stream(batch_size=2, crops=2)
    labels = np.concatenate([y for _, y in (stream.batch(k) for k in range(stream.steps))])
    counts = np.bincount(labels[: stream.crops], minlength=3)
    np.testing.assert_array_equal(counts, np.bincount(np.arange(5) % 3, minlength=3) * 2)


def test_crops_are_normalised_pieces_of_their_pictures() -> None:
    pictures = _pictures(1)
    stream = _stream(pictures=pictures, **PLAIN)
    crop = stream.batch(0)[0][0, ..., 0]
    whole = Normalisation("dataset", 0.5, 0.29, 31).apply(grey(pictures.arrays[0], 8))
    windows = np.lib.stride_tricks.sliding_window_view(whole, crop.shape)
    assert np.isclose(windows, crop, atol=1e-4).all((2, 3)).any()


def test_normalisations_agree_with_whole_pictures() -> None:
    for mode in ("picture", "local"):
        pictures = _pictures(1)
        crop = _stream(pictures=pictures, normalisation=mode, **PLAIN).batch(0)[0][0, ..., 0]
        whole = Normalisation(mode, 0.5, 0.29, 31).apply(grey(pictures.arrays[0], 8))
        windows = np.lib.stride_tricks.sliding_window_view(whole, crop.shape)
        assert np.isclose(windows, crop, atol=1e-3).all((2, 3)).any()


def test_symmetry_can_keep_the_direction_of_a_tilt() -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None], (1, 64))
    pictures = Pictures((ramp,), np.array([255]), np.zeros(1, np.int32), ("a",), 0.1, 0.1)
    steps = {"gain": 0.0, "offset": 0.0, "batch_size": 1, "epochs": 40}
    for symmetry, kinds in (("none", 1), ("mirror", 1), ("square", 4)):
        stream = _stream(pictures=pictures, symmetry=symmetry, **steps)
        crops = [stream.batch(k)[0][0, ..., 0] for k in range(40)]
        directions = {(np.sign(c[-1, 0] - c[0, 0]), np.sign(c[0, -1] - c[0, 0])) for c in crops}
        assert len(directions) == kinds


def test_gain_and_offset_stay_in_their_bounds() -> None:
    flat = Pictures((np.full((64, 64), 128, np.uint8),), np.array([255]), np.zeros(1, np.int32), ("a",), 0.2, 0.1)
    stream = CropStream(
        flat, small("segmenter", gain=0.0, offset=0.5, batch_size=1), Normalisation("dataset", 0.2, 0.1, 31), True
    )
    levels = [float(stream.batch(k)[0].mean()) for k in range(60)]
    middle = (128 / 255 - 0.2) / 0.1
    assert max(levels) <= middle + 0.5 + 1e-4 and min(levels) >= middle - 0.5 - 1e-4
    assert np.ptp(levels) > 0.6


def test_fixed_crops_stay_the_same_and_count_once() -> None:
    stream = _stream(augment=False, batch_size=3)
    first = [x.numpy() for x, _ in stream.batches()]
    assert [len(x) for x in first] == [3, 2]
    np.testing.assert_array_equal(first[0], stream.batch(0)[0])


def test_a_window_never_exceeds_the_picture_and_keeps_its_margin() -> None:
    stream = _stream(crop=256, margin=8)
    assert stream.window == 64
    assert _stream(crop=21, margin=8).window == 40


def test_a_picture_too_small_is_named() -> None:
    with pytest.raises(InputError, match=r"0.png: a network with d=4 and margin=8 needs .* 32 px.* Received: 24 px"):
        _stream(pictures=_pictures(2, 24), d=4)


def _of_sides(*sides: int) -> Pictures:
    arrays = tuple(np.zeros((side, side + 8), np.uint8) for side in sides)
    names = tuple(f"{k}.png" for k in range(len(sides)))
    return Pictures(arrays, np.full(len(sides), 255), np.zeros(len(sides), np.int32), names, 0.5, 0.29)


def test_one_small_picture_that_shrinks_all_crops_is_named() -> None:
    config = default_config("classifier", crop=192, d=2)
    text = shrunk_crops(_of_sides(200, 64, 200), config)
    assert "All training crops are of 64 px, not of 192 px" in text
    assert "1.png is of 72x64 px only; 1 of 3" in text
    assert shrunk_crops(_of_sides(200, 192), config) == ""


def test_a_crop_that_no_picture_holds_is_said_where_it_was_asked_for() -> None:
    assert "not of 192 px" in shrunk_crops(_of_sides(128, 128), default_config("classifier", crop=192, d=2))
    assert shrunk_crops(_of_sides(96, 96), default_config("classifier")) == ""
    assert "0.png" in shrunk_crops(_of_sides(96, 128), default_config("segmenter"))
