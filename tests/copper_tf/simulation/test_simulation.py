"""The synthetic world: its truth is exact, its brightness tells nothing, and its controls are what they claim."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

import copper_tf.simulation as simulation
from benchmarks.roughness import fine_coarse
from copper_tf.simulation import (
    LAWS,
    WORLDS,
    SimulationSettings,
    calibrate,
    calibration,
    plan_picture,
    read_settings,
    render_contact_sheet,
    simulate,
    simulate_picture,
)
from copper_tf.simulation import folder as folder_module
from copper_tf.simulation.equalisation import LEVELS, blend, scores
from copper_tf.simulation.equalisation_data import CORRELATIONS, QUANTILES, SCALES
from copper_tf.simulation.information_bar import scale_bar_length
from copper_tf.simulation.noise import caps, gauss_response, generator, smooth_field, stratified
from copper_tf.simulation.picture import exposure_of
from copper_tf.simulation.surface import Appearance, phase_signals
from tfds_copper.errors import InputError, OutputError, SettingError

SMALL = SimulationSettings(labels=4, pictures=3, sheets=3, lots=2, height=96, width=128)


def table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def grey(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def measured(folder: Path) -> tuple[list[float], list[float], list[float]]:
    """t, mean and fine/coarse ratio of every picture of a SEM folder."""
    rows = [(float(row["t"]), grey(folder / row["file"])) for row in table(folder)]
    return [t for t, _ in rows], [float(p.mean()) for _, p in rows], [fine_coarse(p) for _, p in rows]


def rank_correlation(a: list[float], b: list[float]) -> float:
    return float(spearmanr(a, b).statistic)


def test_public_face():
    assert all(hasattr(simulation, name) for name in simulation.__all__)
    assert LAWS == ("linear", "sqrt", "square", "cubert", "exponential", "logarithmic", "logistic")


@pytest.mark.parametrize("law", LAWS)
def test_a1_area_equals_the_law(law):
    settings = SimulationSettings(labels=6, pictures=1, sheets=1, lots=1, height=100, width=132, law=law, bar=20)
    values = settings.law_values()
    for label in range(settings.labels):
        pixels, mask = simulate_picture(settings, label, 0)
        assert pixels.shape == mask.shape == (100, 132)
        assert not mask[80:].any()
        assert abs(mask.sum() - values[label] * 80 * 132) <= 0.5


def test_the_law_runs_from_its_start_to_its_end():
    settings = dataclasses.replace(SMALL, labels=5, law="square", start=0.7, end=0.4)
    assert settings.law_values() == pytest.approx([0.4 + 0.3 * (1 - (k / 4) ** 2) for k in range(5)])
    for label in (0, 4):
        _, mask = simulate_picture(settings, label, 0)
        assert mask.mean() == pytest.approx(settings.law_values()[label], abs=0.51 / mask.size)


def test_a_lower_contrast_makes_the_phases_more_alike():
    def difference(contrast: float) -> float:
        settings = SimulationSettings(pictures=1, sheets=1, lots=1, height=256, width=256, start=0.5, contrast=contrast)
        pixels, mask = simulate_picture(settings, 0, 0)
        fine = np.abs(np.diff(pixels.astype(float), axis=1))
        return float(fine[:, 1:][mask[:, 2:]].mean() / fine[:, 1:][~mask[:, 2:]].mean()) - 1

    full, half, little = (difference(contrast) for contrast in (1.0, 0.5, 0.1))
    assert full > 1.3 * half > 2 * little > -0.1


def test_sheets_differ_as_far_as_they_are_told_to():
    def spread(variation: float) -> float:
        settings = SimulationSettings(pictures=10, sheets=10, sheet_variation=variation)
        plans = [plan_picture(settings, 3, index) for index in range(settings.pictures)]
        return float(np.std([exposure_of(settings, plan).offset for plan in plans]))

    assert spread(3.0) > 2 * spread(1.0) > 2.5 * spread(0.0) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "side"), [(0, 128), (1, 128), (2, 128), (3, 256)])
def test_a2_texture_follows_t_and_brightness_does_not(tmp_path, seed, side):
    pictures = 5 if side == 128 else 3
    settings = SimulationSettings(pictures=pictures, sheets=3, height=side, width=side, seed=seed)
    t, mean, ratio = measured(simulate(tmp_path / "sem", settings, workers=1))
    assert abs(rank_correlation(t, mean)) <= 0.2
    assert rank_correlation(t, ratio) <= -0.8
    # A1 on the files themselves, every label at the paper's 16.
    for row in table(tmp_path / "sem"):
        mask = grey(tmp_path / "sem" / "truth" / row["file"])
        assert set(np.unique(mask)) <= {0, 255}
        assert abs((mask > 0).sum() - float(row["area_law"]) * mask.size) <= 0.51
        assert (mask > 0).mean() == pytest.approx(float(row["area_drawn"]), abs=1e-7)


def test_grey_values_do_not_tell_the_phases_apart():
    settings = SimulationSettings(pictures=6, sheets=6, height=192, width=192, seed=7)
    inside: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for label in (1, 3, 5):
        for index in range(settings.pictures):
            pixels, mask = simulate_picture(settings, label, index)
            for phase in inside:
                inside[phase].append(pixels[mask == phase])
    levels = [1, 5, 25, 50, 75, 95, 99]
    rough, smooth = (np.percentile(np.concatenate(inside[phase]), levels) for phase in (True, False))
    assert np.abs(rough - smooth).max() <= 10
    assert np.abs(rough - smooth)[2:5].max() <= 4


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_constants_are_those_of_the_surface(scale):
    side = 512 if scale > 1 else 256
    quantiles, correlation = calibrate(scale, count=4, shape=(side, side))
    row = SCALES.index(scale)
    assert correlation == pytest.approx(CORRELATIONS[row], abs=0.05)
    for phase, values in quantiles.items():
        inner = np.abs(LEVELS) <= 2.1
        stored = np.asarray(QUANTILES[phase][row])
        assert np.abs(np.asarray(values) - stored)[inner].max() <= 0.05 * (stored[-1] - stored[0])
        assert np.all(np.diff(stored) > 0)


def test_constants_are_written_as_they_are_stored(tmp_path, monkeypatch):
    def stored(scale: float) -> tuple[dict[str, tuple[float, ...]], float]:
        row = SCALES.index(scale)
        return {phase: values[row] for phase, values in QUANTILES.items()}, CORRELATIONS[row]

    monkeypatch.setattr(calibration, "calibrate", stored)
    written = calibration.write_constants(tmp_path / "equalisation_data.py").read_text(encoding="utf-8")
    assert written == Path(calibration.__file__).with_name("equalisation_data.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("scale", [0.6, 1.4, 3.0])
def test_constants_hold_between_the_calibrated_scales(scale):
    look = Appearance(scale=scale, exponent=1.0, azimuth=1.0, defocus=0.65)
    rough, smooth = phase_signals(generator(1), (400, 400), look)
    for phase, signal in (("rough", rough), ("smooth", smooth)):
        score = scores(signal, phase, scale)
        assert abs(score.mean()) <= 0.12
        assert score.std() == pytest.approx(1, abs=0.12)


def test_blend_keeps_the_variance():
    rng = np.random.default_rng(0)
    rough = rng.standard_normal((400, 400))
    rho = CORRELATIONS[SCALES.index(1.0)]
    smooth = rho * rough + np.sqrt(1 - rho**2) * rng.standard_normal((400, 400))
    for share in (0.0, 0.3, 0.5, 1.0):
        assert blend(rough, smooth, share, 1.0).std() == pytest.approx(1, abs=0.02)


def test_same_seed_same_bytes_in_any_order_and_number_of_processes(tmp_path, monkeypatch):
    one = simulate(tmp_path / "one", SMALL, workers=1)
    monkeypatch.setattr(folder_module, "_WORTH_PROCESSES", 0)
    two = simulate(tmp_path / "two", SMALL, workers=2)
    files = sorted(path.relative_to(one) for path in one.rglob("*.*"))
    assert files == sorted(path.relative_to(two) for path in two.rglob("*.*"))
    assert len(files) == 2 * 12 + 2
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)
    alone, _ = simulate_picture(SMALL, 3, 2)
    assert np.array_equal(alone, grey(one / table(one)[-1]["file"]))
    other, _ = simulate_picture(dataclasses.replace(SMALL, seed=1), 3, 2)
    assert not np.array_equal(alone, other)


def test_labels_csv_says_what_is_there(tmp_path):
    folder = simulate(tmp_path / "sem", dataclasses.replace(SMALL, pixel_size_nm=62.5))
    rows = table(folder)
    assert list(rows[0]) == ["file", "t", "sheet", "lot", "pixel_size_nm", "area_law", "area_drawn"]
    assert rows[0] == {
        "file": "t00/t00-s00-p000.png",
        "t": "0",
        "sheet": "t00-s00",
        "lot": "lot1",
        "pixel_size_nm": "62.5",
        "area_law": "1.00000000",
        "area_drawn": "1.00000000",
    }
    assert {row["file"] for row in rows} == {str(p.relative_to(folder)) for p in folder.glob("t*/*.png")} - {
        str(p.relative_to(folder)) for p in folder.glob("truth/*.png")
    }
    assert len({row["sheet"] for row in rows}) == 12
    assert {row["lot"] for row in rows if row["t"] == "2"} == {"lot1", "lot2"}
    assert read_settings(folder).pixel_size_nm == 62.5


@pytest.mark.parametrize("which", ["sheet_sd", "lot_sd"])
def test_scatter_of_the_truth(tmp_path, which):
    changed = dataclasses.replace(SMALL, labels=8, pictures=6, **{which: 0.1})
    folder = simulate(tmp_path / "sem", changed, workers=1)
    offsets: dict[str, set[float]] = {}
    for row in table(folder):
        mask = grey(folder / "truth" / row["file"]) > 0
        assert mask.mean() == pytest.approx(float(row["area_drawn"]), abs=0.51 / mask.size)
        made = float(row["area_drawn"]) - float(row["area_law"])
        if 0.0 < float(row["area_drawn"]) < 1.0:
            offsets.setdefault(row["lot"] if which == "lot_sd" else row["sheet"], set()).add(round(made, 3))
    values = [value for group in offsets.values() for value in group]
    assert len(offsets) == 2 if which == "lot_sd" else len(offsets) >= 10
    assert 0.03 <= max(map(abs, values)) <= 0.4
    # All pictures of one sheet, or lot, share one shift, up to rounding to whole pixels.
    assert all(max(group) - min(group) <= 0.0021 for group in offsets.values())


def test_controls(tmp_path):
    settings = SimulationSettings(pictures=4, sheets=4, height=128, width=128, seed=11)
    folders = {
        world: simulate(tmp_path / world, dataclasses.replace(settings, world=world), workers=1)
        for world in WORLDS
        if world != "binary"
    }
    t, mean, ratio = measured(folders["confound"])
    assert rank_correlation(t, mean) <= -0.9
    assert rank_correlation(t, ratio) <= -0.8
    t, mean, ratio = measured(folders["null"])
    assert abs(rank_correlation(t, ratio)) <= 0.3
    assert abs(rank_correlation(t, mean)) <= 0.2
    areas = [float(row["area_drawn"]) for row in table(folders["null"])]
    assert abs(rank_correlation(t, areas)) <= 0.3
    assert np.std(areas) >= 0.1
    t, mean, ratio = measured(folders["gradual"])
    assert rank_correlation(t, ratio) <= -0.8
    assert abs(rank_correlation(t, mean)) <= 0.2
    assert not (folders["gradual"] / "truth").exists()
    assert "amplitude_drawn" in table(folders["gradual"])[0]
    assert simulate_picture(read_settings(folders["gradual"]), 3, 0)[1] is None


def test_resume_keeps_what_is_there(tmp_path):
    folder = simulate(tmp_path / "sem", SMALL)
    names = [row["file"] for row in table(folder)]
    before = {name: (folder / name).read_bytes() for name in names}
    (folder / names[0]).unlink()
    (folder / "truth" / names[5]).unlink()
    (folder / "labels.csv").unlink()
    kept = (folder / names[1]).stat().st_mtime_ns
    calls = []
    simulate(folder, SMALL, progress=lambda *call: calls.append(call))
    assert [(done, total) for done, total, _ in calls] == [(11, 12), (12, 12)]
    assert (folder / names[1]).stat().st_mtime_ns == kept
    assert before == {row["file"]: (folder / row["file"]).read_bytes() for row in table(folder)}
    assert not list(folder.rglob("*.part"))


def test_goes_on_where_it_was_killed_before_its_first_file(tmp_path):
    (tmp_path / ".writing-0123-simulation.json").write_text("{")
    assert read_settings(simulate(tmp_path, SMALL)) == SMALL


def test_refuses_what_is_not_its_own(tmp_path):
    folder = simulate(tmp_path / "sem", SMALL)
    with pytest.raises(OutputError, match=r"other settings; must be the same. Received: seed 0 there, 5 here$"):
        simulate(folder, dataclasses.replace(SMALL, seed=5))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(OutputError, match=r"must be absent, empty, or .* Received: other files$"):
        simulate(tmp_path / "mine", SMALL)
    with pytest.raises(OutputError, match=r"must be a folder. Received: a file$"):
        simulate(tmp_path / "mine" / "notes.txt", SMALL)
    with pytest.raises(OutputError, match=r"can be written. Received: Not a directory$"):
        simulate(tmp_path / "mine" / "notes.txt" / "below", SMALL)
    with pytest.raises(OutputError, match=r"settings of a simulated folder. Received: no such file$"):
        read_settings(tmp_path / "mine")
    content = json.loads((folder / "simulation.json").read_text())
    (folder / "simulation.json").write_text(json.dumps({**content, "recipe": 0}))
    with pytest.raises(OutputError, match=r"recipe must be 1, .* Received: 0$"):
        simulate(folder, SMALL)
    (folder / "simulation.json").write_text("{")
    with pytest.raises(OutputError, match=r"Received: a file that cannot be read as such$"):
        simulate(folder, SMALL)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"law": "sine"}, r"law must be one of linear, sqrt, .* Received: 'sine'$"),
        ({"world": "flat"}, r"world must be one of binary, gradual, null, confound. Received: 'flat'$"),
        ({"sheets": 60}, r"sheets must be at most pictures \(50\).* Received: 60$"),
        ({"lots": 11}, r"lots must be at most sheets \(10\).* Received: 11$"),
        ({"bar": 950}, r"bar must be 0, or from 16 rows to 64 less than height \(960\). Received: 950$"),
        ({"bit_depth": 12}, r"bit_depth must be one of 8, 16. Received: 12$"),
        ({"labels": 1}, r"labels must be a whole number from 2 to 1000. Received: 1$"),
        ({"sheet_sd": -0.1}, r"sheet_sd must be a number from 0.0 to 0.5. Received: -0.1$"),
    ],
)
def test_settings_that_are_not_allowed(values, message):
    with pytest.raises(SettingError, match=message):
        SimulationSettings(**values)


def test_arguments_that_are_not_allowed(tmp_path):
    with pytest.raises(SettingError, match=r"label must be a whole number from 0 to 3. Received: 4$"):
        simulate_picture(SMALL, 4, 0)
    with pytest.raises(SettingError, match=r"index must be a whole number from 0 to 2. Received: -1$"):
        plan_picture(SMALL, 0, -1)
    with pytest.raises(SettingError, match=r"workers must be a whole number of at least 1. Received: 0$"):
        simulate(tmp_path / "sem", SMALL, workers=0)


def test_sixteen_bits_and_the_information_bar(tmp_path):
    settings = dataclasses.replace(SMALL, width=320, height=128, bar=32, bit_depth=16)
    pixels, _ = simulate_picture(settings, 1, 0)
    assert pixels.dtype == np.uint16
    assert len(np.unique(pixels[:96])) > 5000
    assert (pixels[97:] == 0).mean() > 0.5
    assert (pixels[97:] == 65535).any()
    folder = simulate(tmp_path / "sem", settings)
    assert np.array_equal(grey(folder / "t01/t01-s00-p000.png"), pixels)
    eight, _ = simulate_picture(dataclasses.replace(settings, bit_depth=8), 1, 0)
    assert np.abs(eight.astype(int) - pixels / 257).max() <= 0.51
    assert scale_bar_length(1280, 100.0) == (200, "20 um")
    assert scale_bar_length(1280, 2.0) == (250, "500 nm")


def test_contact_sheet(tmp_path):
    folder = simulate(tmp_path / "sem", SMALL)
    sheet = render_contact_sheet(folder, tile=90)
    assert sheet.mode == "L"
    assert sheet.size == (8 + 4 * 98, 44 + 26 + 2 * 98 + 34)
    assert np.array_equal(np.asarray(sheet), np.asarray(render_contact_sheet(SMALL, tile=90)))
    gradual = render_contact_sheet(dataclasses.replace(SMALL, world="gradual", bit_depth=16), tile=90, columns=2)
    assert gradual.size == (8 + 2 * 98, 44 + 26 + 98 + 34)
    (folder / "t00" / "t00-s00-p000.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"picture of the simulation. Received: none that can be read$"):
        render_contact_sheet(folder)


def test_noise_is_periodic_standard_and_spread():
    field = smooth_field(generator(1), (256, 320), gauss_response((256, 320), 4.0))
    assert field.std() == pytest.approx(1, abs=0.15)
    assert np.abs(field[0] - field[-1]).mean() < 2 * np.abs(np.diff(field, axis=0)).mean()
    rows, columns = np.meshgrid(np.arange(128.0), np.arange(160.0), indexing="ij")
    layer = caps(generator(2), (rows.astype(np.float32), columns.astype(np.float32)), 10.0, (0.5, 0.9), missing=0.1)
    assert layer.height.min() == 0
    assert layer.height.max() <= 9
    assert layer.gap.min() >= 0
    draws = sorted(stratified(k, 10, 3) for k in range(10))
    assert all(k / 10 <= draw < (k + 1) / 10 for k, draw in enumerate(draws))
