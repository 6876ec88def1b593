"""The plan of `copper hypotheses`: every hypothesis and way of learning g with every seed, and permuted levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copper_tf.config import ALTERNATING, ANCHORS, FIXED, TrainingSettings
from copper_tf.hypotheses import HYPOTHESES, check_informative, hypothesis_values, other_orders, permuted
from tfds_copper.errors import SettingError
from tuning.sweep import Sweep

__all__ = ["PERMUTED", "STARTS", "composed", "planned", "runs_of"]

# The hypotheses that the alternating update starts from where none of those compared can be started from.
STARTS = ("linear", "square")
# Levels of this hypothesis are permuted: it has the most different ones, evenly spread.
_LEVELS = "linear"
PERMUTED, _ORDERS = "permuted", 20
_SEED = "-seed"


def _hypothesis(name: str, times: Sequence[float], reading: str) -> tuple[str, str]:
    """(what to call it, the setting), checked."""
    check_informative(name, hypothesis_values(name, times, reading))
    if name in HYPOTHESES:
        return name, name
    # The table itself goes into the plan: its file may change.
    path = Path(name)
    return (path.stem, " ".join(path.read_text().split())) if path.suffix == ".json" else ("table", name)


def planned(
    compare: Sequence[str], learn: Sequence[str], permutations: int | None, seeds: Sequence[int],
    times: Sequence[float], reading: str,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The settings of every run, by its name; the runs of one seed stand together, permuted levels at the end.

    Args:
        compare: hypotheses, as the setting takes them.
        learn: ways of learning g, of `config.LEARN`; alternating starts from two hypotheses, which have to agree.
        permutations: how many orders of permuted levels, each trained once; None for 20, or all where there are fewer.
        seeds: of weights and crops.
        times: stress time t of each label.
        reading: how a named hypothesis reads them, one of `config.READINGS`.

    Raises:
        SettingError: if a hypothesis is unknown, incomplete, hardly varies or is named twice.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, setting in (_hypothesis(name, times, reading) for name in compare):
        if name in groups:
            raise SettingError(f"compare must name every hypothesis once. Received: {name} twice")
        groups[name] = {"hypothesis": setting, "learn": FIXED}
    if ANCHORS in learn:
        groups[ANCHORS] = {"hypothesis": TrainingSettings.hypothesis, "learn": ANCHORS}
    if ALTERNATING in learn:
        groups |= {f"{ALTERNATING}-{start}": {"hypothesis": start, "learn": ALTERNATING} for start in STARTS}
    plan = {f"{name}{_SEED}{seed}": {**settings, "seed": seed} for seed in seeds for name, settings in groups.items()}
    if permutations is None:
        permutations = min(_ORDERS, other_orders(_LEVELS, times, reading))
    orders = permuted(_LEVELS, times, permutations, seeds[0], reading)
    for k, table in enumerate(orders):
        plan[f"{PERMUTED}-{k:02d}{_SEED}{seeds[0]}"] = {"hypothesis": table, "learn": FIXED, "seed": seeds[0]}
    return plan


def composed(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """The runs of a plan whose curves are read, and so composites are needed of: all but those of permuted levels."""
    return tuple(name for name in plan if not name.startswith(PERMUTED))


def runs_of(sweep: Sweep) -> tuple[dict[str, list[Path]], dict[str, list[Path]], dict[str, str]]:
    """The finished runs of a sweep by hypothesis, those of permuted levels, and why others failed, by run."""
    supposed: dict[str, list[Path]] = {}
    orders: dict[str, list[Path]] = {}
    failed: dict[str, str] = {}
    for name in sweep.plan:
        if not sweep.is_done(name):
            failed[name] = sweep.reason(name) or "not finished"
            continue
        group = name.rpartition(_SEED)[0]
        (orders if group.startswith(PERMUTED) else supposed).setdefault(group, []).append(sweep.folder(name))
    return supposed, orders, failed
