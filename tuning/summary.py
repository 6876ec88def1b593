"""What a search found: every point with its status, the best and what it is weighed against, and what it cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from copper_tf.models.geometry import receptive_field_of
from copper_tf.report.search.trials import DONE, FAILED, INFEASIBLE, RUNNING, STOPPED, ordered
from copper_tf.runs.provenance import training_command
from copper_tf.runs.run import all_caveats, open_run
from copper_tf.statistics.scores import mean_interval
from tfds_copper.files import write_json
from tuning.objectives import AGAINST
from tuning.step_trace import parameters
from tuning.trials import Search

__all__ = ["FOUND", "summarise"]

# The file of the result, beside the plan.
FOUND = "found.json"
_Z95 = 1.959964


def _status(search: Search, name: str, epochs: int, rungs: Mapping[int, Any]) -> tuple[str, str]:
    """(status, reason) of a point after so many epochs, both empty where it was not tried."""
    if reason := search.sweep.plan[name].role:
        return INFEASIBLE, reason
    if reason := search.sweep.reason(name):
        return FAILED, reason
    if rungs:
        return (DONE if max(rungs) >= search.sweep.base.training.epochs else STOPPED), ""
    return (RUNNING if epochs else ""), ""


def _trial(search: Search, name: str) -> dict[str, Any]:
    """All that is known of a point."""
    config, epochs, rungs = search.sweep.config(name), search.sweep.epochs_of(name), search.rungs(name)
    status, reason = _status(search, name, epochs, rungs)
    settings = {k: v for k, v in search.sweep.plan[name].settings.items() if k != "seed"}
    row: dict[str, Any] = {
        "name": name, "settings": settings, "status": status, "reason": reason,
        "epochs": epochs, "objective": None, "interval": None, "scores": {},
        "memory_bytes": search.memory[name], "parameters": parameters(config, search.labels),
        "seconds_per_picture": None, "seconds_per_epoch": None, "seconds": None,
        "receptive_field_px": receptive_field_of(config), "curve": [], "rungs": [],
    }  # fmt: skip
    row["steps"] = search.cost(name, epochs)
    if epochs:
        run = open_run(search.sweep.folder(name))
        row["curve"] = [[int(r["epoch"]), r[run.monitor]] for r in run.history()]
        row["monitor"] = run.monitor
    if rungs:
        last = rungs[max(rungs)]
        row |= {key: last[key] for key in ("scores", "seconds_per_picture", "seconds_per_epoch", "seconds", "pictures")}
        row["objective"] = last["scores"][search.objective]
        row["interval"] = last["intervals"].get(search.objective)
        row["rungs"] = [[k, v["scores"][search.objective]] for k, v in sorted(rungs.items())]
    return row


def _sign(search: Search) -> float:
    return 1.0 if search.goal.better == "max" else -1.0


def _standard_error(search: Search, best: Mapping[str, Any]) -> float | None:
    """Of the best value: binomial for a share of pictures, else from its interval over sheets."""
    if search.objective == "accuracy":
        # Half a picture on either side: all right is not right for ever.
        share = (best["objective"] * best["pictures"] + 0.5) / (best["pictures"] + 1)
        return math.sqrt(share * (1 - share) / best["pictures"])
    low, high = best["interval"] or (None, None)
    return None if low is None or high is None else (high - low) / 2 / _Z95


def _pareto(search: Search, rows: list[dict[str, Any]]) -> list[str]:
    """Names of the trials that none is both better and cheaper than, from cheap to dear."""
    key, front, best = AGAINST[search.against]["key"], [], -math.inf
    known = [row for row in rows if row[key] is not None]
    for row in sorted(known, key=lambda r: (r[key], -_sign(search) * r["objective"])):
        if _sign(search) * row["objective"] > best:
            best = _sign(search) * row["objective"]
            front.append(row["name"])
    return front


def _share(rows: list[dict[str, Any]]) -> int:
    """Gives every trial its value after the most epochs that at least half of them came to; these epochs, or 0."""
    tried = [row for row in rows if row["rungs"]]
    reached = sorted({epochs for row in tried for epochs, _ in row["rungs"]}, reverse=True)
    values = {e: {row["name"]: value for row in tried for k, value in row["rungs"] if k == e} for e in reached}
    chosen = next((e for e in reached if 2 * len(values[e]) >= len(tried)), 0)
    for row in rows:
        row["shared"] = values[chosen].get(row["name"]) if chosen else None
    return chosen


def _effects(search: Search, rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Of each searched setting, the mean over the trials of each value, and its 95 % interval where there are two."""
    rows = [row for row in rows if row["shared"] is not None]
    found: dict[str, list[dict[str, Any]]] = {}
    for name, values in search.space.values.items():
        found[name] = []
        for value in values:
            scores = np.array([row["shared"] for row in rows if row["settings"][name] == value])
            if not scores.size:
                continue
            mean, interval = mean_interval(scores)
            low, high = interval or (None, None)
            found[name].append({"value": value, "mean": mean, "low": low, "high": high, "count": int(scores.size)})
    return found


def _cost(search: Search, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was spent, and what the full grid would have taken at the speed that was measured."""
    epochs = search.sweep.base.training.epochs
    known = {row["name"]: row["seconds_per_epoch"] for row in rows if row["seconds_per_epoch"] is not None}
    typical = float(np.median(list(known.values()))) if known else None
    projected = None if typical is None else sum(known.get(name, typical) * epochs for name in search.feasible)
    steps = sum(row["steps"] for row in rows)
    return {
        "steps": steps,
        "grid_steps": search.whole,
        "share": steps / search.whole,
        "seconds": sum(row["seconds"] or 0.0 for row in rows),
        "grid_seconds": projected,
    }


def summarise(search: Search) -> dict[str, Any]:
    """What the trials say; written to ``found.json`` in the folder of the search.

    Args:
        search: whole or not.
    """
    rows = [row for name in search.sweep.plan if (row := _trial(search, name))["status"]]
    rows = ordered(rows, search.goal.better)
    shared = _share(rows)
    done = [row for row in rows if row["status"] == DONE]
    best = done[0] if done else None
    error = None if best is None else _standard_error(search, best)
    near = [] if best is None or error is None else [
        r["name"] for r in done[1:] if abs(r["objective"] - best["objective"]) <= error
    ]  # fmt: skip
    run = None if best is None else open_run(search.sweep.folder(best["name"]))
    base = search.sweep.base
    monitor = next((row["monitor"] for row in rows if "monitor" in row), "val_loss")
    found = {
        "kind": base.kind, "oracle": search.oracle, "seed": search.seed, "epochs": base.training.epochs,
        "objective": {"name": search.objective, "title": search.goal.title, "better": search.goal.better},
        "against": {"name": search.against, **AGAINST[search.against]},
        "space": {name: list(values) for name, values in search.space.values.items()},
        "trials": rows,
        "monitor": {"name": monitor, "title": monitor.replace("val_", "validation ").replace("nmse", "NMSE")},
        "best": None if best is None else best["name"],
        "pareto": _pareto(search, done),
        "alike": near, "standard_error": error,
        "shared_epochs": shared, "effects": _effects(search, rows),
        "cost": _cost(search, rows),
        "memory": {"limit_bytes": search.limit, "device": search.device["name"], "measured": search.device["measured"]},
        "policy": base.training.policy,
        "caveats": [] if run is None else all_caveats([run]),
        "command": "" if run is None else training_command(run.config, search.sweep.data, "BEST"),
    }  # fmt: skip
    write_json(search.sweep.path / FOUND, found)
    return found
