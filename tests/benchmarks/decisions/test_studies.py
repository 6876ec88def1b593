"""The studies of decisions: what they count is near what is promised already with few of them."""

from __future__ import annotations

import json

import pytest

from benchmarks.decisions import studies


def test_groups_of_sheets_keep_their_level() -> None:
    rows = studies.group_rows(40)
    assert [(row["sheets"], row["ratio"]) for row in rows][:4] == [(3, 0), (3, 1), (3, 4), (5, 0)]
    for row in rows:
        assert 0.015 < row["false_alarms"] < 0.085 and row["wrongly_equivalent"] < 0.085
        assert row["found"] == pytest.approx(0.8, abs=0.06)


def test_strength_of_unseen_lots_is_covered() -> None:
    rows = studies.calibration_rows(40)
    assert all(row["covered"] > 0.88 for row in rows)
    assert rows[0]["half"] > rows[1]["half"] > rows[3]["half"]


def test_what_adds_nothing_is_seldom_said_to_add() -> None:
    rows = studies.added_rows(60)
    assert all(row["not_claimed"] > 0.88 for row in rows if row["follows"] == "age")
    assert next(row for row in rows if row["follows"] == "area" and row["sheets"] == 30)["not_claimed"] < 0.5


def test_components_are_covered() -> None:
    for row in studies.gauge_rows(60):
        assert min(row["covered"].values()) > 0.8
        assert row["grr_mean"] == pytest.approx(row["grr_true"], rel=0.2)


def test_a_microscope_that_moves_is_not_called_the_line() -> None:
    rows = {(row["moved"], row["baseline"]): row for row in studies.drift_rows(60)}
    assert rows["microscope", 50]["not_called_other"] > 0.9 and rows["microscope", 50]["found"] > 0.95


def test_the_results_that_are_kept_are_within_what_is_asked() -> None:
    found = json.loads(studies.RESULT.read_text(encoding="utf-8"))
    assert set(found) == set(studies.PARTS)
    for row in found["groups"]:
        assert 0.03 <= row["false_alarms"] <= 0.07 and 0.75 <= row["found"] <= 0.85
    assert all(0.93 <= row["covered"] <= 0.97 for row in found["calibration"] if row["sheets"] >= 6)
    assert all(row["not_claimed"] >= 0.95 for row in found["added"] if row["follows"] == "age")
    assert all(0.93 <= share <= 0.97 for row in found["gauge"] for share in row["covered"].values())
    assert all(row["mean"] == pytest.approx(row["theory"], rel=0.1) for row in found["chart"])
    assert all(row["not_called_other"] >= 0.95 for row in found["drift"] if row["moved"] == "microscope")
