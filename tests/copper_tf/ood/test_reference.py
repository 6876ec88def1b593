"""Pictures that differ from the training set are told from those like them, by statistics that know no network."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.ood.check import check_ood
from copper_tf.ood.features import GROUPS, SIDE, ImageFeatures, image_features
from copper_tf.ood.messages import difference_text
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.run import open_run
from copper_tf.simulation import SimulationSettings, plan_picture, simulate_picture
from tfds_copper.errors import RunError
from tfds_copper.micrograph import Windows, read

_SETTINGS = SimulationSettings(labels=4, pictures=20, sheets=10, height=160, width=192, seed=5)
_SIZE = sum(len(names) for names in GROUPS.values())


def _of(pixels: np.ndarray, depth: int = 8) -> ImageFeatures:
    found = image_features(Windows.of(pixels, depth))
    assert found is not None
    return found


def _drawn(indices: range, **other: Any) -> list[np.ndarray]:
    settings = SimulationSettings(**{**_SETTINGS.to_dict(), **other})
    return [simulate_picture(settings, label, index)[0] for label in range(settings.labels) for index in indices]


@pytest.fixture(scope="module")
def reference() -> ReferenceStatistics:
    """Of seven sheets of each label."""
    keys = [(label, index) for label in range(4) for index in range(14)]
    sheets = [10 * label + plan_picture(_SETTINGS, label, index).sheet for label, index in keys]
    found = ReferenceStatistics.of([_of(p) for p in _drawn(range(14))], [label for label, _ in keys], sheets)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def held_out() -> list[np.ndarray]:
    """Of the three other sheets."""
    return _drawn(range(14, 20))


def _grey(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: np.clip(np.round(change(pixels.astype(np.float64))), 0, 255).astype(np.uint8)


def _share(reference: ReferenceStatistics, pictures: list[np.ndarray]) -> float:
    return float(np.mean([bool(reference.score(_of(p)).reason) for p in pictures]))


def test_pictures_of_new_sheets_are_left_alone(reference: ReferenceStatistics, held_out: list[np.ndarray]) -> None:
    assert _share(reference, held_out) <= 0.05


_NOISE = np.random.default_rng(0).normal(0, 26, (160, 192))
_STREAKS = np.random.default_rng(1).normal(0, 20, (160, 1))


@pytest.mark.parametrize(
    ("change", "group"),
    [
        (lambda x: x - 70, "saturation: "),
        (lambda x: 3 * x, "% of pixels at white"),
        (lambda x: x + 55, "grey levels: brighter"),
        (lambda x: x.mean() + 0.3 * (x - x.mean()), "grey levels: less contrast"),
        (lambda x: ndimage.gaussian_filter(x, 2), "less fine detail, out of focus"),
        (lambda x: x + _NOISE, "sharpness: more noise"),
        (lambda x: ndimage.zoom(x[:80, :96], 2, order=1), "s"),
        (lambda x: x + _STREAKS, "direction: streaks"),
    ],
)
def test_each_nuisance_is_flagged_and_named(
    reference: ReferenceStatistics, held_out: list[np.ndarray], change: Callable[[np.ndarray], np.ndarray], group: str
) -> None:
    changed = [_grey(change)(pixels) for pixels in held_out]
    assert _share(reference, changed) >= 0.95
    reasons = [reference.score(_of(pixels)).reason for pixels in changed]
    assert np.mean([group in reason for reason in reasons]) >= 0.5, reasons


@pytest.mark.parametrize(("scale", "least"), [(0.5, 0.5), (2.0, 0.9)])
def test_another_magnification_is_flagged(reference: ReferenceStatistics, scale: float, least: float) -> None:
    """Of so small a world; `benchmarks/maps/ood.py` says what a usual one reaches."""
    pictures = _drawn(range(14, 20, 2), scale=scale)
    assert _share(reference, pictures) >= least
    reasons = " ".join(reference.score(_of(p)).reason for p in pictures)
    assert ("coarser" if scale > 1 else "finer") in reasons


def test_what_is_learnt_from_other_pictures_does_not_flag_them(held_out: list[np.ndarray]) -> None:
    """The control: blurred pictures are in distribution for statistics of blurred ones, and sharp ones aren't."""
    blurred = [_grey(lambda x: ndimage.gaussian_filter(x, 2))(p) for p in _drawn(range(14))]
    found = ReferenceStatistics.of([_of(p) for p in blurred], [0] * len(blurred), list(range(len(blurred))))
    assert found is not None
    assert _share(found, [_grey(lambda x: ndimage.gaussian_filter(x, 2))(p) for p in held_out]) <= 0.05
    assert _share(found, held_out) == 1


def test_neither_size_nor_depth_nor_turning_matters(reference: ReferenceStatistics, held_out: list[np.ndarray]) -> None:
    for pixels in held_out[:3]:
        plain = _of(pixels).values
        np.testing.assert_allclose(_of(pixels.astype(np.uint16) * 257, 16).values, plain, atol=1e-4)
        for turned in (np.rot90(pixels), pixels[::-1], pixels[:, ::-1].T):
            np.testing.assert_allclose(_of(np.ascontiguousarray(turned)).values, plain, atol=0.05)
        np.testing.assert_allclose(_of(np.tile(pixels, (2, 2))).values, plain, atol=0.4)
    small = [p[:side, :side] for p in held_out for side in (SIDE, 96)]
    assert _share(reference, small) <= 0.1
    assert _share(reference, _drawn(range(14, 16), height=320, width=384)) <= 0.1


def test_a_large_picture_is_sampled(held_out: list[np.ndarray]) -> None:
    asked: list[tuple[slice, slice]] = []

    def some(rows: slice, columns: slice) -> np.ndarray:
        asked.append((rows, columns))
        return held_out[0][:SIDE, :SIDE]

    assert image_features(Windows((50_000, 70_000), 8, some)) is not None
    assert 50 <= len(asked) <= 100
    assert asked[0][0].start == 0 and asked[-1] == (slice(49_936, 50_000), slice(69_936, 70_000))


def test_it_is_quick() -> None:
    picture_ = np.random.default_rng(0).integers(0, 255, (960, 1280)).astype(np.uint8)
    seconds = []
    for _ in range(5):
        started = time.process_time()
        _of(picture_)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.15


def test_flat_and_tiny_pictures() -> None:
    for value in (0, 128, 255):
        assert np.isfinite(_of(np.full((70, 90), value, np.uint8)).values).all()
    assert image_features(Windows.of(np.zeros((SIDE - 1, 900), np.uint8), 8)) is None
    assert _of(np.zeros((SIDE, SIDE), np.uint8)).values.shape == (_SIZE,)


def test_too_few_sheets_say_nothing(held_out: list[np.ndarray]) -> None:
    few = [_of(p) for p in held_out[:8]]
    assert ReferenceStatistics.of(few, [0] * 8, [0, 1, 2, 3] * 2) is None
    assert ReferenceStatistics.of(few, [0] * 8, list(range(8))) is not None


def test_an_odd_sheet_excuses_little(reference: ReferenceStatistics, held_out: list[np.ndarray]) -> None:
    """One sheet in twenty-nine out of focus: others out of focus are flagged all the same."""
    blurred = [_of(_grey(lambda x: ndimage.gaussian_filter(x, 2))(p)) for p in held_out]
    pictures = [_of(p) for p in _drawn(range(14))] + blurred[:2]
    labels = [k // 14 for k in range(56)] + [0, 0]
    found = ReferenceStatistics.of(pictures, labels, [k // 2 for k in range(58)])
    assert found is not None
    assert np.mean([bool(found.score(one).reason) for one in blurred[2:]]) >= 0.9


def test_json_keeps_all(reference: ReferenceStatistics, held_out: list[np.ndarray]) -> None:
    again = ReferenceStatistics.from_dict(json.loads(json.dumps(reference.to_dict())))
    for pixels in held_out[:4]:
        assert again.score(_of(pixels)) == reference.score(_of(pixels))
    for broken in ({}, {**reference.to_dict(), "features": {}}, {**reference.to_dict(), "limit": "high"}):
        with pytest.raises(RunError, match="reference statistics must be as they were written. Received: "):
            ReferenceStatistics.from_dict(broken)


def test_every_group_has_words() -> None:
    for group, names in GROUPS.items():
        for sign in (-1.0, 1.0):
            assert difference_text(group, np.full(len(names), 0.5), np.full(len(names), sign)).startswith(f"{group}: ")
    assert (
        difference_text("saturation", np.array([0.3, 0.1]), np.array([9.0, 2.0]))
        == "saturation: 9 % of pixels at white"
    )


def test_pixel_size_comes_first_and_what_is_unknown_is_said(
    reference: ReferenceStatistics, held_out: list[np.ndarray]
) -> None:
    window = Windows.of(held_out[0], 8)
    assert check_ood(window, 100.0, reference, (100.0, 100.0)).text == ""
    found = check_ood(window, 12.0, reference, (4.5, 4.5))
    assert found.pixel_size_differs and found.reasons == ("pixel size 12 nm, trained on 4.5 nm",)
    none = check_ood(window, 12.0, None, (4.5, 9.0))
    assert none.text == (
        "pixel size 12 nm, trained on 4.5 to 9 nm; not compared: the model keeps no statistics of its pictures"
    )
    tiny = check_ood(Windows.of(held_out[0][:20], 8), float("nan"), reference, None)
    assert not tiny.reasons and tiny.text == f"not compared: smaller than {SIDE}x{SIDE} px"


def test_resuming_adds_statistics_to_an_older_run(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> None:
    from copper_tf.training.loop import train

    run = runs["classifier"]
    copy = Path(shutil.copytree(run.path, tmp_path / "run"))
    (copy / "reference_statistics.json").unlink()
    train(run.config, dataset, copy, resume=True)
    assert (copy / "reference_statistics.json").read_text() == (run.path / "reference_statistics.json").read_text()


def test_runs_keep_statistics_and_old_ones_open(runs: dict[str, Any], tmp_path: Path) -> None:
    run = runs["segmenter"]
    assert run.reference_statistics is not None and run.reference_statistics.pictures == 24
    copy = Path(shutil.copytree(run.path, tmp_path / "run"))
    (copy / "reference_statistics.json").unlink()
    assert open_run(copy).reference_statistics is None
    (copy / "reference_statistics.json").write_text("{}")
    assert open_run(copy).reference_statistics is None
    (copy / "reference_statistics.json").write_text("{")
    with pytest.raises(RunError, match="reference_statistics.json: must be JSON"):
        _ = open_run(copy).reference_statistics


def test_another_material_is_flagged(shared: Path) -> None:
    """Statistics of the tiles of one nickel specimen, one of its sheets held out, against coatings."""
    import csv

    with (shared / "superalloy_tiles" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sheet"].startswith("spot")]
    chosen = rows[::3]
    found = {row["file"]: _of(read(shared / "superalloy_tiles" / row["file"]).pixels) for row in chosen}
    known = [row for row in chosen if row["sheet"] != "spot7"]
    sheets = [int(row["sheet"].removeprefix("spot")) for row in known]
    reference = ReferenceStatistics.of(
        [found[row["file"]] for row in known], [int(float(r["t"])) for r in known], sheets
    )
    assert reference is not None
    new = [bool(reference.score(found[row["file"]]).reason) for row in chosen if row["sheet"] == "spot7"]
    others = sorted((shared / "ebc_oxide" / "images").glob("*.png"))[::3]
    assert np.mean(new) <= 0.05
    assert np.mean([bool(reference.score(_of(read(path).pixels)).reason) for path in others]) == 1
