"""The plan of `copper hypotheses`: every hypothesis and way of learning g with every seed, and permuted levels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from copper_tf.config import ANCHORS, FIXED, ITERATIVE, TrainingSettings
from copper_tf.decay.hypotheses import HYPOTHESES, check_informative, hypothesis_values
from copper_tf.decay.permutations import other_orders, permuted
from tfds_copper.errors import SettingError
from tuning.sweep import Planned, Sweep

__all__ = ["planned", "runs_of"]

# What a group of runs is for: a curve is read off it, or it says what levels in any order reach.
_CURVE, _ORDER = "curve", "order"
# The hypotheses that the iterative update starts from: two, so that one can see whether the start matters.
_STARTS = ("linear", "square")
# Levels of this hypothesis are permuted: it has the most different ones, evenly spread.
_LEVELS, _ORDERS = "linear", 20


def _hypothesis(name: str, place: int, times: Sequence[float], reading: str) -> tuple[str, str]:
    """(what to call it, the setting), checked."""
    check_informative(name, hypothesis_values(name, times, reading))
    if name in HYPOTHESES:
        return name, name
    # The table itself goes into the plan: its file may change.
    path = Path(name)
    return (path.stem, " ".join(path.read_text().split())) if path.suffix == ".json" else (f"table {place}", name)


def planned(
    compare: Sequence[str],
    learn: Sequence[str],
    permutations: int | None,
    seeds: Sequence[int],
    times: Sequence[float],
    reading: str,
) -> dict[str, Planned]:
    """Every run, by its name; the runs of one seed stand together, permuted levels at the end.

    Args:
        compare: hypotheses, as the setting takes them.
        learn: ways of learning g, of `config.LEARN`; iterative starts from two hypotheses.
        permutations: how many orders of permuted levels, each trained once; None for 20, or all where there are fewer.
        seeds: of weights and crops.
        times: stress time t of each label.
        reading: how a named hypothesis reads them, one of `config.READINGS`.

    Raises:
        SettingError: if a hypothesis is unknown, incomplete, hardly varies, or shares its name with another group.
    """
    groups: list[tuple[str, str, str]] = []
    for place, given in enumerate(compare, start=1):
        groups.append((*_hypothesis(given, place, times, reading), FIXED))
    if ANCHORS in learn:
        groups.append((ANCHORS, TrainingSettings.hypothesis, ANCHORS))
    if ITERATIVE in learn:
        groups += [(f"{ITERATIVE} from {start}", start, ITERATIVE) for start in _STARTS]
    names = [name for name, _, _ in groups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"compare must give every hypothesis a name of its own. Received: {twice[0]} twice")
    plan = {}
    for seed in seeds:
        for name, setting, way in groups:
            settings = {"hypothesis": setting, "learn": way, "seed": seed}
            plan[_folder(name, seed)] = Planned(name, settings, _CURVE, composites=True)
    if permutations is None:
        permutations = min(_ORDERS, other_orders(_LEVELS, times, reading))
    # The same orders whatever the seeds, so that seeds can be added.
    for k, table in enumerate(permuted(_LEVELS, times, permutations, 0, reading)):
        settings = {"hypothesis": table, "learn": FIXED, "seed": 0}
        plan[f"levels-permuted-{k:02d}"] = Planned(f"levels permuted {k:02d}", settings, _ORDER)
    return plan


def _folder(group: str, seed: int) -> str:
    return f"{group.replace(' ', '-')}-seed{seed}"


def runs_of(sweep: Sweep) -> tuple[dict[str, list[Path]], dict[str, list[Path]], dict[str, str]]:
    """The finished runs of a sweep by hypothesis, those of permuted levels, and why others failed, by run."""
    found: dict[str, dict[str, list[Path]]] = {_CURVE: {}, _ORDER: {}}
    failed: dict[str, str] = {}
    for name, run in sweep.plan.items():
        if sweep.is_done(name):
            found[run.role].setdefault(run.group, []).append(sweep.folder(name))
        else:
            failed[name] = sweep.reason(name) or "it is not finished"
    return found[_CURVE], found[_ORDER], failed
