"""What the maps of held-out pictures say of a segmenter: how wide their areas are, which its sight must not outgrow."""

from __future__ import annotations

from typing import Any

import numpy as np

from copper_tf.data.pipeline import Pictures
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import mean_chord
from copper_tf.statistics.scores import middle
from tfds_copper.progress import Progress

__all__ = ["measured_domains", "middle_maps"]

# The mean chord of so many maps is known to a few percent.
_PICTURES = 16


def middle_maps(run: Run, held_out: Pictures, count: int, progress: Progress | None = None) -> list[np.ndarray]:
    """The maps that a segmenter draws of held-out pictures of the middle labels; of all labels where those have none.

    Args:
        run: a run of a segmenter, with weights.
        held_out: the decoded validation pictures, of every label.
        count: how many at most, evenly spread.
        progress: called with (done, total, what).
    """
    best = np.flatnonzero(middle(held_out.labels, len(run.labels.times)))
    chosen = best if best.size else np.arange(len(held_out.arrays))
    chosen = chosen[np.unique(np.linspace(0, chosen.size - 1, count).round().astype(int))]
    predictor, maps = RunPredictor(run), []
    for done, k in enumerate(chosen, start=1):
        picture = held_out.arrays[k], int(held_out.bit_depths[k]), held_out.files[k]
        maps.append(np.asarray(predictor.predict(*picture).map))
        if progress:
            progress(done, len(chosen), "drawing maps of held-out pictures")
    return maps


def measured_domains(run: Run, held_out: Pictures, progress: Progress | None = None) -> dict[str, Any]:
    """Mean chords of the maps that a trained segmenter draws of held-out pictures, see `middle_maps`.

    Args:
        run: a trained run of a segmenter.
        held_out: the decoded validation pictures, of every label.
        progress: called with (done, total, what).

    Returns:
        ``mean_chord_px`` of both phases together, and ``mean_chord_rough_px`` and ``mean_chord_smooth_px``; NaN where
        the maps have one phase only.
    """
    chord = mean_chord(*middle_maps(run, held_out, _PICTURES, progress))
    return {
        "mean_chord_px": chord.mean,
        "mean_chord_rough_px": chord.foreground,
        "mean_chord_smooth_px": chord.background,
    }
