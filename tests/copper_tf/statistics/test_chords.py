"""Mean chords of patterns whose chord is known, and the warning that hangs on them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.inference.ensemble import ensemble_run
from copper_tf.runs.records import TrainingRecord
from copper_tf.statistics.chords import LIMIT, Chord, mean_chord, warning

SIDE = 400


def _stripes(rough: int, smooth: int) -> np.ndarray:
    return np.tile(np.arange(SIDE) % (rough + smooth) < rough, (SIDE, 1)).astype(np.float32)


def _checkerboard(width: int) -> np.ndarray:
    cell = np.arange(SIDE) // width % 2
    return (cell[:, None] ^ cell).astype(np.float32)


def _discs(radius: int) -> np.ndarray:
    y, x = np.indices((SIDE, SIDE)) % (4 * radius) - 2 * radius + 0.5
    return (np.hypot(y, x) < radius).astype(np.float32)


# Half of the test lines run along stripes, so their mean chord is twice their width; that of a disc is pi r / 2
# (Cauchy), and what is left between discs has the same number of chords.
PATTERNS = {
    "stripes": (_stripes(10, 30), 20.0, 60.0),
    "checkerboard": (_checkerboard(16), 16.0, 16.0),
    "discs": (_discs(20), np.pi * 10, np.pi * 10 * (80**2 / (np.pi * 20**2) - 1)),
}


@pytest.mark.parametrize("noise", [0.0, 0.005])
@pytest.mark.parametrize("name", PATTERNS)
def test_known_chords_are_found(name: str, noise: float) -> None:
    mask, rough, smooth = PATTERNS[name]
    wrong = np.random.default_rng(0).random(mask.shape) < noise
    found = mean_chord(np.abs(mask - wrong))
    assert found.foreground == pytest.approx(rough, rel=0.06) and found.background == pytest.approx(smooth, rel=0.06)
    assert found.mean == pytest.approx((rough + smooth) / 2, rel=0.06)


def test_the_border_does_not_shorten_chords() -> None:
    # Patches of one field, smaller than twice its chord, give on average what the whole gives.
    field = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(720, 720)), 9, mode="wrap") > 0
    patches = [field[y : y + 60, x : x + 60] for y in range(0, 720, 60) for x in range(0, 720, 60)]
    whole = mean_chord(field)
    assert mean_chord(*patches).mean == pytest.approx(whole.mean, rel=0.04)
    assert mean_chord(*patches).foreground == pytest.approx(whole.foreground, rel=0.04)


def test_one_phase_has_no_chord() -> None:
    for level in (0.0, 0.4, 1.0):
        assert np.isnan(mean_chord(np.full((40, 40), level))).all()


def test_too_wide_a_view_is_warned_of_in_plain_words() -> None:
    assert not warning(LIMIT * 40, 40) and not warning(1000, np.nan)
    text = warning(100, 40)
    assert "looks at 100 px, 2.5 times the width of the areas that it draws (40 px on average" in text
    assert "smaller d" in text


def test_a_run_keeps_its_chord_and_warns_of_it(runs: dict[str, Any], tmp_path: Any) -> None:
    run = runs["segmenter"]
    scores = run.read(TrainingRecord)
    assert scores.receptive_field_px == run.receptive_field == 36
    assert runs["classifier"].read(TrainingRecord).mean_chord_px is None
    copy = dataclasses.replace(run, path=tmp_path)
    assert np.isnan(copy.mean_chord) and not copy.locality_warning
    for chord, warned in ((18.0, False), (17.0, True)):
        copy.write(dataclasses.replace(scores, mean_chord_px=chord))
        assert copy.mean_chord == chord and bool(copy.locality_warning) == warned
        assert copy.caveats[len(run.data["caveats"]) :] == ((copy.locality_warning,) if warned else ())
    # What one member must say, an ensemble or a cross-validation must, whose own folder knows of no training.
    both = ensemble_run(tmp_path / "ensemble", [run, copy])
    assert both.caveats == (*run.caveats, copy.locality_warning)


def test_chords_are_measured_on_held_out_maps(runs: dict[str, Any], dataset: Any) -> None:
    from copper_tf.data.pictures import load_pictures
    from copper_tf.inference.predictor import RunPredictor
    from copper_tf.training.finish import map_chords

    held_out, predictor = load_pictures(dataset, "validation"), RunPredictor(runs["segmenter"])
    pictures = list(zip(held_out.arrays, held_out.bit_depths.tolist(), strict=True))
    middle = [predictor.predict(*p).map for p, k in zip(pictures, held_out.labels, strict=True) if k == 1]
    found = map_chords(runs["segmenter"], held_out)
    chord = Chord(found["mean_chord_rough_px"], found["mean_chord_smooth_px"])
    assert chord == pytest.approx(mean_chord(*middle), nan_ok=True)
    assert found["mean_chord_px"] == pytest.approx(chord.mean, nan_ok=True)
