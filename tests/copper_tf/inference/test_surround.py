"""The surround test finds how far a network looks: nowhere, over a known width, or over the whole picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.config import default_config
from copper_tf.inference.surround import (
    MapFunction,
    MappedPicture,
    influences,
    measure_surrounds,
    measured_reach,
    radii,
    reach_of,
)
from copper_tf.models.architecture import network_of


def _pictures(map_of: MapFunction, side: int = 160) -> list[MappedPicture]:
    """Four labels of three pictures, whose values are 1 in a share of the pixels that falls with the label."""
    draw = np.random.default_rng(0)
    values = [((draw.random((side, side)) < 0.9 - 0.25 * label).astype(np.float32), label) for label in range(4)] * 3
    return [MappedPicture(v, map_of(v), label) for v, label in values]


def _measured(map_of: MapFunction, receptive_field: float = 128) -> dict[int, float]:
    return influences(measure_surrounds(_pictures(map_of), receptive_field, map_of))


def test_a_map_that_looks_at_a_pixel_alone_has_no_reach() -> None:
    found = _measured(lambda values: values)
    assert list(found) == [4, 8, 16, 24, 32, 48, 64]
    assert max(map(abs, found.values())) < 1e-6
    assert measured_reach(found) == 8


@pytest.mark.parametrize("width", [17, 49])
def test_the_reach_of_a_mean_over_a_window_is_its_width(width: int) -> None:
    found = _measured(lambda values: ndimage.uniform_filter(values, width, mode="mirror"))
    assert found[4] > 0.3 and found[64] < 0.02
    assert 0.8 * width < measured_reach(found) < 1.7 * width


def test_a_painter_reaches_everywhere() -> None:
    found = _measured(lambda values: np.full_like(values, values.mean()), math.inf)
    assert min(found.values()) > 0.4 and list(found)[-1] == 64
    assert measured_reach(found) == math.inf


def test_radii_end_with_the_receptive_field_or_the_picture() -> None:
    assert radii(36, (512, 512)) == (4, 8, 16, 24)
    assert radii(math.inf, (128, 200)) == (4, 8, 16, 24, 32, 48)
    assert radii(168, (64, 64)) == (4, 8, 16, 24)


def test_surrounds_that_hardly_differ_say_nothing() -> None:
    pictures = [MappedPicture(np.zeros((64, 64)), np.full((64, 64), 0.5), label) for label in (0, 0, 1, 1)]
    assert influences(measure_surrounds(pictures, 36, lambda values: values)) == {}
    assert math.isnan(measured_reach({}))


def test_a_network_reaches_as_far_as_it_sees_at_most() -> None:
    network = network_of(default_config("segmenter", d=2))

    def box(values: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(values, network.receptive_field, mode="mirror")

    reach, found = reach_of(_pictures(box), network, box)
    assert network.receptive_field == 36 == reach < measured_reach(found)
    # Small pictures have no disc that is large enough; one picture a label has none of its own beside it.
    assert reach_of(_pictures(box, 48), network, box)[0] == 36
    assert reach_of(_pictures(box)[:4], network, box) == (36, {})


def test_the_width_lies_between_two_radii() -> None:
    assert measured_reach({4: 0.5, 8: 0.2, 16: 0.0}) == pytest.approx(2 * (8 + 0.5 * 8))
    # Once more beyond a gap: it counts from where it dies for good.
    assert measured_reach({4: 0.05, 8: 0.2, 16: 0.0}) == pytest.approx(24)
