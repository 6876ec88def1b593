"""Everything that a set of runs says of the ageing curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from copper_tf.analysis.hypotheses.curves import ageing_curve, curve_fits, gap
from copper_tf.analysis.hypotheses.groups import Group, read_groups
from copper_tf.analysis.hypotheses.ranking import floors, null_distribution, rank
from copper_tf.analysis.hypotheses.results import AgeingCurve, CurveFits, HypothesisStudy, Locality, Potencies
from copper_tf.analysis.hypotheses.verdict import ASSUMPTIONS, SUPPORTED, judge, law_sentence
from copper_tf.config import ANCHORS, AREAS, FIXED, ITERATIVE
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import warning
from copper_tf.statistics.scores import Rows

__all__ = ["study_runs"]


def _potencies(groups: Sequence[Group], pictures: Rows) -> Potencies:
    columns = {name: tuple(pictures[name].tolist()) for name in ("file", "split", "label")}
    return Potencies(**columns, potency={group.name: tuple(group.potency.mean(0).tolist()) for group in groups})


def _source(curves: Sequence[AgeingCurve], fits: Mapping[str, CurveFits | None], best: str) -> str:
    """The curve that the law is read off: learned from the ends alone, else step by step, else that of the best g.

    One that a law can be read off goes before one that none can.
    """
    names = [c.name for learn in (ANCHORS, ITERATIVE, AREAS) for c in curves if c.learn == learn]
    names += [c.name for c in curves if c.name == best]
    return next((name for name in names if fits.get(name)), next(iter(names), ""))


def _learned_ends(groups: Sequence[Group], labels: Labels) -> Iterator[str]:
    """From which area to which the surface goes, where g was learned as area."""
    for group in groups:
        if group.ends_are_learned:
            start, end = (f"{group.mean_g[k]:.2f} of the surface at t = {labels.names[k]}" for k in (0, -1))
            runs = f"{len(group.paths)} runs that learned g as area" if len(group.paths) > 1 else "a run that learned g"
            yield f"But by {runs}, one phase covers {start} and {end}, the law in between."


def _locality(groups: Sequence[Group], run: Run) -> Locality:
    """How far the network sees beside the areas of the maps of falling g, and what that means."""
    falling = [group for group in groups if group.falls]
    chords = np.concatenate([group.chords for group in falling] or [np.array([np.nan])])
    known = chords[np.isfinite(chords)]
    chord = float(np.median(known)) if known.size else None
    reach = float(np.median(np.concatenate([group.reaches for group in falling] or [np.array([run.reach])])))
    used = reach if np.isfinite(reach) else None
    return Locality(run.receptive_field, used, chord, warning(reach, np.nan if chord is None else chord))


def study_runs(
    runs: Mapping[str, Sequence[Path]], permuted: Mapping[str, Sequence[Path]], qwk: float | None, seed: int = 0,
    failed: Mapping[str, str] | None = None,
) -> HypothesisStudy:  # fmt: skip
    """Ranks hypotheses, compares their curves, names the law, and says whether the data support it.

    Args:
        runs: evaluated runs of every hypothesis and way of learning g, by its name.
        permuted: the same of hypotheses with permuted levels, one each.
        qwk: of a first-order histogram as a grader of the same pictures; None where it wasn't run.
        seed: of the resampling.
        failed: why other runs are left out, by run.

    Raises:
        RunError: if a run is none, not evaluated, or of other data than the first.
    """
    groups, pictures, first = read_groups({**runs, **permuted})
    groups, others = groups[: len(runs)], groups[len(runs) :]
    supposed = {group.name: group for group in groups if group.learn == FIXED}
    rows = rank(list(supposed.values()), pictures, seed) if supposed else ()
    null = null_distribution(others, pictures)
    curves = tuple(ageing_curve(group, pictures, len(first.labels.times), seed) for group in groups)
    apart = gap(curves)
    verdict = judge(rows, null, apart, qwk)
    fits = {c.name: curve_fits(c, first.labels.times, first.config.training.time_scale) for c in curves if c.falls}
    source, locality = _source(curves, fits, rows[0].name if rows else ""), _locality(groups, first)
    return HypothesisStudy(
        labels=first.labels,
        time_scale=first.config.training.time_scale,
        seeds=max(len(group.paths) for group in groups),
        data=first.data["path"],
        fingerprint=first.data["fingerprint"],
        **{field.name: getattr(verdict, field.name) for field in dataclasses.fields(verdict)},
        hypotheses=rows,
        floors=tuple(map(tuple, floors([supposed[row.name] for row in rows]).tolist())) if rows else (),
        permuted=null,
        curves=curves,
        gap=apart if np.isfinite(apart) else None,
        fits=fits,
        source=source,
        # A law of a curve that nothing was checked against would be circular.
        sentence=law_sentence(fits.get(source), source, first.labels) if verdict.verdict == SUPPORTED else "",
        brightness_qwk=qwk,
        locality=locality,
        pictures=_potencies(groups, pictures),
        assumptions=(*ASSUMPTIONS, *_learned_ends(groups, first.labels)),
        caveats=(*first.data.get("caveats", ()), *filter(None, [locality.warning])),
        failed=dict(failed or {}),
    )
