"""The section of a page that sets simpler methods beside the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from copper_tf.analysis.baselines.results import MAPS, PATCHES, Baseline, Baselines
from copper_tf.reports.common.micrographs import read_patches, show, show_scale_bar
from copper_tf.reports.common.style import figure
from copper_tf.reports.common.text import format_score
from copper_tf.utils.drawing import colours, grey_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from copper_tf.runs.run import Run

__all__ = ["baseline_figures", "baseline_section"]


def _rows(methods: Mapping[str, Baseline]) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """(names of the scores, (title, (score, interval) of each) of every method)."""
    titles = Baselines.score_titles(methods)
    rows = []
    for method in methods.values():
        cells = []
        for name in titles:
            interval = method.intervals.get(name)
            text, span = format_score(method.scores.get(name), interval)
            cells.append((text, span if interval else ""))
        choice = f" ({method.choice})" if method.choice else ""
        rows.append((method.title + choice, cells))
    return list(titles.values()), rows


def baseline_section(run: Run) -> dict[str, Any] | None:
    """What the template shows, None where `copper baselines` was not run."""
    if not run.has(Baselines):
        return None
    baselines = run.read(Baselines)
    tables = {
        "Graders, on the test pictures": baselines.graders,
        "Maps, on the test pictures": baselines.maps,
    }
    return {
        "tables": [(caption, *_rows(part)) for caption, part in tables.items() if part],
        "alarm": baselines.warning,
        "truth": baselines.truth,
        "maps": bool(baselines.maps),
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
