"""Simulated studies of calibrate, compare-groups, gauge and chart: does what they claim hold?

    python -m benchmarks.decisions.studies --studies 1000

Every row is of so many studies with a seed of its own (groups and run lengths of many times as many: they are cheap).
What is called is what the commands call; nothing is drawn or read as pictures. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.decisions.gauge import PICTURE, grr, study_factors
from copper_tf.simulation.settings import SimulationSettings
from copper_tf.simulation.studies import Studies, draw_studies
from copper_tf.statistics.calibration import added_p, age_basis, calibrate, left_out, predict, scale_of
from copper_tf.statistics.control_chart import EWMA, NOMINAL, RULES, SHEWHART, WEIGHT, average_run_length, limit_factor
from copper_tf.statistics.groups import detectable_factor, equivalence_p, welch
from copper_tf.statistics.variance_components import components, draw_components, mean_squares, plan_components

__all__ = ["added_rows", "calibration_rows", "chart_rows", "drift_rows", "gauge_rows", "group_rows", "main"]

Row = dict[str, Any]
RESULT = Path(__file__).parents[1] / "results" / "decisions.json"
_PICTURES, _PICTURE_SD = 10, 0.04
# Groups and charts are cheap: as many studies more. Averages of run lengths need them, since few are very long.
_MORE, _MANY = 20, 100


def _means(rng: np.random.Generator, sheets: int, studies: int, sheet_sd: float, centre: float = 0.0) -> np.ndarray:
    """Scores of sheets with their pictures, ``(sheets, studies)``."""
    own = centre + rng.normal(0, sheet_sd, (sheets, studies))
    return own + rng.normal(0, _PICTURE_SD, (_PICTURES, sheets, studies)).mean(0)


def group_rows(studies: int) -> list[Row]:
    """False alarms, the power of the stated difference, and equivalence that is claimed wrongly."""
    rows, count = [], studies * _MORE
    for seed, (sheets, ratio) in enumerate(itertools.product((3, 5, 10), (0, 1, 4))):
        rng, sd = np.random.default_rng([1, seed]), np.sqrt(ratio) * _PICTURE_SD
        first, second, third, fourth = (_means(rng, sheets, count, sd) for _ in range(4))
        spread = np.sqrt((first.var(0, ddof=1) + second.var(0, ddof=1)) / sheets)
        stated = spread * detectable_factor(sheets, sheets, 2 * (sheets - 1))
        # The margin is where the two groups really differ by it.
        margin = 4 * float(np.sqrt(2 * (sd**2 + _PICTURE_SD**2 / _PICTURES) / sheets))
        rows.append({
            "sheets": sheets, "ratio": ratio, "studies": count,
            "false_alarms": float(np.mean(welch(first, second)[-1] < 0.05)),
            "found": float(np.mean(welch(third, fourth + stated)[-1] < 0.05)),
            "wrongly_equivalent": float(np.mean(equivalence_p(first, second + margin, margin) < 0.05)),
        })  # fmt: skip
    return rows


def _world(seed: int, sheets: int, lots: int, studies: int, labels: int, **more: Any) -> Studies:
    """Studies of so many sheets in lots, and a further lot that is not seen."""
    each = sheets // lots // labels
    settings = SimulationSettings.from_dict({
        "labels": labels, "sheets": each * (lots + 1), "pictures": each * (lots + 1) * 4, "lots": lots + 1,
        "sheet_sd": 0.06, "lot_sd": 0.03, "start": 0.9, "end": 0.2, "peel": True, "operators": 1, "microscopes": 1,
        "operator_sd": 0.0, "microscope_sd": 0.0, "seed": seed, **more,
    })  # fmt: skip
    return draw_studies(settings, studies)


def _scores(made: Studies) -> tuple[np.ndarray, np.ndarray]:
    """Scores of sheets, and the variance of their pictures, of each study."""
    return made.potency.mean(2), made.potency.var(2, ddof=1).mean(1)


def calibration_rows(studies: int) -> list[Row]:
    """How many sheets of unseen lots lie in their 95 % prediction interval, by the truth that failures may hide."""
    rows = []
    for seed, (sheets, lots, labels) in enumerate(((4, 2, 2), (6, 3, 2), (12, 3, 4), (30, 3, 5), (30, 6, 5))):
        made = _world(seed, sheets, lots, studies, labels)
        score, within = _scores(made)
        seen, strengths = made.lot < lots, made.strengths
        pictures = np.full(int(seen.sum()), made.potency.shape[2])
        scale = scale_of(score[:, seen], pictures, within)
        true = scale.true_score(score[:, seen], pictures)
        design, fits = calibrate(true, strengths.peel[:, seen], strengths.cohesive[:, seen], made.lot[seen], seed)
        covered, halves = [], []
        for k in np.flatnonzero(~seen):
            centre, half = predict(design, fits, scale, pictures, score[:, k], int(pictures[0]))
            covered.append(np.abs(strengths.interface[:, k] - centre) <= half)
            halves.append(half)
        rows.append({
            "sheets": sheets, "lots": lots, "studies": studies, "cohesive": float(strengths.cohesive.mean()),
            "covered": float(np.mean(covered)), "half": float(np.median(halves)),
        })  # fmt: skip
    return rows


def added_rows(studies: int) -> list[Row]:
    """How often the score is said to add to age: where it does, and where strength follows age alone."""
    rows = []
    cases = itertools.product(("age", "area"), ((6, 3, 2), (12, 3, 4), (30, 3, 5), (30, 6, 5)))
    for seed, (follows, (sheets, lots, labels)) in enumerate(cases):
        made = _world(seed, sheets, lots, studies, labels, peel_follows=follows, start=0.8)
        score, within = _scores(made)
        seen = made.lot < lots
        lot, age = made.lot[seen], made.label[seen].astype(float)
        scale = scale_of(score[:, seen], pictures := np.full(sheets, 4), within)
        true, strength = scale.true_score(score[:, seen], pictures), made.strengths.peel[:, seen]
        basis = age_basis(age, sheets - lots - 1)
        p, free = added_p(true, strength, lot, basis)
        alone = np.broadcast_to(np.column_stack([np.ones(sheets), basis]), (studies, sheets, basis.shape[1] + 1))
        both = np.concatenate([alone, true[:, :, None]], axis=2)
        errors = [np.sqrt(np.mean((left_out(c, strength, lot) - strength) ** 2, axis=1)) for c in (alone, both)]
        adds = (p < 0.05) & (errors[1] < errors[0])
        rows.append({
            "follows": follows, "sheets": sheets, "lots": lots, "studies": studies, "free": free,
            "not_claimed": float(1 - np.mean(adds)),
        })  # fmt: skip
    return rows


def gauge_rows(studies: int) -> list[Row]:
    """How many intervals hold the true component, and how far %GRR is off on average."""
    rows = []
    true = {"sheet": 0.08, "operator": 0.03, "microscope": 0.02, "sheet x operator": 0.01, "sheet x microscope": 0.01,
            PICTURE: 0.03}  # fmt: skip
    for seed, (sheets, operators, microscopes, pictures) in enumerate(((10, 2, 2, 3), (10, 3, 2, 2), (10, 3, 3, 3))):
        rng = np.random.default_rng([2, seed])
        levels = [np.arange(n) for n in (sheets, operators, microscopes, pictures)]
        sheet, operator, microscope, _ = (axis.ravel() for axis in np.meshgrid(*levels, indexing="ij"))
        factors = study_factors(sheet, {"operator": operator, "microscope": microscope})
        values = rng.normal(0, true[PICTURE], (studies, len(sheet)))
        for name, codes in factors.items():
            values += rng.normal(0, true[name], (studies, codes.max() + 1))[:, codes]
        design = plan_components(factors, PICTURE)
        squares = mean_squares(design, values)
        variances = np.array([true[name] ** 2 for name in design.names])
        inside = np.concatenate([
            (lambda ends: (ends[0] <= variances) & (variances <= ends[1]))(
                np.quantile(draw_components(design, part, 1024), (0.025, 0.975), axis=1))
            for part in np.array_split(squares, 20)
        ])  # fmt: skip
        percent = grr(np.maximum(components(design, squares), 0))
        rows.append({
            "design": f"{sheets} x {operators} x {microscopes} x {pictures}", "studies": studies,
            "covered": dict(zip(design.names, map(float, inside.mean(0)), strict=True)),
            "grr_true": float(grr(variances)), "grr_mean": float(percent.mean()),
        })  # fmt: skip
    return rows


def _run_lengths(rng: np.random.Generator, rule: str, count: int, studies: int, shift: float) -> np.ndarray:
    """Points until an alarm, with a baseline of its own in every study."""
    base = rng.normal(size=(studies, count))
    centre, sd, factor = base.mean(1), base.std(1, ddof=1), limit_factor(rule, count)
    if rule == SHEWHART:
        from scipy import special

        out = special.ndtr(-(centre + factor * sd - shift)) + special.ndtr(centre - factor * sd - shift)
        return rng.geometric(np.maximum(out, 1e-9)).astype(float)
    limit, average = factor * sd * np.sqrt(WEIGHT / (2 - WEIGHT)), centre.copy()
    length, running, step = np.zeros(studies), np.arange(studies), 0
    while len(running) and step < 200_000:
        step += 1
        average[running] += WEIGHT * (rng.normal(shift, 1, len(running)) - average[running])
        out = np.abs(average[running] - centre[running]) > limit[running]
        length[running[out]] = step
        running = running[~out]
    length[running] = step
    return length


def chart_rows(studies: int) -> list[Row]:
    """Average run length without a shift and with one, beside the nominal and what theory says."""
    rows = []
    for seed, (rule, count) in enumerate(itertools.product(RULES, (20, 50))):
        factor = limit_factor(rule, count)
        for shift in (0.0, 1.0):
            lengths = _run_lengths(np.random.default_rng([3, seed, int(shift)]), rule, count, _MANY * studies, shift)
            theory = NOMINAL if shift == 0 else average_run_length(rule, factor, count, shift)
            error = float(lengths.std() / np.sqrt(len(lengths)))
            rows.append({"rule": rule, "baseline": count, "shift": shift, "studies": len(lengths), "theory": theory,
                         "mean": float(lengths.mean()), "error": error})  # fmt: skip
    return rows


def drift_rows(studies: int, days: int = 30) -> list[Row]:
    """Which alarm comes first after the microscope, or the line, has moved by the scatter of sheets."""
    rows, seen = [], 0.25
    for seed, (moved, count) in enumerate(itertools.product(("microscope", "line"), (20, 50))):
        rng = np.random.default_rng([4, seed])
        shape = (studies, count + days)
        shift = (np.arange(count + days) >= count).astype(float)
        instrument = rng.normal(0, seen / 2, shape) + (shift if moved == "microscope" else 0)
        reference = instrument + rng.normal(0, seen, shape)
        line = rng.normal(0, 1, shape) + instrument + (shift if moved == "line" else 0)
        line = line - (reference - reference[:, :count].mean(1, keepdims=True))
        first = {name: _first_alarm(values, count) for name, values in (("microscope", reference), ("line", line))}
        own, other = first[moved], first["line" if moved == "microscope" else "microscope"]
        rows.append({
            "moved": moved, "baseline": count, "studies": studies, "found": float(np.mean(own < days)),
            "days": float(np.median(own) + 1), "not_called_other": float(np.mean((other > own) | (other >= days))),
        })  # fmt: skip
    return rows


def _first_alarm(values: np.ndarray, count: int) -> np.ndarray:
    """The day of the first alarm by either rule after the baseline, a large number where there is none."""
    centre, sd = values[:, :count].mean(1), values[:, :count].std(1, ddof=1)
    average, first = centre.copy(), np.full(len(values), 10**6)
    moving = np.sqrt(WEIGHT / (2 - WEIGHT))
    for day in range(values.shape[1] - count):
        value = values[:, count + day]
        average += WEIGHT * (value - average)
        out = np.abs(value - centre) > limit_factor(SHEWHART, count) * sd
        out |= np.abs(average - centre) > limit_factor(EWMA, count) * sd * moving
        first = np.where(out & (first == 10**6), day, first)
    return first


PARTS: dict[str, Callable[[int], list[Row]]] = {
    "groups": group_rows, "calibration": calibration_rows, "added": added_rows, "gauge": gauge_rows,
    "chart": chart_rows, "drift": drift_rows,
}  # fmt: skip


def main() -> None:
    """Runs the studies and writes ``benchmarks/results/decisions.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()
    found: dict[str, list[Row]] = {}
    for name, part in PARTS.items():
        started = time.perf_counter()
        found[name] = part(arguments.studies)
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
        for row in found[name]:
            print("  ", row)
    arguments.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
