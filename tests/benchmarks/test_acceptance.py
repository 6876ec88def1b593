"""The quick part of the acceptance table on a built world, and the table itself; `make acceptance` trains the rest."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks import seeds
from benchmarks.acceptance import acceptance, experiments
from benchmarks.acceptance.acceptance import REQUIREMENTS, Requirement
from benchmarks.maps import superalloy
from benchmarks.seeds import kept, parser, seeds_of
from copper_tf.config import KL, Config

QUICK = ("world", "baselines", "anchors", "trust")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the results of the quick experiments are kept."""
    return tmp_path_factory.mktemp("acceptance")


@pytest.mark.slow
@pytest.mark.parametrize("experiment", QUICK)
def test_the_quick_part_holds(experiment: str, output: Path) -> None:
    seed = {experiment: kept(output, 0, experiment, experiments.EXPERIMENTS[experiment])}
    needs = [need for need in REQUIREMENTS if set(need.needs) == {experiment}]
    assert needs
    for need in needs:
        assert need.holds(need.measure(seed)), f"{need.number} {need.what}: {need.measure(seed)}"


def test_what_is_done_is_read_and_not_done_again(output: Path) -> None:
    kept(output, 0, "world", experiments.world)
    file = output / "seed0" / "world.json"
    file.write_text(json.dumps({"mean_spearman": 0.5, "area_error_px": None}))
    again = kept(output, 0, "world", experiments.world)
    file.unlink()
    assert again["mean_spearman"] == 0.5 and np.isnan(again["area_error_px"])


def _good(need: Requirement) -> dict[str, dict[str, Any]]:
    """Results of one seed with which all requirements hold."""
    curve, other = [1.0, 0.5, 0.0], [1.0, 0.1, 0.0]
    usual = {"auc": 0.95, "corr_g": 0.99, "spearman_t": 0.98, "nmse": 0.97, "estimate": curve, "binarity": 0.7}
    seed: dict[str, dict[str, Any]] = {name: {**usual, "validation_nmse": 0.1} for name in experiments.EXPERIMENTS}
    seed["world"] = {"area_error_px": 0.4, "mean_spearman": 0.1, "texture_spearman": 0.9}
    seed["sqrt"] |= {"validation_nmse": 0.02, "nmse": 0.02}
    for name in experiments.RANKED[1:]:
        seed[name] |= {"nmse": 0.3}
    for name in (*acceptance.LEARNED, "anchors"):
        seed[name] |= {"sup_error": 0.03}
    seed["constant"] = {"refused": 1.0}
    seed["shuffled"] |= {"validation_nmse": 1.0}
    seed["null"] |= {"validation_nmse": 1.0, "spearman_t": 0.1}
    for names in (acceptance.WIDE, acceptance.GRADUAL):
        seed[names[1]] |= {"estimate": other}
    seed["trust"] = {"additivity": 0.01, "side_auc": 0.97}
    seed["painter"] = {"additivity": 0.2, "binarity": 0.2, "not_supported": 1.0}
    seed["baselines"] = {"filter_bank_qwk": 0.98, "histogram_qwk": 0.1}
    seed["confound"] = {"histogram_qwk": 0.9}
    seed["decoded"] = {"mae": 0.3}
    assert set(need.needs) <= set(seed)
    return seed


@pytest.mark.parametrize("need", REQUIREMENTS, ids=lambda n: f"{n.number} {n.what}")
def test_every_row_can_hold_and_can_fall_short(need: Requirement) -> None:
    good = _good(need)
    assert need.holds(need.measure(good))
    bad = {name: dict.fromkeys(values, np.nan) for name, values in good.items()}
    for values in bad.values():
        values["estimate"] = [1.0, np.nan, np.nan]
    assert not need.holds(need.measure(bad))


@pytest.mark.parametrize(
    ("experiment", "key", "bad"),
    [("sqrt", "auc", 0.5), ("sqrt", "auc", np.nan), ("world", "mean_spearman", 0.4), ("alternating", "nmse", 0.2),
     ("painter", "binarity", 0.9), ("null", "validation_nmse", 0.5), ("constant", "refused", 0.0)],
)  # fmt: skip
def test_the_table_fails_where_one_seed_falls_short(experiment: str, key: str, bad: float) -> None:
    good = _good(REQUIREMENTS[0])
    assert acceptance.verdicts([good, good])[1]
    worse = {**good, experiment: {**good[experiment], key: bad}}
    rows, fine = acceptance.verdicts([good, worse])
    assert not fine and any(row[-1] == "SHORT" for row in rows)


def test_a_row_may_be_asked_of_most_seeds_only() -> None:
    good = _good(REQUIREMENTS[0])
    worse = {**good, "sqrt": {**good["sqrt"], "validation_nmse": 0.09}}
    assert acceptance.verdicts([good] * 4 + [worse])[1]
    assert not acceptance.verdicts([good] * 3 + [worse] * 2)[1]


def test_jobs_do_each_seed_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[list[str], str]] = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> None:
        called.append((command[1:], env["TF_NUM_INTRAOP_THREADS"]))

    class Main:
        __spec__ = type("Spec", (), {"name": "benchmarks.acceptance.acceptance"})

    monkeypatch.setitem(sys.modules, "__main__", Main)
    monkeypatch.setattr(seeds.subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["x", "--seeds", "3", "--jobs", "2"])
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    flags = parser("Doc.", 5)
    assert list(seeds_of(flags.parse_args(["--seeds", "3", "--jobs", "2"]))) == [0, 1, 2]
    own = ["-m", "benchmarks.acceptance.acceptance", "--seeds", "3", "--jobs", "2", "--just"]
    assert sorted(called) == [([*own, str(k)], "1") for k in range(3)]
    assert seeds_of(flags.parse_args(["--seeds", "3", "--jobs", "2", "--just", "1"])) == [1] and len(called) == 3
    assert list(seeds_of(flags.parse_args([]))) == list(range(5)) and len(called) == 3


@pytest.mark.parametrize("recipe", list(superalloy.RECIPES))
def test_recipes_for_real_pictures_are_settings(recipe: str) -> None:
    settings = superalloy.settings_of(recipe, 3, dict(enumerate(np.linspace(1, 0, 8).tolist())))
    flat = settings.flat()
    assert all(flat[name] == value for name, value in superalloy.RECIPES[recipe].items()) and flat["seed"] == 3


class _SeenError(Exception):
    """Ends an experiment where it would train."""


def test_another_loss_is_that_of_every_segmenter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run_of(_folder: Path, name: str, settings: Config, _built: Any) -> None:
        raise _SeenError(name, settings.training.loss)

    monkeypatch.setattr(experiments, "run_of", run_of)
    monkeypatch.setattr(experiments.worlds, "dataset", lambda *_, **__: SimpleNamespace(times=range(16)))
    table, seen = experiments.experiments(loss=KL), {}
    for name in table:
        if table[name] is not experiments.EXPERIMENTS[name]:
            with pytest.raises(_SeenError) as told:
                table[name](tmp_path, 0)
            seen[name] = told.value.args
    assert set(table) - set(seen) == {"world", "constant", "baselines", "confound"}
    assert {loss for _, loss in seen.values()} == {KL} and all(f"loss{KL}" in run for run, _ in seen.values())


def test_a_run_that_is_the_table_s_own_has_its_name() -> None:
    assert experiments.name_of(0, "binary", "", "sqrt", d=1, N=2) == "binary-sqrt"
    assert experiments.name_of(0, "binary", "sqrt", d=4, N=1) == "binary-sqrt-d4-N1"
