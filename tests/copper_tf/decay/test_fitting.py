"""Families of laws, fitted to label means."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.decay.families import FAMILIES
from copper_tf.decay.fitting import INDISTINGUISHABLE_QAICC, MAX_BIRGE, Fit, fit, fit_families
from copper_tf.decay.hypotheses import hypothesis_values, normalised_time

U = normalised_time(range(16))
ERRORS = np.full(16, 0.01)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda f: f.name)
@pytest.mark.parametrize("u", [U, normalised_time((0, 1, 2, 4, 8, 16))], ids=["even", "uneven"])
def test_every_family_falls_from_one_to_zero(family: object, u: np.ndarray) -> None:
    for start in zip(*(p.initial_values[:2] for p in family.parameters), strict=True) if family.parameters else [()]:  # type: ignore[attr-defined]
        f = family.function(u, *start)  # type: ignore[attr-defined]
        assert f[0] == pytest.approx(1) and f[-1] == pytest.approx(0, abs=1e-9)
        assert np.all(np.diff(f) < 0)


def test_the_exponential_is_straight_at_rate_zero() -> None:
    law = FAMILIES["exponential"].function
    np.testing.assert_allclose(law(U, 0.0), 1 - U)
    np.testing.assert_allclose(law(U, 1e-5), 1 - U, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "true"),
    [
        ("power", (0.5,)),
        ("power", (2.0,)),
        ("exponential", (4.0,)),
        ("logarithmic", (15.0,)),
        ("logistic", (10.0, 0.5)),
    ],
)
def test_a_law_is_found_again_whatever_its_scale_and_shift(family: str, true: tuple[float, ...]) -> None:
    means = 0.1 + 0.7 * FAMILIES[family].function(U, *true)
    found = fit(FAMILIES[family], U, means, ERRORS)
    assert found is not None
    np.testing.assert_allclose(found.values, true, rtol=1e-3)
    np.testing.assert_allclose(found.ends, (0.8, 0.1), atol=1e-3)
    assert fit_families(U, means, ERRORS)[0][0].family == family


@pytest.mark.parametrize(
    ("family", "true", "parameter", "limit"),
    [
        ("power", (60.0,), 0, 20.0),
        ("power", (0.005,), 0, 0.02),
        ("exponential", (60.0,), 0, 30.0),
        ("exponential", (-60.0,), 0, -30.0),
        ("logarithmic", (1e9,), 0, 1e6),
        ("logistic", (200.0, 0.5), 0, 60.0),
        ("logistic", (4.0, 2.5), 1, 1.5),
        ("logistic", (4.0, -1.5), 1, -0.5),
    ],
)
def test_parameters_stay_within_their_limits(
    family: str, true: tuple[float, ...], parameter: int, limit: float
) -> None:
    found = fit(FAMILIES[family], U, FAMILIES[family].function(U, *true), ERRORS)
    assert found is not None and found.values[parameter] == pytest.approx(limit, rel=0.02)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    f = hypothesis_values("sqrt", range(16))
    covered = 0
    for _ in range(200):
        found = fit(FAMILIES["power"], U, 0.9 * f + draw.normal(0, ERRORS), ERRORS)
        assert found is not None
        low, high = found.intervals[0]
        covered += low <= 0.5 <= high
    # 190 on the average, 3 more or less.
    assert 180 <= covered < 200


def test_an_interval_is_no_other_for_maps_whose_means_never_fall_to_nought() -> None:
    noisy = 0.6 * hypothesis_values("sqrt", range(16)) + np.random.default_rng(3).normal(0, ERRORS)
    lower, higher = (fit(FAMILIES["power"], U, noisy + shift, ERRORS) for shift in (0.0, 0.3))
    assert lower is not None and higher is not None
    np.testing.assert_allclose(higher.intervals, lower.intervals, rtol=1e-4)


def test_means_that_scatter_more_than_their_errors_widen_the_interval() -> None:
    draw = np.random.default_rng(1)
    means = hypothesis_values("sqrt", range(16)) + draw.normal(0, 0.05, 16)
    scattered = fit(FAMILIES["power"], U, means, ERRORS)
    calm = fit(FAMILIES["power"], U, hypothesis_values("sqrt", range(16)), ERRORS)
    assert scattered is not None and calm is not None
    # Means that scatter five times as far as their errors say follow no curve, whatever it is.
    assert MAX_BIRGE < scattered.birge < 8 and calm.birge == 1
    wide, narrow = (float(np.diff(found.intervals[0])[0]) for found in (scattered, calm))
    assert wide == pytest.approx(narrow * scattered.birge, rel=0.2)


@pytest.mark.parametrize(("spare", "correction"), [(13, 2 * 3 * 4 / 12), (2, 2 * 3 * 4), (1, 2 * 3 * 4)])
def test_the_criterion_is_akaikes_with_its_two_corrections(spare: int, correction: float) -> None:
    found = Fit("power", (0.5,), ((0.4, 0.6),), (1.0, 0.0), (1.0, 0.0), squares=12.0, spare=spare, birge=2.0)
    # Exponent, scale and shift: k = 3.
    assert found.qaicc(4.0) == pytest.approx(12 / 4 + 2 * 3 + correction)


def test_noise_leaves_families_untold_and_too_few_labels_leave_none() -> None:
    draw = np.random.default_rng(2)
    f = 1 - U**0.6
    rows = fit_families(U, f + draw.normal(0, 0.1, 16), np.full(16, 0.1))
    assert rows[0][1] == 0 and sum(behind < INDISTINGUISHABLE_QAICC for _, behind in rows) > 1
    # A straight line alone is no choice.
    assert fit_families(normalised_time(range(4)), f[:4], np.full(4, 0.1)) == []


def test_two_labels_must_be_left_over() -> None:
    # Scale, shift and exponent: five labels leave two.
    for labels, spare in ((5, 2), (4, None)):
        found = fit(FAMILIES["power"], normalised_time(range(labels)), np.linspace(1, 0, labels) ** 2, np.ones(labels))
        assert (found and found.spare) == spare


def test_all_families_are_weighed_by_the_scatter_of_the_best() -> None:
    draw = np.random.default_rng(1)
    rows = fit_families(U, hypothesis_values("sqrt", range(16)) + draw.normal(0, 0.02, 16), ERRORS)
    scatter = min(found.birge for found, _ in rows) ** 2
    assert 1.5 < scatter < 6
    assert [behind for _, behind in rows] == sorted(behind for _, behind in rows)
    for found, behind in rows:
        assert behind == pytest.approx(found.qaicc(scatter) - rows[0][0].qaicc(scatter))


@pytest.mark.slow
@pytest.mark.parametrize("law", ["sqrt", "square", "exponential"])
@pytest.mark.parametrize("labels", [6, 7, 8])
def test_few_labels_do_not_turn_a_bent_law_into_a_straight_one(law: str, labels: int) -> None:
    draw, times = np.random.default_rng(labels), range(labels)
    straight = 0
    for _ in range(20):
        means = hypothesis_values(law, times) + draw.normal(0, 0.03, labels)
        straight += fit_families(normalised_time(times), means, np.full(labels, 0.03))[0][0].family == "linear"
    assert straight <= 2


def test_formulas_can_be_read() -> None:
    text = FAMILIES["exponential"].text((-1.96,), "(t/15 h)")
    assert text == "(exp(-(-1.96) (t/15 h)) - exp(-(-1.96))) / (1 - exp(-(-1.96)))"
    assert FAMILIES["power"].text((0.517,), "(t/15 h)") == "1 - (t/15 h)^0.52"
    assert "0.001" in FAMILIES["logarithmic"].text((0.001,), "u")
    assert (
        FAMILIES["power"].text((99.96,), "u") == "1 - u^99.96" and FAMILIES["power"].text((100.2,), "u") == "1 - u^100"
    )


def test_labels_without_a_mean_are_left_out() -> None:
    means = hypothesis_values("sqrt", range(16))
    means[5] = np.nan
    found = fit_families(U, means, ERRORS)[0][0]
    assert found.family == "power" and found.values[0] == pytest.approx(0.5, abs=1e-3) and len(found.curve) == 15
