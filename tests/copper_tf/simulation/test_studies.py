"""Simulated strengths follow their stated law, and score tables are made in no time."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest

import copper_tf
from copper_tf.simulation import SimulationSettings
from copper_tf.simulation.studies import draw_studies
from tfds_copper.errors import SettingError


def settings(**more: object) -> SimulationSettings:
    return SimulationSettings.from_dict(
        {"labels": 4, "sheets": 6, "pictures": 24, "lots": 3, "peel": True, "sheet_sd": 0.05, "end": 0.2} | more  # type: ignore[arg-type]
    )


def test_strength_follows_the_area_and_some_failures_are_cohesive() -> None:
    made = draw_studies(settings(), 400)
    area, strength = made.area.ravel(), made.strengths.interface.ravel()
    slope, start = np.polyfit(area, strength, 1)
    assert slope == pytest.approx(0.9, abs=0.02) and start == pytest.approx(0.25, abs=0.02)
    assert np.std(strength - 0.25 - 0.9 * area) == pytest.approx(np.hypot(0.06, 0.05), rel=0.05)
    assert 0.02 < made.strengths.cohesive.mean() < 0.4
    hidden = made.strengths.cohesive
    assert (made.strengths.peel[hidden] < made.strengths.interface[hidden]).all()
    assert (made.strengths.peel[~hidden] == made.strengths.interface[~hidden]).all()


def test_in_the_control_strength_follows_age_alone() -> None:
    made = draw_studies(settings(peel_follows="age", sheet_sd=0.2), 400)
    one = made.label == 2
    assert abs(np.corrcoef(made.area[:, one].ravel(), made.strengths.interface[:, one].ravel())[0, 1]) < 0.06


def test_thousands_of_tables_take_seconds(tmp_path: Path) -> None:
    started = time.perf_counter()
    copper_tf.simulate(tmp_path / "sim", settings(tables=100))
    assert time.perf_counter() - started < 10
    tables = sorted((tmp_path / "sim").glob("scores-*.csv"))
    assert len(tables) == 100 and tables[0].read_bytes() != tables[1].read_bytes()
    again = copper_tf.simulate(tmp_path / "again", settings(tables=100))
    assert (again / "scores-00100.csv").read_bytes() == tables[-1].read_bytes()


def test_every_operator_uses_every_microscope(tmp_path: Path) -> None:
    copper_tf.simulate(tmp_path / "sim", settings(tables=1, operators=2, microscopes=2))
    with (tmp_path / "sim" / "scores-00001.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sheet"] == "t01-s02"]
    assert len({(row["operator"], row["microscope"]) for row in rows}) == 4
    assert len({row["peel_N_per_mm"] for row in rows}) == len({row["lot"] for row in rows}) == 1


def test_pictures_get_the_same_columns(tmp_path: Path) -> None:
    folder = copper_tf.simulate(
        tmp_path / "sem", labels=2, pictures=4, sheets=2, lots=1, height=64, width=64, peel=True, workers=1
    )
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"lot", "operator", "microscope", "date", "etch_depth_um", "peel_N_per_mm", "failure"} <= set(rows[0])
    assert len({(row["sheet"], row["peel_N_per_mm"]) for row in rows}) == 4


def test_tables_need_strengths_and_have_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="tables must be 0 unless peel is on"):
        SimulationSettings(tables=3)
    with pytest.raises(SettingError, match="contact_sheet needs pictures"):
        copper_tf.simulate(tmp_path / "x", settings(tables=1), contact_sheet=tmp_path / "a.png")
