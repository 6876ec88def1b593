"""The plan of a comparison of hypotheses: each, and each way of learning g, with every seed, and permuted levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copper_tf.config import ANCHORS, AREAS, FIXED, ITERATIVE, LEARN, PAPER, TrainingSettings, default_config
from copper_tf.decay.hypotheses import HYPOTHESES, check_informative, hypothesis_values
from copper_tf.decay.permutations import other_orders, permuted
from tfds_copper.dataset import Dataset
from tfds_copper.errors import SettingError
from tuning.sweep import PLAN, PlannedRun, Sweep, open_sweep

__all__ = ["COMPARED", "WAYS", "finished_runs", "plan_runs", "plan_sweep"]

# The hypotheses that are compared where none are named.
COMPARED = ("linear", "sqrt", "square", "exponential", "alternating")
# The ways to estimate the curve without a hypothesis.
WAYS = tuple(way for way in LEARN if way != FIXED)
# The roles of groups: a curve is read off a hypothesis, permuted levels give the null distribution of its error.
_HYPOTHESIS, _PERMUTED = "hypothesis", "permuted"
# The hypotheses that the iterative update starts from: two, so that one can see whether the start matters.
_STARTS = ("linear", "square")
# Levels of this hypothesis are permuted: it has the most different ones, evenly spread.
_LEVELS, _PERMUTATIONS = "linear", 20


def _named(name: str, number: int, times: Sequence[float], time_scale: str) -> tuple[str, str]:
    """(what to call it, the setting), checked."""
    check_informative(name, hypothesis_values(name, times, time_scale))
    if name in HYPOTHESES:
        return name, name
    # The table itself goes into the plan: its file may change.
    path = Path(name)
    return (path.stem, " ".join(path.read_text().split())) if path.suffix == ".json" else (f"table {number}", name)


def plan_runs(
    compare: Sequence[str],
    learn: Sequence[str],
    permutations: int | None,
    seeds: Sequence[int],
    times: Sequence[float],
    time_scale: str,
) -> dict[str, PlannedRun]:
    """Every run, by its name; the runs of one seed stand together, permuted levels at the end.

    Args:
        compare: hypotheses, as the setting takes them.
        learn: ways of learning g, of `WAYS`; the iterative one starts from two hypotheses.
        permutations: how many orders of permuted levels, each trained once; None for 20, or all where there are fewer.
        seeds: of weights and crops.
        times: stress time t of each label.
        time_scale: how a named hypothesis reads them, one of `config.TIME_SCALES`.

    Raises:
        SettingError: if a hypothesis is unknown, incomplete, hardly varies, or shares its name with another group.
    """
    groups: list[tuple[str, str, str]] = []
    for number, hypothesis in enumerate(compare, start=1):
        groups.append((*_named(hypothesis, number, times, time_scale), FIXED))
    if ANCHORS in learn:
        groups.append((ANCHORS, TrainingSettings.hypothesis, ANCHORS))
    if AREAS in learn:
        groups.append((AREAS, TrainingSettings.hypothesis, AREAS))
    if ITERATIVE in learn:
        groups += [(f"{ITERATIVE} from {start}", start, ITERATIVE) for start in _STARTS]
    names = [name for name, _, _ in groups]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SettingError(f"compare must give every hypothesis a name of its own. Received: {repeated[0]} twice")
    plan = {}
    for seed in seeds:
        for name, setting, learn_by in groups:
            settings = {"hypothesis": setting, "learn": learn_by, "seed": seed}
            plan[_folder(name, seed)] = PlannedRun(name, settings, _HYPOTHESIS, composites=True)
    if permutations is None:
        permutations = min(_PERMUTATIONS, other_orders(_LEVELS, times, time_scale))
    # The same orders whatever the seeds, so that seeds can be added.
    for k, table in enumerate(permuted(_LEVELS, times, permutations, 0, time_scale)):
        settings = {"hypothesis": table, "learn": FIXED, "seed": 0}
        plan[f"levels-permuted-{k:02d}"] = PlannedRun(f"levels permuted {k:02d}", settings, _PERMUTED)
    return plan


def _folder(group: str, seed: int) -> str:
    return f"{group.replace(' ', '-')}-seed{seed}"


def plan_sweep(
    output: Path, dataset: Dataset, *, compare: Sequence[str] | None, learn: Sequence[str] | None,
    permutations: int | None, seed: int | None, seeds: int | None, settings: Mapping[str, Any], resume: bool,
) -> Sweep:  # fmt: skip
    """The sweep of a comparison, not yet written; with `resume` alone, that of the folder.

    Args:
        output: its folder.
        dataset: that all runs are trained on.
        compare: hypotheses; None for `COMPARED`.
        learn: ways of learning g; None for none.
        permutations: see `plan_runs`.
        seed: the first seed; None for 0.
        seeds: number of seeds; None for 5.
        settings: of the runs, those that are given.
        resume: continue what is planned in the folder; what is given is added.

    Raises:
        SettingError: see `plan_runs`.
    """
    existing = open_sweep(output) if resume and (output / PLAN).is_file() else None
    base = existing.base.replace(**settings) if existing else default_config("segmenter", PAPER, **settings)
    base = base.for_pictures(dataset.split_sizes["train"])
    plan = dict(existing.plan) if existing else {}
    if not existing or any(value is not None for value in (compare, learn, permutations, seed, seeds)):
        first, count = seed or 0, 5 if seeds is None else seeds
        plan |= plan_runs(
            compare or COMPARED, learn or (), permutations, range(first, first + count), dataset.times,
            base.training.time_scale,
        )  # fmt: skip
    return Sweep(output, base, dataset.path.resolve(), dataset.fingerprint, plan)


def finished_runs(sweep: Sweep) -> tuple[dict[str, list[Path]], dict[str, list[Path]], dict[str, str]]:
    """The finished runs of a sweep by hypothesis, those of permuted levels, and why others failed, by run."""
    finished: dict[str, dict[str, list[Path]]] = {_HYPOTHESIS: {}, _PERMUTED: {}}
    failed: dict[str, str] = {}
    for name, run in sweep.plan.items():
        if sweep.is_done(name):
            finished[run.role].setdefault(run.group, []).append(sweep.folder(name))
        else:
            failed[name] = sweep.failure(name) or "it is not finished"
    return finished[_HYPOTHESIS], finished[_PERMUTED], failed
