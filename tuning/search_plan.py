"""From the settings of a search to its plan: what fits into memory, what the budget allows, and what a resume keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from copper_tf.config import FIXED, PAPER, Config, default_config
from copper_tf.models.policy import resolve_policy
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.progress import Progress
from tuning.memory import CPU, Device, bytes_text, largest_batch, parse_bytes, peak_bytes
from tuning.memory_probe import device_here, probed
from tuning.oracles import oracle_of, trains_in_full
from tuning.search_space import (
    AUTO,
    BUDGETS,
    COSTS,
    SearchSettings,
    SearchSpace,
    parse_space,
    preset_of,
    seed_of,
)
from tuning.sweep import PLAN, PlannedRun, Sweep, open_sweep, start_sweep
from tuning.trials import Search, is_search, open_search

__all__ = ["affordable", "plan_search", "planned_points", "resume_search", "start_search"]

# A larger batch has too few steps in an epoch to learn by.
_MOST_BATCH = 64
# A few dozen points are computed in a second.
_REPORT_EVERY = 50
# Without a budget it grows in these steps until a point can be trained in full.
_LARGER = (0.5, 1.0)
# What of a search can't be changed by a resume, and how it is printed.
_FIXED: dict[str, Callable[[Any], str]] = {
    "oracle": str,
    "objective": lambda objective: objective.name,
    "seed": str,
    "oracle_seed": str,
    "limit": lambda limit: "no memory limit" if limit is None else f"--memory-limit {bytes_text(limit)}",
    "preset": str,
    "auto_batch": lambda auto: "--batch-size auto" if auto else "one batch size for all points",
}


def planned_points(
    space: SearchSpace,
    base: Config,
    labels: int,
    limit: int | None,
    epoch_crops: int,
    seed: int,
    device: Device = CPU,
    progress: Progress | None = None,
) -> tuple[dict[str, PlannedRun], dict[str, int]]:
    """(every point, predicted bytes of each); points that don't fit are marked as infeasible.

    Args:
        space: the grid.
        base: the settings that all points share.
        labels: number K.
        limit: bytes that a training step may need.
        epoch_crops: crops of an epoch, where each point takes the largest batch that fits, up to these; else 0.
        seed: of the search.
        device: whose constants the prediction takes.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point fits.
    """
    plan, memory = {}, {}
    points = space.points()
    for done, (name, point) in enumerate(points.items()):
        if progress and done and not done % _REPORT_EVERY:
            progress(done, len(points), "computing memory")
        config = base.replace(**point)
        # Every worker trains a point in the precision that its memory was predicted for.
        policy = resolve_policy(config)
        if epoch_crops and limit is not None:
            most = min(_MOST_BATCH, epoch_crops)
            point = point | {"batch_size": largest_batch(config, labels, policy, limit, device, most) or 1}
            config = base.replace(**point)
        memory[name] = peak_bytes(config, labels, policy, device)
        over = limit is not None and memory[name] > limit
        reason = f"a training step needs {bytes_text(memory[name])} of {bytes_text(limit or 0)}" if over else ""
        plan[name] = PlannedRun(name, point | {"policy": policy, "seed": seed_of(point, seed)}, infeasible=reason)
    if all(point.infeasible for point in plan.values()):
        least = bytes_text(min(memory.values()))
        raise InputError(
            f"memory limit must leave at least one point of the space: the smallest needs {least}. "
            f"Received: {bytes_text(limit or 0)}"
        )
    return plan, memory


def _limit(wanted: SearchSettings) -> int | None:
    return None if wanted.memory_limit is None else parse_bytes(wanted.memory_limit)


def _base(kind: str, dataset: Dataset, wanted: SearchSettings, settings: Mapping[str, Any]) -> Config:
    """What all runs of a new search share: the preset, with what is given, and epochs for these pictures."""
    base = default_config(kind, preset_of(kind, wanted.preset), **settings, **wanted.fixed_batch_size)
    if (learn := base.training.learn) != FIXED:
        raise SettingError(
            f"learn must be {FIXED} in a search, as --preset {PAPER} has it, since networks are compared for one g. "
            f"Received: {learn}"
        )
    return base.for_pictures(dataset.split_sizes["train"])


def plan_search(
    kind: str, output: Path, dataset: Dataset, wanted: SearchSettings, settings: Mapping[str, Any],
    progress: Progress | None = None,
) -> Search:  # fmt: skip
    """A new search: space, memory and budget, all checked before anything is trained.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        output: the folder of the search.
        dataset: that all runs are trained on.
        wanted: the settings of the search.
        settings: of the runs, those that aren't the default.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point fits into memory.
        SettingError: if a setting is not allowed, or the budget is too small.
    """
    base = _base(kind, dataset, wanted, settings)
    auto, limit, space = wanted.batch_size == AUTO, _limit(wanted), parse_space(wanted.space or (), base)
    if auto and limit is None:
        raise SettingError(f"batch_size can be {AUTO} only where there is a --memory-limit. Received: none")
    given = {*settings, *(["batch_size"] if wanted.batch_size is not None else [])}
    if both := sorted(given & set(space.values)):
        raise SettingError(f"{both[0]} is either searched or given by its flag. Received: both")
    seed, device, labels = wanted.seed or 0, device_here(), len(dataset.times)
    crops = dataset.split_sizes["train"] * base.data.crops if auto else 0
    shared = (space, base, labels, limit, crops, seed)
    plan, memory = planned_points(*shared, device, progress)
    sweep = Sweep(output, base, dataset.path.resolve(), dataset.fingerprint, plan)
    if wanted.probe_memory:
        device = probed({n: sweep.config(n) for n in plan}, labels, device, limit, progress)
        plan, memory = planned_points(*shared, device, progress)
    search = Search(
        sweep=dataclasses.replace(sweep, plan=plan), space=space, oracle=wanted.oracle or "hyperband",
        objective=wanted.objective_of(kind), against=COSTS[wanted.against or "memory"], seed=seed,
        oracle_seed=seed if wanted.oracle_seed is None else wanted.oracle_seed, budget=1.0, limit=limit,
        auto_batch=auto, memory=memory, device=dataclasses.asdict(device), preset=preset_of(kind, wanted.preset),
    )  # fmt: skip
    return affordable(search, wanted.budget)


def resume_search(
    search: Search, kind: str, dataset: Dataset, wanted: SearchSettings, settings: Mapping[str, Any]
) -> Search:
    """A search that was begun, with what is given anew; `start_search` checks what can't be changed.

    Args:
        search: as it was begun.
        kind: ``"classifier"`` or ``"segmenter"``.
        dataset: where it lies now.
        wanted: the settings of the search that are given.
        settings: of the runs, those that are given.

    Raises:
        RunError: if it is a search of the other kind.
        SettingError: if a setting is not allowed.
    """
    if search.sweep.base.kind != kind:
        raise RunError(
            f"{search.sweep.path}: --resume continues a search of a {search.sweep.base.kind}. Received: {kind}"
        )
    if wanted.probe_memory:
        raise SettingError("memory is measured before a search is planned. Received: --probe-memory with --resume")
    base = search.sweep.base.replace(**settings, **wanted.fixed_batch_size)
    base = base.for_pictures(dataset.split_sizes["train"])
    given = {
        "oracle": wanted.oracle,
        "objective": None if wanted.objective is None else wanted.objective_of(kind),
        "against": None if wanted.against is None else COSTS[wanted.against],
        "budget": wanted.budget,
        "seed": wanted.seed,
        "oracle_seed": wanted.oracle_seed,
        "preset": wanted.preset,
        "limit": _limit(wanted),
        "auto_batch": None if wanted.batch_size is None else wanted.batch_size == AUTO,
    }
    if wanted.space:
        search = _enlarged(search, parse_space(wanted.space, base), dataset)
    sweep = dataclasses.replace(search.sweep, base=base, data=dataset.path.resolve(), fingerprint=dataset.fingerprint)
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(search, sweep=sweep, **changes)


def _enlarged(search: Search, named: SearchSpace, dataset: Dataset) -> Search:
    """The search with values that are named added to its space; what is planned stays as it is.

    Args:
        search: as it was begun.
        named: the space that is asked for.
        dataset: of the search.

    Raises:
        SettingError: if a setting is named that isn't searched yet: all runs so far have one value of it.
    """
    own, base = search.space.values, search.sweep.base
    if new := sorted(set(named.values) - set(own)):
        raise SettingError(
            f"space can grow by values of {', '.join(own)}; another setting needs a new search. Received: {new[0]}"
        )
    space = search.space.joined(named)
    plan, memory = planned_points(
        space, base, len(dataset.times), search.limit,
        dataset.split_sizes["train"] * base.data.crops if search.auto_batch else 0, search.seed,
        Device(**search.device),
    )  # fmt: skip
    # A point that was feasible stays so.
    plan = {name: search.sweep.plan.get(name, point) for name, point in plan.items()}
    sweep = dataclasses.replace(search.sweep, plan=plan)
    return dataclasses.replace(search, space=space, sweep=sweep, memory={**memory, **search.memory})


def affordable(search: Search, budget: float | None) -> Search:
    """The search with a budget by which its oracle trains at least one point in full.

    Args:
        search: planned, with any budget.
        budget: share of the full grid's training steps; None for the oracle's usual one, or more where that is too
            little.

    Raises:
        SettingError: if the budget that is given is too small.
    """
    for share in [BUDGETS[search.oracle], *_LARGER] if budget is None else [budget]:
        candidate = dataclasses.replace(search, budget=share)
        if trains_in_full(oracle_of(candidate)):
            return candidate
    raise SettingError(
        f"budget must let {search.oracle} train at least one of {len(search.feasible)} points in full; --budget 1 "
        f"does. Received: {budget or 1:g}"
    )


def start_search(requested: Search, *, resume: bool = False, force: bool = False) -> Search:
    """Writes the plan of a search, or continues the one in the folder; trials that are done stay.

    Args:
        requested: the search.
        resume: continue the search in the folder, or start one where there is none.
        force: replace the search in the folder.

    Raises:
        OutputError: if the folder holds other things, or a search and neither flag is given.
        RunError: if `resume` meets other settings or data.
    """
    path = requested.sweep.path
    if resume and is_search(path):
        existing = open_search(path)
        for name, text in _FIXED.items():
            if getattr(requested, name) != getattr(existing, name):
                raise RunError(
                    f"{path}: --resume continues with the search's own {name}, {text(getattr(existing, name))}. "
                    f"Received: {text(getattr(requested, name))}"
                )
        if requested.budget < existing.budget:
            raise RunError(
                f"{path}: --resume takes a budget of at least what the search has, {existing.budget:g}. "
                f"Received: {requested.budget:g}"
            )
        if requested.space.joined(existing.space) != requested.space:
            raise RunError(f"{path}: --resume drops no value of the space of the search. Received: fewer")
        sweep = dataclasses.replace(requested.sweep, plan={**requested.sweep.plan, **existing.sweep.plan})
        requested = dataclasses.replace(
            existing, sweep=sweep, space=requested.space, memory={**requested.memory, **existing.memory},
            against=requested.against, budget=requested.budget,
        )  # fmt: skip
    elif (path / PLAN).is_file() and not is_search(path) and set(open_sweep(path).plan) - set(requested.sweep.plan):
        raise OutputError(f"{path}: a search needs a folder of its own. Received: runs of another command")
    start_sweep(requested.sweep, resume=resume, force=force)
    requested.write()
    return requested
