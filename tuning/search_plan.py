"""From what is asked for to the plan of a search: what fits into memory, what the budget allows, and what stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from copper_tf.config import Config
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.progress import Progress
from tuning.memory import CPU, Device, bytes_text, largest_batch, peak_bytes
from tuning.objectives import BUDGETS
from tuning.oracles import oracle_of, trains_in_full
from tuning.search_space import Space, seed_of
from tuning.sweep import PLAN, Planned, open_sweep, start_sweep
from tuning.trials import Search, is_search, open_search

__all__ = ["affordable", "planned_points", "start_search"]

# A larger batch has too few steps in an epoch to learn by.
_MOST_BATCH = 64
# A few dozen points are computed in a second.
_TELL_EVERY = 50
# Without --budget it grows in these steps until a point can be trained in full.
_LARGER = (0.5, 1.0)


# What of a search can't be changed once it was begun, and how it is said.
_KEPT: dict[str, Callable[[Any], str]] = {
    "space": lambda space: " ".join(f"{n}={','.join(map(str, v))}" for n, v in space.values.items()),
    "oracle": str,
    "objective": str,
    "seed": str,
    "oracle_seed": str,
    "limit": lambda limit: "no memory limit" if limit is None else f"--memory-limit {bytes_text(limit)}",
    "auto": lambda auto: "--batch-size auto" if auto else "a batch of its own for all points",
}


def planned_points(
    space: Space,
    base: Config,
    labels: int,
    policy: str,
    limit: int | None,
    auto: int,
    seed: int,
    device: Device = CPU,
    progress: Progress | None = None,
) -> tuple[dict[str, Planned], dict[str, int]]:
    """(every point, predicted bytes of each): the role of one that doesn't fit says why.

    Args:
        space: the grid.
        base: the settings that all points share.
        labels: number K.
        policy: dtype policy, already resolved.
        limit: bytes that a training step may need.
        auto: where each point takes the largest batch that fits, the crops of an epoch, which it never exceeds; else 0.
        seed: of the search.
        device: whose constants the prediction takes.
        progress: called with (done, total, what).

    Raises:
        InputError: if no point fits.
    """
    plan, memory = {}, {}
    points = space.points()
    for done, (name, point) in enumerate(points.items()):
        if progress and done and not done % _TELL_EVERY:
            progress(done, len(points), "computing memory")
        config = base.replace(**point)
        if auto and limit is not None:
            most = min(_MOST_BATCH, auto)
            point = point | {"batch_size": largest_batch(config, labels, policy, limit, device, most) or 1}
            config = base.replace(**point)
        memory[name] = peak_bytes(config, labels, policy, device)
        over = limit is not None and memory[name] > limit
        reason = f"a training step needs {bytes_text(memory[name])} of {bytes_text(limit or 0)}" if over else ""
        plan[name] = Planned(name, point | {"seed": seed_of(point, seed)}, reason)
    if all(point.role for point in plan.values()):
        least = bytes_text(min(memory.values()))
        raise InputError(
            f"memory limit must leave at least one point of the space: the smallest needs {least}. "
            f"Received: {bytes_text(limit or 0)}"
        )
    return plan, memory


def affordable(search: Search, budget: float | None) -> Search:
    """The search with a budget by which its oracle trains at least one point in full.

    Args:
        search: planned, with any budget.
        budget: share of the full grid's training steps; None for the oracle's usual one, or more where that is too
            little.

    Raises:
        SettingError: if the budget that is asked for is too small.
    """
    for share in [BUDGETS[search.oracle], *_LARGER] if budget is None else [budget]:
        found = dataclasses.replace(search, budget=share)
        if trains_in_full(oracle_of(found)):
            return found
    raise SettingError(
        f"budget must let {search.oracle} train at least one of {len(search.feasible)} points in full; --budget 1 "
        f"does. Received: {budget or 1:g}"
    )


def start_search(asked: Search, *, resume: bool = False, force: bool = False) -> Search:
    """Writes the plan of a search, or finds the one that is there; trials that are done stay.

    Args:
        asked: what is wanted.
        resume: go on with the search that is there, or start one where there is none.
        force: replace a search that is there.

    Raises:
        OutputError: if the folder holds other things, or a search and neither flag is given.
        RunError: if `resume` meets other settings or data.
    """
    path = asked.sweep.path
    if resume and is_search(path):
        old = open_search(path)
        for name, text in _KEPT.items():
            if getattr(asked, name) != getattr(old, name):
                raise RunError(
                    f"{path}: --resume goes on with the search's own {name}, {text(getattr(old, name))}. "
                    f"Received: {text(getattr(asked, name))}"
                )
        if asked.budget < old.budget:
            raise RunError(
                f"{path}: --resume takes a budget of at least what the search has, {old.budget:g}. "
                f"Received: {asked.budget:g}"
            )
        # What was found feasible stays so.
        sweep = dataclasses.replace(asked.sweep, plan=old.sweep.plan)
        asked = dataclasses.replace(old, sweep=sweep, against=asked.against, budget=asked.budget)
    elif (path / PLAN).is_file() and not is_search(path) and set(open_sweep(path).plan) - set(asked.sweep.plan):
        raise OutputError(f"{path}: a search needs a folder of its own. Received: runs of another command")
    start_sweep(asked.sweep, resume=resume, force=force)
    asked.write()
    return asked
