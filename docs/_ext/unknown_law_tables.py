"""The tables of networks that weren't told the law: what they reach, which can be believed, and how they are ranked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.maps.ranking import by_surface, judged, split_name, summary
from benchmarks.maps.unknown_law import CANDIDATES, CROPS, EXPONENTS, FEWER, LEARNED, SURFACES
from copper_tf.analysis.trust.verdict import TESTS
from copper_tf.config import ENOUGH_CROPS

__all__ = ["UNKNOWN_LAW_TABLES"]

Content = dict[str, Any]
Table = tuple[Sequence[str], list[list[Any]]]

# What networks went through that learned the law and had no other setting than the defaults.
_CROPS = {LEARNED: ENOUGH_CROPS, FEWER: CROPS}
_GIVEN = {
    LEARNED: "learned", "told": "the true table", "linear from 1 to 0": "supposed: a line from 1 to 0",
    "areas": "learned from areas", "free ends": "its shape; ends learned",
    **{recipe: f"learned; {recipe}" for recipe in CANDIDATES},
}  # fmt: skip


def _of(content: Content, *recipes: str) -> list[tuple[str, int, str, Content]]:
    """(surface, seed, recipe, results) of the networks of some recipes, by surface and seed."""
    found = []
    for seed, networks in content.items():
        for name, one in networks.items():
            surface, recipe = split_name(name)
            if recipe in recipes:
                found.append((surface, int(seed), recipe, one))
    return sorted(found, key=lambda row: row[:3])


def _unknown_law(content: Content, tiles: bool) -> Table:
    rows = []
    for surface, seed, recipe, one in _of(content, *_CROPS):
        if (surface == "tiles") is tiles:
            verdict = "refused by `copper train`" if "refused" in one else one["verdict"]
            scores = [one.get(key) for key in ("iou", "auc", "corr_fraction", "start_off", "end_off", "shape_off")]
            rows.append([f"fold {seed + 1}" if tiles else surface, seed, f"{_CROPS[recipe]:,}", *scores, verdict])
    head = ["surface", "seed", "crops", "IoU", "ROC-AUC", "correlation with the true share"]
    return [*head, "start off by", "end off by", "shape off by, at most", "`copper trust`"], rows


def _default_exponents(content: Content) -> Table:
    rows = []
    for surface, seed, recipe, one in _of(content, *_CROPS):
        if "exponent" in one and "law" in SURFACES.get(surface, {}):
            low, high = one["exponent_low"], one["exponent_high"]
            counted = "sheets and borders" if one["borders"] else "sheets"
            true = EXPONENTS[SURFACES[surface]["law"]]
            crops = f"{_CROPS[recipe]:,}"
            rows.append([surface, seed, crops, true, one["exponent"], f"{low:.2f} to {high:.2f}", counted])
    return ["surface", "seed", "crops", "true exponent", "found", "95 % interval", "which counts"], rows


def _verdicts(content: Content) -> Table:
    rows = [
        [surface, seed, _GIVEN[recipe], one["iou"], one["auc"], one["verdict"]]
        for surface, seed, recipe, one in _of(content, *_GIVEN)
        if judged(one)
    ]
    return ["surface", "seed or fold", "g", "IoU", "ROC-AUC", "`copper trust`"], sorted(rows, key=lambda row: -row[3])


def _settings(content: Content) -> Table:
    recipes = (FEWER, *(recipe for recipe in CANDIDATES if recipe != FEWER))
    networks = {(surface, seed, recipe): one for surface, seed, recipe, one in _of(content, *recipes)}
    tried = [r for r in recipes if r == FEWER or any(recipe == r for *_, recipe in networks)]
    rows = []
    for surface, seed in sorted({key[:2] for key in networks if key[2] != FEWER}):
        cells: list[Any] = []
        for recipe in tried:
            one = networks.get((surface, seed, recipe))
            if one is None:
                cells.append("–")
            elif "refused" in one:
                cells.append("nothing learned")
            else:
                cells.append(one["verdict"] if one.get("iou") is None else f"{one['iou']:.2f}, {one['verdict']}")
        rows.append([f"superalloy, fold {seed + 1}" if surface == "tiles" else surface, *cells])
    return ["surface", "default settings", *tried[1:]], rows


def _ranking(content: Content) -> Table:
    rows = [[name, *numbers] for name, numbers in summary(by_surface(content)).items()]
    return ["criterion", "rank correlation with IoU, mean", "least", "regret in IoU, mean", "most"], rows


def _exponent(one: Content) -> str:
    return f"{one['exponent']:.2f} ({one['exponent_low']:.2f} to {one['exponent_high']:.2f})"


def _fits(content: Content) -> Table:
    rows = []
    for one in sorted(content["fits"], key=lambda one: (one["surface"], one["seed"])):
        scores = [one.get(key) for key in ("iou", "auc", "median_qwk")]
        law = _exponent(one) if "exponent" in one else "–"
        minutes = [f"{one[key]:.1f}" if key in one else "–" for key in ("planned", "minutes")]
        rows.append([one["surface"], one["seed"], one.get("verdict", "refused"), *scores, law, *minutes])
    return ["surface", "seed", "verdict", "IoU", "ROC-AUC", "QWK", "exponent", "minutes planned", "taken"], rows


def _fit_stages(content: Content) -> Table:
    (one,) = (one for one in content["fits"] if one["surface"] == "paper")
    rows = [[stage, *(f"{one[key][stage] / 60:.1f}" for key in ("plan", "took"))] for stage in one["plan"]]
    return ["stage", "minutes planned", "taken"], [*rows, ["in all", f"{one['planned']:.1f}", f"{one['minutes']:.1f}"]]


def _or_nothing(value: float) -> float:
    """0 where a value isn't known."""
    return 0.0 if math.isnan(value) else value


def _mixtures(content: Content) -> Table:
    test = next(test for test in TESTS if test.name == "mixture")
    found: dict[str, list[float]] = {}
    for one in content["surfaces"]:
        found.setdefault(one["surface"], []).append(math.nan if one["mixture"] is None else one["mixture"])
    rows = []
    for surface, values in sorted(found.items(), key=lambda item: max(map(_or_nothing, item[1]))):
        cells = ("–" if math.isnan(value) else f"{value:.3f}" for value in values)
        rows.append([surface, ", ".join(cells), ", ".join(sorted({test.outcome(value) for value in values}))])
    return ["surface", "change that no mixture explains, each seed", "test"], rows


UNKNOWN_LAW_TABLES: dict[str, tuple[str, Callable[[Content], Table]]] = {
    "unknown-law": ("unknown_law", lambda content: _unknown_law(content, tiles=False)),
    "unknown-law-tiles": ("unknown_law", lambda content: _unknown_law(content, tiles=True)),
    "default-exponents": ("unknown_law", _default_exponents),
    "verdicts": ("unknown_law", _verdicts),
    "other-settings": ("unknown_law", _settings),
    "ranking": ("unknown_law", _ranking),
    "mixtures": ("mixture", _mixtures),
    "fits": ("fit", _fits),
    "fit-stages": ("fit", _fit_stages),
}
