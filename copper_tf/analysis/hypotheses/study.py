"""Everything that a set of runs says of the ageing curve, as one JSON; ``report/`` makes figures and a page of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.hypotheses.curves import curve, gap, law
from copper_tf.analysis.hypotheses.groups import Group, gather
from copper_tf.analysis.hypotheses.ranking import floors, null_distribution, ranked
from copper_tf.analysis.hypotheses.sentence import law_sentence
from copper_tf.analysis.hypotheses.verdict import ASSUMPTIONS, SUPPORTED, judged
from copper_tf.config import ANCHORS, FIXED, ITERATIVE
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import warning
from copper_tf.statistics.scores import Rows

__all__ = ["STUDY", "study"]

# The name of what is written.
STUDY = "ageing.json"


def _dots(groups: Sequence[Group], pictures: Rows) -> dict[str, Any]:
    """The potency of every picture, the mean over the seeds, for the figures."""
    return {
        **{name: pictures[name].tolist() for name in ("file", "split", "label")},
        "potency": {group.name: group.potency.mean(0).tolist() for group in groups},
    }


def _source(curves: Sequence[dict[str, Any]], laws: Mapping[str, Any], best: str) -> str:
    """The curve that the law is read off: learned from the ends alone, else step by step, else that of the best g.

    One that a law can be read off goes before one that none can.
    """
    names = [c["name"] for learn in (ANCHORS, ITERATIVE) for c in curves if c["learn"] == learn]
    names += [c["name"] for c in curves if c["name"] == best]
    return next((name for name in names if laws.get(name)), next(iter(names), ""))


def _locality(groups: Sequence[Group], run: Run) -> dict[str, Any]:
    """How far the network sees beside the areas of the maps of falling g, and what that means."""
    chords = np.concatenate([group.chords for group in groups if group.falls] or [np.array([np.nan])])
    known = chords[np.isfinite(chords)]
    seen, chord = run.receptive_field, float(np.median(known)) if known.size else math.nan
    return {"receptive_field_px": seen, "mean_chord_px": chord, "warning": warning(seen, chord)}


def study(
    runs: Mapping[str, Sequence[Path]], permuted: Mapping[str, Sequence[Path]], qwk: float | None, seed: int = 0
) -> dict[str, Any]:
    """Ranks hypotheses, compares their curves, names the law, and says whether the data allow it.

    Args:
        runs: evaluated runs of every hypothesis and way of learning g, by its name.
        permuted: the same of hypotheses with permuted levels, one each.
        qwk: of a first-order histogram as a grader of the same pictures; None where it wasn't run.
        seed: of the resampling.

    Returns:
        ``labels``, ``time``, ``seeds``, ``data``, ``hypotheses`` (see `ranking.ranked`), ``floors``, ``permuted``,
        ``curves`` (see `curves.curve`), ``gap``, ``laws`` (of every curve that can be read), ``law`` (that of the
        curve named in ``source``), ``sentence``, ``brightness_qwk``, ``locality``, ``pictures``, ``assumptions``,
        ``caveats``, and what `verdict.judged` gives.

    Raises:
        RunError: if a run is none, not evaluated, or of other data than the first.
    """
    groups, pictures, first = gather({**runs, **permuted})
    groups, others = groups[: len(runs)], groups[len(runs) :]
    supposed = [group for group in groups if group.learn == FIXED]
    rows = ranked(supposed, pictures, seed) if supposed else []
    null = null_distribution(others, pictures)
    curves = [curve(group, pictures, len(first.labels.times), seed) for group in groups]
    apart = gap(curves)
    verdict = judged(rows, null, apart, qwk)
    where = _locality(groups, first)
    return {
        "labels": dataclasses.asdict(first.labels),
        "time": first.config.training.time_scale,
        "seeds": max(len(group.paths) for group in groups),
        "data": first.data["path"],
        "hypotheses": rows,
        "floors": floors([_named(supposed, row["name"]) for row in rows]).tolist() if rows else [],
        "permuted": null,
        "curves": curves,
        "gap": apart,
        **_laws(curves, rows, verdict, first),
        "brightness_qwk": qwk,
        "locality": where,
        "pictures": _dots(groups, pictures),
        "assumptions": list(ASSUMPTIONS),
        "caveats": [*first.data.get("caveats", ()), *filter(None, [where["warning"]])],
        **verdict,
    }


def _laws(
    curves: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], verdict: dict[str, Any], run: Run
) -> dict[str, Any]:
    """The law of every falling curve, and in a sentence that of the best source, where the data allow one."""
    labels, reading = run.labels, run.config.training.time_scale
    laws = {found["name"]: law(found, labels.times, reading) for found in curves if found["falls"]}
    source = _source(curves, laws, rows[0]["name"] if rows else "")
    # A law of a curve that nothing was checked against would be circular.
    supported = verdict["verdict"] == SUPPORTED
    sentence = law_sentence(laws.get(source), source, dataclasses.asdict(labels)) if supported else ""
    return {"laws": laws, "source": source, "law": laws.get(source), "sentence": sentence}


def _named(groups: Sequence[Group], name: str) -> Group:
    return next(group for group in groups if group.name == name)
