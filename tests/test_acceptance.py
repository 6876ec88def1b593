"""A1 and A2 on a built world, and the table itself; `make acceptance` trains the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import acceptance


def test_a1_and_a2(tmp_path: Path) -> None:
    result = acceptance._result(tmp_path, 0, "world")
    needs = [r for r in acceptance.REQUIREMENTS if r.experiment == "world"]
    assert len(needs) == 3 and all(need.holds(result[need.key]) for need in needs), result
    # What is done is read, not done again.
    file = tmp_path / "seed0" / "world.json"
    file.write_text(json.dumps({**result, "mean_spearman": 0.5}))
    assert acceptance._result(tmp_path, 0, "world")["mean_spearman"] == 0.5


@pytest.mark.parametrize(("key", "bad"), [("auc", 0.5), ("auc", np.nan), ("mean_spearman", 0.4), ("nmse", 0.2)])
def test_the_table_fails_where_one_seed_falls_short(key: str, bad: float) -> None:
    good = {"area_error_px": 0.4, "mean_spearman": 0.1, "texture_spearman": 0.9, "auc": 0.95, "corr_g": 0.99}
    good |= {"spearman_t": 0.98, "nmse": 1.0}
    assert acceptance.verdicts(dict.fromkeys(acceptance.EXPERIMENTS, [good, good]))[1]
    assert not acceptance.verdicts(dict.fromkeys(acceptance.EXPERIMENTS, [good, {**good, key: bad}]))[1]
