"""The section of the page that shows simpler methods beside the nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from copper_tf.analysis.baselines.names import ALARM_QWK, BASELINES, MAPS, PATCHES
from copper_tf.report.common.micrographs import read_patches, show, show_scale_bar
from copper_tf.report.common.style import figure
from copper_tf.report.common.text import shown
from copper_tf.utils.drawing import colours, grey_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from copper_tf.runs.run import Run

__all__ = ["BASELINE_SCORES", "alarm_text", "baseline_figures", "baseline_tables", "score_names"]

BASELINE_SCORES = {
    "accuracy": "accuracy",
    "within_one": "within one step",
    "mae": "MAE, steps",
    "qwk": "QWK",
    "iou": "IoU at ½",
    "iou_area": "IoU at the true area",
    "auc": "ROC-AUC",
    "agreement": "correlation with the net's map",
}


def alarm_text(found: dict[str, Any]) -> str:
    """What to say where brightness alone tells the label, else empty."""
    if not found["alarm"]:
        return ""
    qwk = found["graders"]["histogram"]["scores"]["qwk"]
    return (
        f"Brightness alone tells the label: without looking at texture, the histogram of grey values reaches a QWK of "
        f"{qwk:.2f} (alarm over {ALARM_QWK:g}). A net may have learnt brightness instead of the surface."
    )


def score_names(found: dict[str, Any]) -> list[str]:
    """The scores that any of the methods has, in the order of the table."""
    return [n for n in BASELINE_SCORES if any(n in part["scores"] for part in found.values())]


def _rows(found: dict[str, Any]) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """(names of the scores, (title, (score, interval) of each) of every method)."""
    names = score_names(found)
    rows = []
    for part in found.values():
        cells = []
        for name in names:
            interval = part["intervals"].get(name)
            text, span = shown(part["scores"].get(name), interval)
            cells.append((text, span if interval else ""))
        choice = f" ({part['choice']})" if part.get("choice") else ""
        rows.append((part["title"] + choice, cells))
    return [BASELINE_SCORES[n] for n in names], rows


def baseline_tables(run: Run) -> dict[str, Any] | None:
    """What the template shows, None where `copper baselines` has not been run."""
    if not run.scores_file(BASELINES).is_file():
        return None
    found = run.read_scores(BASELINES)
    tables = {
        "Graders, on the test pictures": found["graders"],
        "Maps, on the test pictures": found["maps"],
    }
    return {
        "tables": [(caption, *_rows(part)) for caption, part in tables.items() if part],
        "alarm": alarm_text(found),
        "truth": found["truth"],
        "maps": bool(found["maps"]),
    }


def baseline_figures(run: Run) -> dict[str, Figure]:
    """A few test micrographs with the map of every method; none where there are none."""
    file = run.path / "scores" / PATCHES
    methods = {name: read_patches(file, f"{name}/") for name in MAPS}
    methods = {name: patches for name, patches in methods.items() if patches}
    if not methods:
        return {}
    first = methods["net"]
    truth = all(patch.truth is not None for patch in first)
    names = ["micrograph", *(["true mask"] if truth else []), *(MAPS[name] for name in methods)]
    drawn = figure(1.75 * len(names), 1.85 * len(first) + 0.3)
    axes = drawn.subplots(len(first), len(names), squeeze=False)
    for row, patch in enumerate(first):
        pictures = [grey_image(patch.pixels), *([np.asarray(patch.truth) * 255] if truth else [])]
        pictures += [(colours(patches[row].potency)) for patches in methods.values()]
        for axis, picture in zip(axes[row], pictures, strict=True):
            show(axis, picture)
        show_scale_bar(axes[row, 0], patch.pixels.shape, patch.pixel_size_nm)
        axes[row, 0].set_ylabel(f"t = {run.labels.names[patch.label]}", fontsize=9)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name.replace(" of the classifier", "").replace("this segmenter", "potency map"), fontsize=9)
    return {"baselines": drawn}
