"""Can this microscope tell two sheets apart? Repeatability and reproducibility of a score."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from copper_tf.analysis.decisions.gauge_results import Gauge, PrecisionPlan, VarianceComponent
from copper_tf.analysis.decisions.scores import SHEET, ScoreTable
from copper_tf.statistics.variance_components import (
    ComponentDesign,
    components,
    draw_components,
    mean_squares,
    plan_components,
)
from tfds_copper.errors import InputError, SettingError

__all__ = ["FACTORS", "PICTURE", "REPEAT", "gauge", "grr", "study_factors"]

# Columns by default: of the factors that every sheet meets, and of the repetition that pictures are of.
FACTORS, REPEAT = ("operator", "microscope"), "repeat"
# The last component: pictures of one sheet by one operator on one microscope.
PICTURE, _REIMAGING = "picture", "re-imaging"
# What the handbook of the automotive industry (AIAG, MSA) calls good, and what it still takes.
_GOOD, _USABLE = 10.0, 30.0
_CATEGORIES = 1.41
# A smaller share of all variance is rounding dust.
_DUST = 1e-9
_PICTURES = (1, 2, 3, 5, 10, 20)
_MOST_SHEETS = 1000
_NORMAL = 1.959963984540054


def _codes(texts: Sequence[str]) -> np.ndarray:
    return np.unique(list(texts), return_inverse=True)[1]


def study_factors(
    sheet: np.ndarray, factors: dict[str, np.ndarray], repeat: np.ndarray | None = None
) -> dict[str, np.ndarray]:  # fmt: skip
    """The sources of scatter in the order in which they are fitted.

    Args:
        sheet: of each row, as numbers.
        factors: of each row, by name.
        repeat: number of the re-imaging, where pictures are of one.
    """
    found = {SHEET: sheet} | factors
    found |= {f"{SHEET} x {name}": _crossed(sheet, codes) for name, codes in factors.items()}
    if repeat is not None:
        found[_REIMAGING] = _crossed(sheet, *factors.values(), repeat)
    return found


def _crossed(*codes: np.ndarray) -> np.ndarray:
    return np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def grr(variances: np.ndarray) -> np.ndarray:
    """Standard deviation of the measurement in percent of that of all scores.

    Args:
        variances: of the components, that of sheets first, ``(..., components)``.
    """
    total = variances.sum(-1)
    return 100 * np.sqrt(variances[..., 1:].sum(-1) / np.where(total > 0, total, 1))


def _read_factors(table: ScoreTable, names: Sequence[str] | None) -> dict[str, list[str]]:
    """The texts of every factor that has several levels, each met by single sheets."""
    wanted = [name for name in FACTORS if table.has(name)] if names is None else list(names)
    found = {name: table.texts(name) for name in wanted}
    sheets = table.texts(SHEET)
    for name, texts in list(found.items()):
        levels = sorted(set(texts))
        if len(levels) < 2:
            if names is not None:
                raise InputError(f"{table.where}: {name} must have at least 2 levels. Received: {levels[0]} alone")
            del found[name]
            continue
        met: dict[str, set[str]] = {}
        for sheet, level in zip(sheets, texts, strict=True):
            met.setdefault(sheet, set()).add(level)
        if all(len(of) == 1 for of in met.values()):
            raise InputError(
                f"{table.where}: sheets must be imaged with several levels of {name}, or it can't be told from what "
                f"sheets differ in. Received: one level for each of {len(met)} sheets"
            )
    return found


def _check(table: ScoreTable, factors: dict[str, list[str]], repeats: bool, free: np.ndarray) -> None:
    if (count := len(table.sheets.names)) < 2:
        raise InputError(f"{table.where}: at least 2 sheets are needed. Received: {count} ({table.sheets.names[0]})")
    if not factors and not repeats:
        raise InputError(
            f"{table.where}: sheets must be imaged by at least 2 operators or microscopes (columns "
            f"{', '.join(FACTORS)}, or --factor), or again (column {REPEAT}). Received: neither"
        )
    if free[-1] < 1:
        raise InputError(
            f"{table.where}: some sheets need two pictures by one operator on one microscope. Received: "
            f"{len(table.lines)} pictures, none of them repeated"
        )


def _plan(variances: dict[str, float], wanted: float, factors: Sequence[str]) -> tuple[PrecisionPlan, ...]:
    """Pictures, and sheets, that give a precision."""
    fixed = sum(variances.get(name, 0.0) for name in factors)
    crossed = sum(v for name, v in variances.items() if name.startswith(f"{SHEET} x ") or name == _REIMAGING)
    rows = []
    for pictures in _PICTURES:
        single = crossed + variances[PICTURE] / pictures
        left = (wanted / _NORMAL) ** 2 - fixed
        sheets = math.ceil((variances[SHEET] + single) / left) if left > 0 else None
        sheets = None if sheets is None or sheets > _MOST_SHEETS else max(sheets, 1)
        rows.append(PrecisionPlan(pictures, _NORMAL * math.sqrt(fixed + single), sheets))
    return tuple(rows)


def _verdicts(
    percent: float, ends: tuple[float, float], categories: int | None, first: VarianceComponent
) -> tuple[str, ...]:  # fmt: skip
    if categories is None:
        return ("Scores of one sheet don't differ at all, which no measurement does: are rows copies of each other?",)
    if percent < _GOOD:
        said = "The measurement is good"
    elif percent <= _USABLE:
        said = "The measurement can be used with care"
    else:
        said = "One picture can't tell such sheets apart well"
    return (
        f"{said}: it makes up {percent:.0f} % of the scatter of scores (%GRR, 95 % interval {ends[0]:.0f} to "
        f"{ends[1]:.0f}), and one picture tells {categories} class{'es' if categories != 1 else ''} of sheets apart.",
        f"Mend first: {first.name}, the largest part of the measurement, with a standard deviation of {first.sd:.2g}.",
    )


def _caveats(table: ScoreTable, factors: dict[str, list[str]]) -> tuple[str, ...]:
    texts = []
    for name, levels in factors.items():
        if (count := len(set(levels))) < 4:
            texts.append(f"{count} levels of {name} tell little about how others would differ: its interval is wide.")
    cells = _crossed(table.sheets.index, *map(_codes, factors.values()))
    if np.ptp(np.bincount(cells)):
        texts.append("Not every sheet was imaged equally often in every way: intervals are approximate.")
    if len(table.sheets.names) < 10:
        texts.append(f"Sheets are few ({len(table.sheets.names)}); ten that span what the line makes are usual.")
    return tuple(texts)


def _design(table: ScoreTable, told: dict[str, list[str]], repeats: np.ndarray | None) -> ComponentDesign:
    """How the squares of a study are taken, once it has what it needs."""
    sources = study_factors(table.sheets.index, {name: _codes(texts) for name, texts in told.items()}, repeats)
    design = plan_components(sources, PICTURE)
    if repeats is not None and design.free[-1] < 1:
        # One picture at each re-imaging: what remains is both.
        sources.pop(_REIMAGING)
        design = plan_components(sources, PICTURE)
    _check(table, told, repeats is not None, design.free)
    return design


def gauge(
    table: ScoreTable, *, factors: Sequence[str] | None = None, repeat: str = REPEAT, precision: float | None = None
) -> Gauge:  # fmt: skip
    """Divides the scatter of scores among sheets, operators, microscopes, and pictures.

    Args:
        table: sheets imaged several times.
        factors: columns that every sheet meets in several levels; those of `FACTORS` that are there by default.
        repeat: column of the number of the re-imaging, if pictures of several are there; may be absent if `REPEAT`.
        precision: half the 95 % interval that numbers are planned for; the standard deviation of sheets by default.

    Raises:
        InputError: if the table can't be used.
        SettingError: if the precision is not over 0.
    """
    if precision is not None and not 0 < precision < math.inf:
        raise SettingError(f"precision must be a number over 0. Received: {precision:g}")
    told = _read_factors(table, factors)
    if repeat != REPEAT:
        table.cells(repeat)
    repeats = _codes(table.texts(repeat)) if table.has(repeat) else None
    design = _design(table, told, repeats)
    squares = mean_squares(design, table.values[None])
    variances = np.maximum(components(design, squares)[0], 0)
    variances[variances < _DUST * variances.sum()] = 0
    drawn = draw_components(design, squares)[0]
    low, high = np.sqrt(np.quantile(drawn, (0.025, 0.975), axis=0))
    total = float(variances.sum())
    rows = tuple(
        VarianceComponent(name, int(free), math.sqrt(v), (float(a), float(b)), float(v) / total)
        for name, free, v, a, b in zip(design.names, design.free, variances, low, high, strict=True)
    )
    percent = float(grr(variances))
    ends = tuple(float(v) for v in np.quantile(grr(drawn), (0.025, 0.975)))
    measurement = float(variances[1:].sum())
    categories = int(_CATEGORIES * math.sqrt(variances[0] / measurement)) if measurement else None
    first = max(rows[1:], key=lambda row: row.share)
    wanted = precision or math.sqrt(variances[0]) or math.sqrt(measurement)
    return Gauge(
        score=table.score, rows=len(table.lines), sheets=len(table.sheets.names),
        factors={name: len(set(texts)) for name, texts in told.items()}, components=rows,
        repeatability=math.sqrt(variances[-1]), reproducibility=math.sqrt(float(variances[1:-1].sum())),
        percent_grr=percent, percent_grr_interval=(ends[0], ends[1]), categories=categories,
        mend_first=first.name if measurement else "", wanted=wanted,
        plan=_plan(dict(zip(design.names, map(float, variances), strict=True)), wanted, list(told)),
        verdicts=_verdicts(percent, (ends[0], ends[1]), categories, first), caveats=_caveats(table, told),
    )  # fmt: skip
