"""The levels of a hypothesis in other orders."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.decay.hypotheses import hypothesis_values
from copper_tf.decay.permutations import permuted
from tfds_copper.errors import SettingError

TIMES = tuple(range(16))
F = hypothesis_values("sqrt", TIMES)


def test_permuted_levels_are_the_levels_in_other_orders() -> None:
    tables = permuted("sqrt", TIMES, 20, seed=1)
    values = [hypothesis_values(table, TIMES) for table in tables]
    assert len(set(tables)) == 20 and tables == permuted("sqrt", TIMES, 20, seed=1)
    assert tables != permuted("sqrt", TIMES, 20, seed=2)
    for g in values:
        np.testing.assert_allclose(sorted(g, reverse=True), F)
        assert not np.array_equal(g, F)
    correlations = [abs(np.corrcoef(g, F)[0, 1]) for g in values]
    assert np.median(correlations) < 0.4
    # Times that no decimal gives exactly must find themselves again.
    odd = (0.0, 1 / 3, 2 / 3)
    assert all(hypothesis_values(table, odd).sum() > 0 for table in permuted("linear", odd, 5))


def test_no_more_permutations_than_there_are() -> None:
    with pytest.raises(SettingError, match="must be from 0 to 5, the other orders .* Received: 6"):
        permuted("linear", (0, 1, 2), 6)
    with pytest.raises(SettingError, match="from 0 to 2"):
        permuted('{"0": 1, "1": 0, "2": 0}', (0, 1, 2), 3)
