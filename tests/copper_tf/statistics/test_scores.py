"""Scores against other people's implementations and by hand; intervals that admit what they don't know."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.statistics import scores as st


def test_ordinal_scores_by_hand() -> None:
    rows = {"label": np.array([0, 1, 2, 3, 3]), "grade": np.array([0, 2, 2, 3, 1])}
    scores = st.ordinal_scores(rows, 4)
    assert scores["accuracy"] == 0.6 and scores["within_one"] == 0.8 and scores["mae"] == pytest.approx(0.6)
    np.testing.assert_array_equal(st.confusion_matrix(rows["label"], rows["grade"], 4)[3], [0, 1, 0, 1])
    # 1 - sum(w o) / sum(w e): errors 1 + 4, expected 0.2 x sum over margins.
    expected = sum((i - j) ** 2 * a * b for i, a in enumerate((1, 1, 1, 2)) for j, b in enumerate((1, 1, 2, 1))) / 5
    assert scores["qwk"] == pytest.approx(1 - 5 / expected)


def test_perfect_and_chance_kappa() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 5, 4000)
    assert st.ordinal_scores({"label": truth, "grade": truth}, 5)["qwk"] == 1
    assert abs(st.ordinal_scores({"label": truth, "grade": draw.permutation(truth)}, 5)["qwk"]) < 0.05


def test_posterior_median() -> None:
    p = np.array([[0.4, 0.0, 0.1, 0.3, 0.2], [1.0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0]])
    np.testing.assert_array_equal(st.posterior_median(p), [2, 0, 0])


def test_potency_scores() -> None:
    g = np.array([1.0, 1.0, 0.5, 0.5, 0.0, 0.0])
    rows = {"potency": g + 0.1 * np.array([1, -1, 1, -1, 1, -1]), "g": g, "t": np.array([0, 0, 1, 1, 2, 2.0])}
    scores = st.potency_scores({**rows, "true_fraction": np.array([1, np.nan, 0.5, 0.5, np.nan, 0])})
    assert scores["mse"] == pytest.approx(0.01) and scores["nmse"] == pytest.approx(0.01 / np.var(g))
    assert scores["spearman_t"] < -0.9 and scores["mae_fraction"] == pytest.approx(0.1)
    flat = st.potency_scores({**rows, "potency": np.full(6, 0.5)})
    assert flat["nmse"] == pytest.approx(1) and np.isnan(flat["corr_g"])


def test_pixel_scores_against_pairs_by_hand() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random((40, 30)) < 0.3
    potency = np.clip(0.3 * truth + draw.normal(0.4, 0.2, truth.shape), 0, 1).astype(np.float32)
    scores = st.pixel_scores(potency, truth)
    ones, zeros = potency[truth].astype(float), potency[~truth].astype(float)
    pairs = (ones[:, None] > zeros).mean() + (ones[:, None] == zeros).mean() / 2
    assert scores["auc"] == pytest.approx(pairs, abs=2e-3)
    found = potency >= 0.5
    assert scores["iou"] == (found & truth).sum() / (found | truth).sum()
    assert scores["true_fraction"] == truth.mean()
    assert np.isnan(st.pixel_scores(potency, np.ones_like(truth))["auc"])


def test_binarity_of_black_and_white_of_grey_and_between() -> None:
    assert st.binarity(np.array([[0.0, 1.0, 1.0, 0.0]])) == pytest.approx(1)
    assert st.binarity(np.full((4, 4), 0.4)) == pytest.approx(0, abs=1e-9)
    assert st.binarity(np.array([[0.25, 0.75]])) == pytest.approx(0.25)
    assert np.isnan(st.binarity(np.zeros((3, 3))))


def test_reanchored_curve_ignores_any_affine_map() -> None:
    f = np.array([1.0, 0.6, 0.3, 0.0])
    label = np.repeat(np.arange(4), 5)
    for a, b in ((1.0, 0.0), (0.4, 0.3)):
        _, curve = st.reanchored((a * f + b)[label], label, 4)
        np.testing.assert_allclose(curve, f, atol=1e-12)
    assert np.isnan(st.reanchored(np.full(20, 0.5), label, 4)[1]).all()


def test_sheets_are_resampled_whole() -> None:
    """Ten pictures of each of six sheets say six things, not sixty: the interval must cover a mean of sheets."""
    draw = np.random.default_rng(0)
    covered = [0, 0]
    for _ in range(60):
        sheet = np.repeat(draw.normal(0, 1, 12), 10)
        rows = {"x": sheet + draw.normal(0, 0.1, 120)}
        for k, groups in enumerate((np.repeat(np.arange(12), 10), np.arange(120))):
            low, high = st.intervals(st.bootstrap(rows, groups, lambda r: {"m": float(r["x"].mean())}), ["m"])["m"]
            covered[k] += low <= 0 <= high
    assert covered[0] >= 50
    assert covered[1] <= 40


def test_no_interval_below_five_groups() -> None:
    rows = {"x": np.arange(40.0)}
    resampled = st.bootstrap(rows, np.repeat(np.arange(4), 10), lambda r: {"m": float(r["x"].mean())})
    assert resampled == {} and st.intervals(resampled, ["m"]) == {"m": None}
    assert st.difference_interval(None, np.zeros(3)) is None


def test_groups_are_sheets_only_where_all_are_known() -> None:
    groups, unit = st.groups_of(["a", "b", "a"], ["1", "2", "3"])
    assert unit == "sheets" and groups.tolist() == [0, 1, 0]
    groups, unit = st.groups_of(["a", "", "a"], ["1", "2", "3"])
    assert unit == "pictures" and len(set(groups)) == 3


def test_mean_interval_is_students_and_absent_for_one() -> None:
    mean, interval = st.mean_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and interval == pytest.approx([2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5])
    assert st.mean_interval(np.array([5.0])) == (5.0, None)
