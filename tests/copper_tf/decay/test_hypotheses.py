"""The hypotheses g."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from copper_tf.decay.hypotheses import HYPOTHESES, check_informative, check_name, hypothesis_values, normalised_time
from tfds_copper.errors import SettingError

FALLING = ("linear", "sqrt", "square", "cubert", "exponential", "logarithmic", "logistic")


@pytest.mark.parametrize("times", [range(16), (0, 1, 2, 4, 8), (5.0, 7.5, 30.0)])
@pytest.mark.parametrize("name", FALLING)
def test_laws_fall_from_one_to_zero(name: str, times: tuple[float, ...]) -> None:
    g = hypothesis_values(name, times)
    assert g[0] == pytest.approx(1) and g[-1] == pytest.approx(0, abs=1e-12)
    assert np.all(np.diff(g) < 0)


def test_values_of_the_papers_hypotheses() -> None:
    u = normalised_time((0, 1, 4))
    np.testing.assert_allclose(u, (0, 0.25, 1))
    np.testing.assert_allclose(hypothesis_values("linear", (0, 1, 4)), (1, 0.75, 0))
    np.testing.assert_allclose(hypothesis_values("sqrt", (0, 1, 4)), (1, 0.5, 0))
    np.testing.assert_allclose(hypothesis_values("square", (0, 1, 4)), (1, 0.9375, 0))
    np.testing.assert_allclose(hypothesis_values("sine", (0, 1, 4)), (1, 0, 1), atol=1e-12)
    # Alternating goes by rank, however uneven the times.
    np.testing.assert_allclose(hypothesis_values("alternating", (0, 1, 4, 100)), (1, 0, 1, 0))


def test_pairs_differ_as_science_says() -> None:
    f = hypothesis_values("sqrt", range(16))
    floors = {n: 1 - np.corrcoef(hypothesis_values(n, range(16)), f)[0, 1] ** 2 for n in FALLING}
    expected = {"linear": 0.073, "square": 0.245, "exponential": 0.052, "cubert": 0.032, "logarithmic": 0.009}
    for name, floor in expected.items():
        assert floors[name] == pytest.approx(floor, abs=0.0015)


def test_tables_by_text_and_by_file(tmp_path: Path) -> None:
    table = {"0": 1, "2.5": 0.4, "10": 0.0}
    file = tmp_path / "f.json"
    file.write_text(json.dumps(table))
    for name in (json.dumps(table), str(file)):
        np.testing.assert_allclose(hypothesis_values(name, (0, 2.5, 10)), (1, 0.4, 0))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cubic", r"hypothesis must be one of linear, .* Received: 'cubic'"),
        ("missing.json", r"hypothesis must be one of linear, .* Received: 'missing.json'"),
        ('{"0": 1}', r"must give g for every t of the data. Received: none for t = \[1.0, 2.0\]"),
        ('{"0": 1, "1": 2, "2": 0}', r"must lie in \[0, 1\]"),
        ('{"0": 1, ', r"the table is not JSON"),
        ('{"0": "high", "1": 0, "2": 0}', r"in numbers"),
    ],
)
def test_wrong_hypotheses_are_named(name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        hypothesis_values(name, (0, 1, 2))


def test_a_name_or_any_table_will_do_until_the_times_are_known() -> None:
    for name in (*HYPOTHESES, '{"0": 1}'):
        check_name(name)
    for name in ("cubic", "[1, 0]", '{"0": 1, '):
        with pytest.raises(SettingError, match="hypothesis"):
            check_name(name)


def test_a_registered_hypothesis_is_kept_within_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HYPOTHESES, "steep", lambda u: 1.5 - 2 * u)
    np.testing.assert_allclose(hypothesis_values("steep", (0, 1, 2)), (1, 0.5, 0))


def test_the_constant_is_refused_and_the_others_are_not() -> None:
    for name in HYPOTHESES:
        values = hypothesis_values(name, range(16))
        if name == "constant":
            with pytest.raises(SettingError, match="hardly varies"):
                check_informative(name, values)
        else:
            check_informative(name, values)


def test_one_time_is_not_enough() -> None:
    with pytest.raises(SettingError, match="at least two different times"):
        normalised_time((3.0,))
