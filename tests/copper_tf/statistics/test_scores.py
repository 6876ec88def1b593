"""Scores against other people's implementations and by hand; intervals that admit what they don't know."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.statistics import bootstrap as bs
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
            low, high = bs.intervals(bs.bootstrap(rows, groups, lambda r: {"m": float(r["x"].mean())}), ["m"])["m"]
            covered[k] += low <= 0 <= high
    assert covered[0] >= 50
    assert covered[1] <= 40


def test_no_interval_below_five_groups() -> None:
    rows = {"x": np.arange(40.0)}
    resampled = bs.bootstrap(rows, np.repeat(np.arange(4), 10), lambda r: {"m": float(r["x"].mean())})
    assert resampled == {} and bs.intervals(resampled, ["m"]) == {"m": None}
    assert bs.difference_interval(None, np.zeros(3)) is None


def test_groups_are_sheets_only_where_all_are_known() -> None:
    groups, unit = bs.groups_of(["a", "b", "a"], ["1", "2", "3"])
    assert unit == "sheets" and groups.tolist() == [0, 1, 0]
    groups, unit = bs.groups_of(["", "", ""], ["1", "2", "3"])
    assert unit == "pictures" and groups.tolist() == [0, 1, 2]
    # Pictures of one sheet stay together where it is known.
    groups, unit = bs.groups_of(["a", "", "a", ""], ["1", "2", "3", "a"])
    assert unit == "pictures" and groups[0] == groups[2] and len(set(groups)) == 3


def test_mean_interval_is_students_and_absent_for_one() -> None:
    mean, interval = bs.mean_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and interval == pytest.approx([2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5])
    assert bs.mean_interval(np.array([5.0])) == (5.0, None)


def test_kappa_is_undefined_where_all_is_one_grade() -> None:
    one = np.zeros(4, int)
    assert np.isnan(st.step_scores({"label": one, "grade": one}, 3)["qwk"])
    two = np.arange(2)
    assert st.step_scores({"label": two, "grade": two}, 2)["qwk"] == 1
    # One picture, graded wrongly, is as good as chance.
    assert st.step_scores({"label": np.array([0]), "grade": np.array([2])}, 3)["qwk"] == 0
    counts = st.confusion_matrix(np.array([0, 2, 2]), np.array([1, 2, 2]), 3)
    np.testing.assert_array_equal(counts, [[0, 1, 0], [0, 0, 0], [0, 0, 2]])
    assert counts.dtype == np.int64


@pytest.mark.parametrize(
    ("label", "grade", "spearman"),
    [
        ([0, 1, 2], [0, 1, 2], 1.0),
        ([0, 1, 2, 3], [0, 9, 5, 7], 0.4),
        ([0, 1], [0, 1], np.nan),
        ([1, 1, 1], [0, 1, 2], np.nan),
        ([0, 1, 2], [1, 1, 1], np.nan),
    ],
)
def test_spearman_needs_three_pictures_that_differ(label: list[int], grade: list[int], spearman: float) -> None:
    found = st.ordinal_scores({"label": np.array(label), "grade": np.array(grade)}, 10)["spearman"]
    assert found == pytest.approx(spearman, nan_ok=True)


def test_the_median_is_the_first_rank_with_half() -> None:
    p = np.array([[0.5, 0.5], [0.5 - 1e-8, 0.5 + 1e-8], [0.2, 0.6]])
    np.testing.assert_array_equal(st.posterior_median(p), [0, 1, 1])
    # Shares of float32 needn't sum to one.
    np.testing.assert_array_equal(st.posterior_median(np.array([[1.0, 0.5, 1.4]])), [1])


def test_pictures_without_g_count_only_where_g_is_not_needed() -> None:
    m, g = np.array([0.9, 0.1, 0.5, 0.3]), np.array([1.0, 0.0, np.nan, np.nan])
    rows = {"potency": m, "g": g, "t": np.array([0.0, 3.0, 1.0, 2.0])}
    scores = st.potency_scores(rows)
    assert scores["mse"] == pytest.approx(0.01) and scores["nmse"] == pytest.approx(0.04)
    assert scores["mae"] == pytest.approx(0.1) and scores["spearman_t"] == pytest.approx(-1)
    assert np.isnan(scores["corr_g"])
    none = st.potency_scores({**rows, "g": np.full(4, np.nan)})
    assert all(np.isnan(none[name]) for name in ("mse", "nmse", "mae", "corr_g")) and none["spearman_t"] < -0.99
    flat = st.potency_scores({**rows, "g": np.full(4, 0.5)})
    assert np.isnan(flat["nmse"]) and flat["mse"] == pytest.approx(np.mean((m - 0.5) ** 2))


def test_map_scores_are_means_of_what_is_known() -> None:
    m = np.array([0.8, 0.2, 0.6])
    rows = {"potency": m, "g": m, "t": np.arange(3.0), "iou": np.array([0.5, np.nan, 0.7])}
    scores = st.potency_scores({**rows, "true_fraction": np.full(3, np.nan), "auc": np.full(3, np.nan)})
    assert scores["iou"] == pytest.approx(0.6) and np.isnan(scores["auc"]) and np.isnan(scores["mae_fraction"])
    assert "binarity" not in scores
    assert "corr_fraction" not in st.potency_scores(rows)
    known = st.potency_scores({**rows, "true_fraction": np.array([0.9, 0.1, 0.5])})
    assert known["mae_fraction"] == pytest.approx(0.1) and known["corr_fraction"] == pytest.approx(
        np.corrcoef(m, (0.9, 0.1, 0.5))[0, 1]
    )


def test_no_sheets_at_all_are_pictures() -> None:
    groups, unit = bs.groups_of([], [])
    assert unit == "pictures" and groups.size == 0


def test_resamples_are_a_thousand_of_whole_groups_and_hang_on_the_seed() -> None:
    rows = {"x": np.arange(10.0)}
    groups = np.repeat(np.arange(5), 2)

    def score(given: st.Rows) -> st.Scores:
        return {"n": float(len(given["x"])), "m": float(given["x"].mean())}

    one, same, other = (bs.bootstrap(rows, groups, score, seed) for seed in (0, 0, 1))
    assert one["m"].shape == (1000,) and set(one["n"]) == {10.0}
    np.testing.assert_array_equal(one["m"], same["m"])
    assert not np.array_equal(one["m"], other["m"])
    np.testing.assert_array_equal(one["m"], bs.bootstrap(rows, groups, score)["m"])
    # Two of a group always come together: sums of pairs are odd, and there are five of them.
    assert set(np.round(one["m"] * 10).astype(int) % 2) == {1}


def test_an_interval_has_a_fortieth_on_each_side_and_needs_nine_tenths() -> None:
    values = np.arange(1001.0)
    assert bs.intervals({"m": values}, ["m", "n"]) == {
        "m": (pytest.approx(25), pytest.approx(975)),
        "n": None,
    }
    for missing, given in ((100, True), (101, False)):
        some = values.copy()
        some[:missing] = np.nan
        assert (bs.intervals({"m": some}, ["m"])["m"] is not None) == given
    assert bs.intervals({"m": np.empty(0)}, ["m"]) == {"m": None}
    assert bs.difference_interval(values, values + 3) == (3, 3)
    assert bs.difference_interval(values, None) is None


def test_holm_by_hand() -> None:
    assert bs.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert bs.holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert bs.holm([0.2]) == pytest.approx([0.2])


def test_two_sided_counts_the_rarer_side_twice() -> None:
    assert bs.two_sided(np.array([1.0] * 97 + [-1.0] * 2)) == pytest.approx(2 * 3 / 100)
    assert bs.two_sided(np.array([-1.0] * 9)) == pytest.approx(2 * 1 / 10)
    assert bs.two_sided(np.zeros(9)) == 1
    assert bs.two_sided(np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])) == pytest.approx(2 * 2 / 10)


def test_the_mean_of_two_has_an_interval() -> None:
    mean, interval = bs.mean_interval(np.array([1.0, 2.0]))
    assert mean == 1.5 and interval == pytest.approx([1.5 - 12.7062 / 2, 1.5 + 12.7062 / 2], rel=1e-4)


def test_sheets_share_the_scatter_within_them() -> None:
    values = np.array([1.0, 3.0, 10.0, 12.0, 14.0, 5.0])
    rows = bs.sheet_means(values, ["b", "b", "a", "a", "a", "b"], np.array([0, 0, 0, 0, 0, 1]))
    assert [(r["sheet"], r["label"], r["pictures"], r["mean"]) for r in rows] == [
        ("a", 0, 3, 12), ("b", 0, 2, 2), ("b", 1, 1, 5)
    ]  # fmt: skip
    # Squares of 8 and 2 over 3 degrees of freedom.
    half = 3.182446 * (10 / 3) ** 0.5
    assert rows[0]["interval"] == pytest.approx([12 - half / 3**0.5, 12 + half / 3**0.5])
    assert rows[1]["interval"] == pytest.approx([2 - half / 2**0.5, 2 + half / 2**0.5])
    assert rows[2]["interval"] is None


def test_a_share_of_a_ten_thousandth_is_no_two_phases() -> None:
    assert np.isnan(st.binarity(np.array([[1.0] + [0.0] * 19999])))
    assert st.binarity(np.array([[1.0] + [0.0] * 4999])) == pytest.approx(1)
    assert np.isnan(st.binarity(np.array([[0.0] + [1.0] * 19999])))
    assert st.binarity(np.array([[0.0] + [1.0] * 4999])) == pytest.approx(1)
    # Exactly a ten-thousandth is too little too.
    assert np.isnan(st.binarity(np.array([[1.0] + [0.0] * 9999])))


@pytest.mark.parametrize(
    ("labels", "middle"), [(2, [0, 1]), (3, [1]), (4, [1, 2]), (6, [2, 3]), (7, [2, 3, 4]), (16, [5, 6, 7, 8, 9, 10])]
)
def test_the_middle_labels_of_a_line_from_1_to_0(labels: int, middle: list[int]) -> None:
    assert np.flatnonzero(st.middle(np.arange(labels), np.linspace(1, 0, labels))).tolist() == middle


def test_the_middle_labels_are_those_with_most_of_both_phases() -> None:
    particles = [0.47, 0.26, 0.13, 0.05, 0, 0, 0, 0]
    assert st.middle(np.array([0, 1, 2, 7, 1]), particles).tolist() == [True, True, False, False, True]
    assert st.middle(np.arange(6), [1, np.nan, 0.5, np.nan, 0.1, 0]).tolist() == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_the_binarity_of_maps_together_is_that_of_one_large_map_of_equal_means() -> None:
    maps = [np.array([0.1, 0.2, 0.9, 0.8]), np.array([0.7, 0.3, 0.4, 0.6])]
    each = np.array([st.binarity(one) for one in maps])
    assert st.joint_binarity(each, np.array([0.5, 0.5])) == pytest.approx(st.binarity(np.concatenate(maps)))


def test_maps_of_one_phase_say_little_of_the_binarity_of_all() -> None:
    """Particles that are gone at most labels: there a map is noise near 0, which is not grey but empty."""
    rng = np.random.default_rng(0)
    sharp = [np.repeat([0.98, 0.02], [share, 1000 - share]) for share in (470, 260, 130)]
    maps = sharp + [np.abs(rng.normal(0, 0.01, 1000)) for _ in range(5)]
    each, potency = np.array([(st.binarity(one), one.mean()) for one in maps]).T
    assert np.nanmean(each) < 0.5 < 0.8 < st.joint_binarity(each, potency)


def test_grey_maps_stay_grey_together() -> None:
    maps = [np.linspace(level - 0.05, level + 0.05, 100) for level in (0.1, 0.3, 0.5, 0.7, 0.9)]
    each, potency = np.array([(st.binarity(one), one.mean()) for one in maps]).T
    assert st.joint_binarity(each, potency) < 0.02


def test_no_map_of_two_phases_has_no_binarity() -> None:
    assert np.isnan(st.joint_binarity(np.full(2, np.nan), np.array([0.0, 1.0])))
    assert np.isnan(st.joint_binarity(np.array([]), np.array([])))


def test_overlap_of_masks() -> None:
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert st.iou(a, b) == pytest.approx(1 / 3) and st.iou(a, ~a) == 0
    assert st.iou(a & ~a, b & ~b) == 1


def test_a_map_is_cut_at_a_half_and_ranked_to_the_ends() -> None:
    truth = np.array([[1, 1, 0, 0]])
    scores = st.pixel_scores(np.array([[1.0, 0.5, 0.4999, 0.0]]), truth)
    assert scores == {"iou": 1.0, "auc": 1.0, "true_fraction": 0.5}
    assert st.pixel_scores(np.array([[0.0, 0.0, 1.0, 1.0]]), truth)["auc"] == 0
    assert st.pixel_scores(np.full((1, 4), 0.3), truth)["auc"] == 0.5
    # Next to each other in steps of 1 / 4096.
    assert st.pixel_scores(np.array([[1.5, 1.5, 0.5, 0.5]]) / 4096, truth)["auc"] == 1


def test_a_curve_needs_ends_that_differ() -> None:
    np.testing.assert_allclose(st.anchored(np.array([0.8, 0.5, 0.2])), [1, 0.5, 0])
    np.testing.assert_allclose(st.anchored(np.array([0.2, 0.5, 0.8])), [1, 0.5, 0])
    assert np.isnan(st.anchored(np.array([0.5, 0.9, 0.5 + 5e-7]))).all()
    assert np.isnan(st.anchored(np.array([1e-6, 0.9, 0.0]))).all()
    assert np.isfinite(st.anchored(np.array([0.5, 0.9, 0.5 + 5e-6]))).all()
    assert np.isnan(st.anchored(np.array([np.nan, 0.5, 0.2]))).all()
    means, curve = st.reanchored(np.array([0.9, 0.7, 0.1]), np.array([0, 0, 2]), 3)
    assert means[0] == pytest.approx(0.8) and np.isnan(means[1]) and curve[::2] == [1, 0] and np.isnan(curve[1])


def test_an_interval_ends_where_a_mean_can_be() -> None:
    _, free = bs.mean_interval(np.array([0.8, 1.0]))
    _, kept = bs.mean_interval(np.array([0.8, 1.0]), bs.UNIT)
    assert free is not None and free[1] > 1 and kept == (max(free[0], 0.0), 1.0)
    (row,) = bs.sheet_means(np.array([0.0, 0.1]), ["a", "a"], np.array([0, 0]), bs.UNIT)
    assert row["interval"][0] == 0


def test_the_scores_of_potencies_have_the_binarity_of_all_maps_together() -> None:
    potency = np.array([0.5, 0.02, 0.98])
    rows = {"potency": potency, "g": potency, "t": np.arange(3.0), "binarity": np.array([0.9, 0.1, 0.2])}
    found = st.potency_scores(rows)["binarity"]
    assert found == st.joint_binarity(rows["binarity"], potency) and 0.75 < found < 0.9
