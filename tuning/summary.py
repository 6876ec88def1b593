"""From the trials of a search to its result: every point with its status, the best, the effects, and the cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from copper_tf.analysis.search_results import (
    DONE,
    FAILED,
    INFEASIBLE,
    RUNNING,
    STOPPED,
    Effect,
    SearchCost,
    SearchMemory,
    SearchResult,
    Trial,
    ordered,
)
from copper_tf.models.architecture import network_of
from copper_tf.runs.provenance import training_command
from copper_tf.runs.run import all_caveats, open_run
from copper_tf.statistics.bootstrap import NORMAL_QUANTILE, mean_interval
from tuning.trials import Search, TrialStop

__all__ = ["RESULT", "summarise"]

# The file of the result, beside the plan.
RESULT = "search_result.json"


def _status(search: Search, name: str, epochs: int, stops: dict[int, TrialStop]) -> tuple[str, str]:
    """(status, reason) of a point after so many epochs, both empty where it was not tried."""
    if reason := search.sweep.plan[name].infeasible:
        return INFEASIBLE, reason
    if reason := search.sweep.failure(name):
        return FAILED, reason
    if stops:
        return (DONE if max(stops) >= search.sweep.base.training.epochs else STOPPED), ""
    return (RUNNING if epochs else ""), ""


def _trial(search: Search, name: str) -> Trial:
    """All that is known of a point."""
    config, epochs, stops = search.sweep.config(name), search.sweep.epochs_of(name), search.stops(name)
    status, reason = _status(search, name, epochs, stops)
    own = {"seed", "policy"} - set(search.space.values)
    objective, network = search.objective.name, network_of(config, search.labels)
    trial = Trial(
        name=name,
        settings={k: v for k, v in search.sweep.plan[name].settings.items() if k not in own},
        status=status,
        reason=reason,
        epochs=epochs,
        steps=search.cost(name, epochs),
        memory_bytes=search.memory[name],
        parameters=network.parameters,
        receptive_field_px=network.receptive_field,
    )
    if epochs:
        run = open_run(search.sweep.folder(name))
        curve = tuple((int(row["epoch"]), row[run.monitor]) for row in run.history())
        trial = dataclasses.replace(trial, curve=curve)
    if stops:
        last = stops[max(stops)]
        trial = dataclasses.replace(
            trial,
            objective=last.scores[objective],
            interval=last.intervals.get(objective),
            scores=last.scores,
            pictures=last.pictures,
            seconds_per_picture=last.seconds_per_picture,
            seconds_per_epoch=last.seconds_per_epoch,
            seconds=last.seconds,
            rungs=tuple((epochs, stop.scores[objective]) for epochs, stop in sorted(stops.items())),
        )
    return trial


def _standard_error(search: Search, best: Trial) -> float | None:
    """Of the best objective: binomial for a share of pictures, else from its interval over sheets."""
    if search.objective.name == "accuracy" and best.objective is not None and best.pictures:
        # Half a picture on either side: all right is not right for ever.
        share = (best.objective * best.pictures + 0.5) / (best.pictures + 1)
        return math.sqrt(share * (1 - share) / best.pictures)
    return (best.interval[1] - best.interval[0]) / 2 / NORMAL_QUANTILE if best.interval else None


def _pareto(search: Search, trials: Sequence[Trial]) -> tuple[str, ...]:
    """Names of the trials that none is both better and cheaper than, from cheap to expensive."""
    sign, field = search.objective.sign, search.against.field
    points = [(t.name, getattr(t, field), sign * t.objective) for t in trials
              if getattr(t, field) is not None and t.objective is not None]  # fmt: skip
    front, best = [], -math.inf
    for name, _, value in sorted(points, key=lambda point: (point[1], -point[2])):
        if value > best:
            best = value
            front.append(name)
    return tuple(front)


def _with_shared(trials: Sequence[Trial]) -> tuple[tuple[Trial, ...], int]:
    """Gives every trial its objective after the most epochs that at least half of them reached; these epochs, or 0."""
    tried = [trial for trial in trials if trial.rungs]
    reached = sorted({epochs for trial in tried for epochs, _ in trial.rungs}, reverse=True)
    values = {e: {trial.name: value for trial in tried for k, value in trial.rungs if k == e} for e in reached}
    chosen = next((e for e in reached if 2 * len(values[e]) >= len(tried)), 0)
    shared = values.get(chosen, {})
    return tuple(dataclasses.replace(trial, shared=shared.get(trial.name)) for trial in trials), chosen


def _effects(search: Search, trials: Sequence[Trial]) -> dict[str, tuple[Effect, ...]]:
    """Of each searched setting, the mean over the trials of each value, and its 95 % interval where there are two."""
    effects: dict[str, tuple[Effect, ...]] = {}
    for name, values in search.space.values.items():
        rows = []
        for value in values:
            scores = [t.shared for t in trials if t.shared is not None and t.settings[name] == value]
            if scores:
                mean, interval = mean_interval(np.array(scores))
                rows.append(Effect(value, mean, (interval[0], interval[1]) if interval else None, len(scores)))
        effects[name] = tuple(rows)
    return effects


def _cost(search: Search, trials: Sequence[Trial]) -> SearchCost:
    """What was spent, and what the full grid would have taken at the speed that was measured."""
    epochs = search.sweep.base.training.epochs
    measured = {trial.name: trial.seconds_per_epoch for trial in trials if trial.seconds_per_epoch is not None}
    typical = float(np.median(list(measured.values()))) if measured else None
    projected = None if typical is None else sum(measured.get(name, typical) * epochs for name in search.feasible)
    steps, grid_steps = sum(trial.steps for trial in trials), search.grid_steps
    return SearchCost(steps, grid_steps, steps / grid_steps, sum(t.seconds or 0.0 for t in trials), projected)


def _near(best: Trial | None, error: float | None, trained: Sequence[Trial]) -> tuple[str, ...]:
    if best is None or best.objective is None or error is None:
        return ()
    return tuple(t.name for t in trained[1:] if t.objective is not None and abs(t.objective - best.objective) <= error)


def summarise(search: Search) -> SearchResult:
    """What the trials say; written to `RESULT` in the folder of the search.

    Args:
        search: whole or not.
    """
    known = (_trial(search, name) for name in search.sweep.plan)
    trials, shared = _with_shared(ordered((trial for trial in known if trial.status), search.objective))
    trained = [trial for trial in trials if trial.status == DONE]
    best = trained[0] if trained else None
    error = None if best is None else _standard_error(search, best)
    run = None if best is None else open_run(search.sweep.folder(best.name))
    begun = next((trial.name for trial in trials if trial.epochs), None)
    base, limit, device = search.sweep.base, search.limit, search.device
    result = SearchResult(
        kind=base.kind,
        oracle=search.oracle,
        seed=search.seed,
        epochs=base.training.epochs,
        policy=" and ".join(sorted({search.sweep.config(name).training.policy for name in search.sweep.plan})),
        objective=search.objective,
        against=search.against,
        space={name: tuple(values) for name, values in search.space.values.items()},
        monitor="val_loss" if begun is None else open_run(search.sweep.folder(begun)).monitor,
        trials=trials,
        best=None if best is None else best.name,
        pareto=_pareto(search, trained),
        within_standard_error=_near(best, error, trained),
        standard_error=error,
        shared_epochs=shared,
        effects=_effects(search, trials),
        cost=_cost(search, trials),
        memory=SearchMemory(limit, device["name"], device["measured"]),
        caveats=() if run is None else tuple(all_caveats([run])),
        command="" if run is None else training_command(run.config, search.sweep.data, "BEST"),
    )
    result.write(search.sweep.path / RESULT)
    return result
