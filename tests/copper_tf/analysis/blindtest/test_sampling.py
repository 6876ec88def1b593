"""Samples are balanced over labels and sheets, and orders are each rater's own."""

from __future__ import annotations

import numpy as np

from copper_tf.analysis.blindtest.sampling import balanced_sample, shuffled_order


def test_the_sample_takes_labels_and_sheets_alike() -> None:
    label = np.repeat([0, 1, 2], 20)
    sheet = np.array([f"{k}-{n // 5}" for k in range(3) for n in range(20)])
    for seed in range(20):
        chosen = balanced_sample(label, sheet, 13, seed)
        assert len(set(chosen.tolist())) == 13
        assert sorted(np.bincount(label[chosen])) == [4, 4, 5]
        # Four of a label come from its four sheets.
        assert all(len(set(sheet[chosen[label[chosen] == k]])) == 4 for k in range(3))
    again = [balanced_sample(label, sheet, 13, 3).tolist() for _ in range(2)]
    assert again[0] == again[1] != balanced_sample(label, sheet, 13, 4).tolist()
    assert sorted(balanced_sample(label, sheet, 99, 0).tolist()) == list(range(60))


def test_orders_are_seeded_and_each_raters_own() -> None:
    a, b = shuffled_order(16, 0, "anna/without map"), shuffled_order(16, 0, "ben/without map")
    assert a == shuffled_order(16, 0, "anna/without map") and sorted(a) == sorted(b) == list(range(16))
    assert (
        len(
            {
                tuple(o)
                for o in (a, b, shuffled_order(16, 0, "anna/with map"), shuffled_order(16, 1, "anna/without map"))
            }
        )
        == 4
    )
