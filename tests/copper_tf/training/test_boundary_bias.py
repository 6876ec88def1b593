"""Composites: what borders of areas add, on networks of which it is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.records import BoundaryBias
from copper_tf.training.boundary_bias import composite, maps_needed, measure_boundary_bias


def _template() -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 6, mode="wrap")
    return (field > 0).astype(np.float32)


def test_inside_is_the_first_and_outside_the_last() -> None:
    template = _template()
    made = composite(template, np.ones_like(template), np.zeros_like(template))
    inner = ndimage.distance_transform_edt(template > 0) > 8
    outer = ndimage.distance_transform_edt(template == 0) > 8
    assert inner.any() and outer.any()
    np.testing.assert_allclose(made[inner], 1, atol=1e-3)
    np.testing.assert_allclose(made[outer], 0, atol=1e-3)
    assert made.mean() == pytest.approx(template.mean(), abs=0.01)


@pytest.mark.parametrize(("swayed", "low", "high"), [(0, -1e-6, 1e-6), (3, 0.02, 0.4)])
def test_a_network_that_dilates_areas_is_found_out(
    swayed: int, low: float, high: float, runs: dict[str, Any], dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that judges each pixel alone adds nothing; one that sees the largest value around adds its reach."""

    def map_of(self: RunPredictor, values: np.ndarray) -> np.ndarray:
        grey = np.clip(values, 0, 1).astype(np.float32)
        return np.asarray(ndimage.maximum_filter(grey, 2 * swayed + 1))

    monkeypatch.setattr(RunPredictor, "map_of", map_of)
    monkeypatch.setattr("copper_tf.training.boundary_bias.middles", lambda *_: _levels())
    found = measure_boundary_bias(runs["segmenter"], dataset)
    assert found.excess[0] == found.excess[-1] == 0
    assert low <= found.excess[1] <= high
    assert runs["segmenter"].read(BoundaryBias).excess == pytest.approx(found.excess)


def _levels() -> list[list[np.ndarray]]:
    """Pictures all rough, half and half, and all smooth."""
    template = _template()
    return [[np.ones_like(template)], [template], [np.zeros_like(template)]]


def test_a_real_run_gives_a_number_for_every_label_between(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> None:
    found = measure_boundary_bias(runs["segmenter"], dataset)
    assert len(found.excess) == 3 and np.isfinite(found.excess).all() and abs(found.excess[1]) < 1


def test_the_maps_that_it_takes_are_known_before(
    runs: dict[str, Any], dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures of 3 labels, as many held out of each: 2 ends, and composites of the label between."""
    drawn: list[tuple[int, ...]] = []
    own = RunPredictor.map_of

    def counted(self: RunPredictor, values: np.ndarray) -> np.ndarray:
        drawn.append(values.shape)
        return own(self, values)

    monkeypatch.setattr(RunPredictor, "map_of", counted)
    measure_boundary_bias(runs["segmenter"], dataset)
    held = dataset.split_sizes["validation"] + dataset.split_sizes["test"]
    assert len(drawn) == maps_needed(held, len(dataset.times), float(np.prod(drawn[0])))
    assert maps_needed(held, 3, 4 * 512.0**2) == maps_needed(held, 3, 512.0**2) / 4
