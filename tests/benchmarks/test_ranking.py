"""How well a criterion without masks ranks networks: rank correlation and regret."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.maps.ranking import CRITERIA, by_surface, ranked, right_and_supported, split_name


def _network(iou: float, verdict: str = "supported", **trust: float) -> dict[str, Any]:
    sound = {
        "nmse": 0.1,
        "binarity": 0.9,
        "phase_drift": 0.1,
        "additivity": 0.01,
        "reach_ratio": 1,
        "deletion_error": 0,
    }
    return {"iou": iou, "verdict": verdict, "trust": {**sound, **trust}}


def test_a_criterion_that_ranks_as_the_masks_do_has_no_regret() -> None:
    networks = {f"d={d}": _network(iou, binarity=iou + 0.1) for d, iou in ((2, 0.6), (3, 0.8), (4, 0.7))}
    correlation, regret, first = ranked(networks, CRITERIA["binarity"])
    assert correlation == pytest.approx(1)
    assert (regret, first) == (0, "d=3")


def test_a_criterion_that_ranks_the_other_way_round_has_the_whole_regret() -> None:
    networks = {f"d={d}": _network(iou, nmse=iou) for d, iou in ((2, 0.6), (3, 0.8), (4, 0.7))}
    correlation, regret, first = ranked(networks, CRITERIA["NMSE on held-out sheets"])
    assert correlation == pytest.approx(-1)
    assert regret == pytest.approx(0.2)
    assert first == "d=2"


def test_a_network_without_a_value_comes_last() -> None:
    networks = {"a": _network(0.9), "b": _network(0.8), "c": _network(0.7)}
    networks["a"]["trust"]["deletion_error"] = None
    assert ranked(networks, CRITERIA["deletion"])[2] == "b"


def test_the_verdict_comes_before_sharpness() -> None:
    networks = {"sharp": _network(0.3, "not supported", binarity=0.99), "right": _network(0.8, binarity=0.7)}
    assert ranked(networks, CRITERIA["verdict, then binarity"])[2] == "right"


def test_the_worst_decisive_test_counts() -> None:
    """Half-way between both limits of one test: half."""
    networks = {"a": _network(0.8, additivity=0.07), "b": _network(0.7, deletion_error=0.35)}
    assert [CRITERIA["worst decisive test of trust"](one) for one in networks.values()] == pytest.approx([0.5, 0.5])


def test_networks_are_grouped_by_surface_and_seed() -> None:
    """Those without masks or a verdict don't count, and surfaces with fewer than three networks neither."""
    names = ("hard_d=2", "hard_default_settings", "hard_window_of_31_px", "copper_.5_to_0_d=2")
    content = {"0": {name: _network(0.7) for name in names}}
    content["0"]["hard_told"] = {"refused": "there is no law to be told"}
    content["0"]["hard_areas"] = {"iou": 0.5}
    content["1"] = {"hard_one_try": _network(0.7)}
    assert {s: set(of) for s, of in by_surface(content).items()} == {
        "hard, seed 0": {"d=2", "default settings", "window of 31 px"}
    }


def test_names_are_split_into_surface_and_recipe() -> None:
    assert split_name("copper_.5_to_0_d=2") == ("copper .5 to 0", "d=2")
    assert split_name("copper,_fine_default_settings") == ("copper, fine", "default settings")


def test_what_is_supported_is_counted_beside_what_is_right() -> None:
    surfaces = {
        "a": {"best": _network(0.8), "near": _network(0.78, "undecided"), "wrong": _network(0.5)},
        "b": {"best": _network(0.65), "low": _network(0.5)},
    }
    assert right_and_supported(surfaces) == (2, 3, 1)
