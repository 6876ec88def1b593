"""The oracles of a search: only feasible points, none twice, within the budget, the same again after a kill."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tfds_copper.errors import RunError
from tuning import cluster
from tuning.cluster import CHIEF, ORACLE_IP, TUNER_ID, wait_for_plan
from tuning.compat import requeue_trial
from tuning.heartbeat import HEARTBEATS, Heartbeat
from tuning.oracles import ORACLES, Bounded, epochs_of, point_of, trains_in_full
from tuning.search_space import SearchSpace, name_of

SPACE = SearchSpace({"n": (1, 2), "N": (1, 2), "c": (8, 16), "d": (2, 3, 4)})
NAMES = list(SPACE.points())
EPOCHS, STEPS = 27, 10


def _score(name: str, epochs: int) -> float:
    """A world in which more c and d = 3 are better, and in which one must train to see it."""
    point = SPACE.points()[name]
    goal = 0.5 + 0.02 * (point["c"] - 8) - 0.1 * abs(point["d"] - 3) + 0.03 * point["N"] + 0.01 * point["n"]
    return goal * (1 - 0.5 ** (epochs / 3)) + 0.01 * random.Random(f"{name} {epochs}").random()


def _oracle(name: str, place: Path, budget: float = 0.25, seed: int = 1, feasible: list[str] = NAMES) -> Bounded:
    oracle = ORACLES[name](
        space=SPACE, feasible=feasible, cost=lambda _, epochs: STEPS * epochs,
        budget=int(budget * len(feasible) * EPOCHS * STEPS), epochs=EPOCHS, seed=seed,
        objective=keras_tuner.Objective("accuracy", "max"),
    )  # fmt: skip
    oracle._set_project_dir(str(place), name)
    return oracle


def _ended(oracle: Bounded, trial: Any, score: Callable[[str, int], float | None]) -> tuple[str, int]:
    values = trial.hyperparameters.values
    name, epochs = name_of(point_of(values)), epochs_of(values, EPOCHS)
    found = score(name, epochs)
    if found is not None:
        oracle.update_trial(trial.trial_id, {"accuracy": found})
    trial.status = "FAILED" if found is None else "COMPLETED"
    oracle.end_trial(trial)
    return name, epochs


def _played(oracle: Bounded, score: Callable[[str, int], float | None] = _score) -> list[tuple[str, int]]:
    """(name, epochs) of every trial that one process does."""
    played = []
    while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
        played.append(_ended(oracle, trial, score))
    assert trial.status == "STOPPED"
    return played


@pytest.mark.parametrize("name", list(ORACLES))
@pytest.mark.parametrize("budget", [0.25, 1.0])
def test_the_budget_is_kept_and_nothing_is_done_twice(name: str, budget: float, tmp_path: Path) -> None:
    played = _played(_oracle(name, tmp_path, budget))
    # A later bracket of Hyperband may ask for what is there already, which costs nothing.
    assert name == "hyperband" or len(set(played)) == len(played)
    reached = {point: max(e for p, e in played if p == point) for point, _ in played}
    steps = STEPS * sum(reached.values())
    whole = len(NAMES) * EPOCHS * STEPS
    # Hyperband may leave a rest that no round fits into; a budget is there to be used.
    assert (0.6 if name == "hyperband" else 0.95) * budget * whole <= steps <= budget * whole
    if budget == 1 and name != "hyperband":
        assert set(reached) == set(NAMES)
    assert EPOCHS in reached.values()


@pytest.mark.parametrize("name", list(ORACLES))
def test_the_same_seed_asks_the_same_again(name: str, tmp_path: Path) -> None:
    first = _played(_oracle(name, tmp_path / "a"))
    assert _played(_oracle(name, tmp_path / "b")) == first
    if name != "grid":
        assert _played(_oracle(name, tmp_path / "c", seed=2)) != first


@pytest.mark.parametrize("name", list(ORACLES))
def test_what_does_not_fit_is_never_proposed(name: str, tmp_path: Path) -> None:
    feasible = [n for n in NAMES if "c8" in n]
    played = _played(_oracle(name, tmp_path, 1.0, feasible=feasible))
    assert {point for point, _ in played} <= set(feasible)
    assert max(epochs for _, epochs in played) == EPOCHS


@pytest.mark.parametrize(("name", "budget"), [("bayesian", 0.4), ("hyperband", 0.25)])
def test_a_part_of_the_grid_finds_one_of_its_best(name: str, budget: float, tmp_path: Path) -> None:
    best = sorted(NAMES, key=lambda n: -_score(n, EPOCHS))
    for seed in (1, 2, 3):
        played = _played(_oracle(name, tmp_path / str(seed), budget, seed=seed))
        found = max((_score(*trial), trial[0]) for trial in played if trial[1] == EPOCHS)
        assert found[0] >= _score(best[0], EPOCHS) - 0.04, (seed, found)


@pytest.mark.parametrize("name", list(ORACLES))
def test_failures_are_not_the_end(name: str, tmp_path: Path) -> None:
    played = _played(_oracle(name, tmp_path, 1.0), lambda n, e: None if "d4" in n else _score(n, e))
    assert any("d4" in point for point, _ in played) and any("d4" not in point for point, _ in played)
    failed = [point for point, _ in played if "d4" in point]
    assert len(set(failed)) == len(failed)


def test_hyperband_goes_on_with_the_best_of_each_round(tmp_path: Path) -> None:
    played = _played(_oracle("hyperband", tmp_path, 0.25))
    # A quarter of the grid carries all 24 points through three rounds of 3, 9 and 27 epochs: 24, 8 and 2 of them.
    assert [epochs for _, epochs in played[:34]] == [3] * 24 + [9] * 8 + [27] * 2
    assert {point for point, _ in played[:24]} == set(NAMES)
    for before, after in ((played[:24], played[24:32]), (played[24:32], played[32:34])):
        best = sorted((name for name, _ in before), key=lambda n: -_score(n, before[0][1]))
        assert [name for name, _ in after] == best[: len(after)]


@pytest.mark.parametrize("budget", [0.05, 0.1, 0.15])
def test_hyperband_starts_with_as_many_points_as_its_budget_carries_to_the_end(budget: float, tmp_path: Path) -> None:
    played = _played(_oracle("hyperband", tmp_path, budget))
    first = sum(epochs == 3 for _, epochs in played)
    assert 1 <= first < 24 and (played[0][1], played[-1][1]) == (3, EPOCHS)
    # One more, and the budget would not reach.
    rounds = [first + 1, max(1, (first + 1) // 3), max(1, (first + 1) // 9)]
    assert 3 * rounds[0] + 6 * rounds[1] + 18 * rounds[2] > budget * 24 * EPOCHS


def _shared(oracle: Bounded, workers: int, seed: int) -> list[tuple[str, int]]:
    """(name, epochs) of every trial that several workers do, whose trials end in any order."""
    draw, played = random.Random(seed), []
    going: dict[str, Any] = {}
    stopped: set[str] = set()
    while len(stopped) < workers:
        worker = f"worker{draw.randrange(workers)}"
        if worker in going:
            played.append(_ended(oracle, going.pop(worker), _score))
        elif worker not in stopped:
            trial = oracle.create_trial(worker)
            if trial.status == "RUNNING":
                name = name_of(point_of(trial.hyperparameters.values))
                # Two that write into one run would spoil it.
                assert name not in {name_of(point_of(t.hyperparameters.values)) for t in going.values()}
                going[worker] = trial
            elif trial.status == "STOPPED":
                stopped.add(worker)
            else:
                assert going
    return played


@pytest.mark.parametrize("name", ["grid", "random"])
def test_three_workers_do_the_same_trials_as_one(name: str, tmp_path: Path) -> None:
    alone = _played(_oracle(name, tmp_path / "a"))
    assert sorted(_shared(_oracle(name, tmp_path / "b"), 3, 0)) == sorted(alone)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_no_two_workers_of_hyperband_have_one_run(workers: int, tmp_path: Path) -> None:
    for seed in range(4):
        for budget, feasible in ((0.25, NAMES), (1.0, NAMES), (1.0, NAMES[:2]), (1.0, NAMES[:5])):
            place = tmp_path / f"{seed} {budget} {len(feasible)}"
            played = _shared(_oracle("hyperband", place, budget, seed + 1, feasible), workers, seed)
            reached = {point: max(e for p, e in played if p == point) for point, _ in played}
            assert sum(reached.values()) <= budget * len(feasible) * EPOCHS
            if budget == 1:
                assert set(reached) == set(feasible) and set(reached.values()) == {EPOCHS}


def test_a_budget_is_enough_where_one_point_is_trained_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trains_in_full(_oracle("hyperband", tmp_path / "a", 0.25))
    assert not trains_in_full(_oracle("hyperband", tmp_path / "b", 0.25, feasible=NAMES[:2]))
    assert trains_in_full(_oracle("hyperband", tmp_path / "c", 1.0, feasible=NAMES[:2]))
    assert not trains_in_full(_oracle("random", tmp_path / "d", 0.04, feasible=NAMES[:20]))
    # Nothing is written or said of a search that no one does.
    assert not list(tmp_path.rglob("trial.json")) and not capsys.readouterr().out


def test_the_trial_of_a_worker_that_is_gone_goes_to_the_next(tmp_path: Path) -> None:
    oracle = _oracle("grid", tmp_path)
    lost, other = oracle.create_trial("worker0"), oracle.create_trial("worker1")
    assert lost.trial_id != other.trial_id
    requeue_trial(oracle, "worker0")
    assert oracle.tuner_ids == {"worker1"}
    _ended(oracle, other, _score)
    again = oracle.create_trial("worker1")
    assert again.trial_id == lost.trial_id
    # A worker that never had a trial is dismissed as well.
    requeue_trial(oracle, "worker9")


def test_nobody_waits_for_a_process_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setenv(ORACLE_IP, "127.0.0.1")
    monkeypatch.setenv(TUNER_ID, CHIEF)
    oracle = _oracle("grid", tmp_path)
    heartbeat = Heartbeat(tmp_path, oracle)
    folder = tmp_path / HEARTBEATS
    folder.mkdir()
    lost = oracle.create_trial("worker0")
    oracle.create_trial("worker1")
    for beat in range(20):
        now[0] += 30
        (folder / "worker1").write_text(str(beat))
        assert heartbeat.check() == ""
    # The trial of the one without heartbeat waits for the next that asks, the other continues.
    assert oracle.tuner_ids == {"worker1"} and oracle._retry_queue == [lost.trial_id]
    # Without any worker a chief gives up in the end.
    for _ in range(50):
        now[0] += 30
        reason = heartbeat.check()
    assert reason.startswith("a worker must be there within")
    # And so does a worker whose chief is gone.
    monkeypatch.setenv(TUNER_ID, "worker1")
    mine = Heartbeat(tmp_path, oracle)
    assert mine.check() == ""
    now[0] += 1000
    mine.reason = mine.check()
    with pytest.raises(RunError, match="the chief must answer within 300 s. Received: no heartbeat"):
        mine.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    # A user's own interrupt is his own.
    mine.reason = ""
    mine.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def test_a_worker_waits_for_its_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(cluster, "_PLAN_TIMEOUT", 3)
    asked = iter([False, True])
    wait_for_plan(tmp_path, "search", lambda: next(asked))
    with pytest.raises(RunError, match="the chief must plan the search within 3 s. Received: no plan"):
        wait_for_plan(tmp_path, "search", lambda: False)
