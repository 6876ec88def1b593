"""What a trained run keeps: reference statistics of its pictures, the cost of training, the chords of its maps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from copper_tf.data.pictures import Pictures
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.surround import SIDE, MappedPicture, central, reach_of
from copper_tf.models.architecture import network_of
from copper_tf.models.policy import policy_of, resolve_policy
from copper_tf.ood.features import image_features
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.records import Restarts, TrainingRecord
from copper_tf.runs.run import Run
from copper_tf.statistics.bootstrap import groups_of
from copper_tf.statistics.chords import mean_chord
from copper_tf.statistics.scores import middle
from copper_tf.training.checkpoints import last_model
from copper_tf.utils.compat import peak_memory_bytes
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress

__all__ = ["draw_maps", "finish_run", "map_chords", "map_reach", "reference_statistics_of"]

# The mean chord of so many maps is known to a few percent.
_CHORD_PICTURES = 16
# Pictures that discs and their surrounds are taken from.
_REACH_PICTURES = 32


def _spread(among: np.ndarray, count: int) -> np.ndarray:
    """So many of them at most, evenly spread."""
    return among[np.unique(np.linspace(0, among.size - 1, count).round().astype(int))]


def draw_maps(
    run: Run, held_out: Pictures, among: np.ndarray, count: int, progress: Progress | None = None
) -> list[np.ndarray]:
    """The maps that a segmenter draws of some held-out pictures.

    Args:
        run: a run of a segmenter, with weights.
        held_out: the decoded validation pictures.
        among: indices of the pictures to choose from.
        count: how many at most, evenly spread over them.
        progress: called with (done, total, what).
    """
    chosen = _spread(among, count)
    predictor, maps = RunPredictor(run), []
    for done, k in enumerate(chosen, start=1):
        picture = held_out.arrays[k], int(held_out.bit_depths[k]), held_out.files[k]
        maps.append(np.asarray(predictor.predict(*picture).map))
        if progress:
            progress(done, len(chosen), "mapping held-out pictures")
    return maps


def map_chords(run: Run, held_out: Pictures, progress: Progress | None = None) -> dict[str, Any]:
    """Mean chords of the maps that a trained segmenter draws of held-out pictures, of labels with both phases.

    Args:
        run: a trained run of a segmenter.
        held_out: the decoded validation pictures.
        progress: called with (done, total, what).

    Returns:
        ``mean_chord_px`` of both phases together, and ``mean_chord_rough_px`` and ``mean_chord_smooth_px``; NaN where
        the maps have one phase only.
    """
    best = np.flatnonzero(middle(held_out.labels, run.hypothesis))
    among = best if best.size else np.arange(len(held_out.arrays))
    chord = mean_chord(*draw_maps(run, held_out, among, _CHORD_PICTURES, progress))
    return {
        "mean_chord_px": chord.mean,
        "mean_chord_rough_px": chord.foreground,
        "mean_chord_smooth_px": chord.background,
    }


def map_reach(run: Run, held_out: Pictures, progress: Progress | None = None) -> float:
    """Width in px of what a trained segmenter uses, see `inference.surround`.

    Args:
        run: a trained run of a segmenter.
        held_out: the decoded validation pictures.
        progress: called with (done, total, what).

    Returns:
        See `reach_of`.
    """
    order = np.argsort(held_out.labels, kind="stable")
    chosen = _spread(order, _REACH_PICTURES)
    predictor, pictures = RunPredictor(run), []
    for k in chosen:
        values = run.normalisation.apply(held_out.arrays[k].astype(np.float32) / np.float32(held_out.full_scale[k]))
        # A copy, so that large micrographs aren't kept whole.
        values = central(values, (SIDE, SIDE)).copy()
        pictures.append(MappedPicture(values, predictor.map_of(values), int(held_out.labels[k])))
    return reach_of(pictures, network_of(run.config), predictor.map_of, progress)[0]


def reference_statistics_of(splits: Sequence[Pictures], progress: Progress | None = None) -> ReferenceStatistics | None:
    """The statistics of the pictures of some splits; None where too few of them, or of their sheets, can be used.

    Args:
        splits: decoded, with the sheets of their pictures.
        progress: called with (done, total, what).
    """
    rows, total = [], sum(len(split.arrays) for split in splits)
    for split in splits:
        columns = split.arrays, split.bit_depths.tolist(), split.labels.tolist(), split.sheets, split.files
        for pixels, depth, *known in zip(*columns, strict=True):
            found = image_features(Windows.of(pixels, depth))
            # Too small a picture has none, and can't be compared when it is predicted either.
            if found is not None:
                rows.append((found, *known))
            if progress:
                progress(len(rows), total, "measuring pictures")
    if not rows:
        return None
    measured, labels, sheets, files = zip(*rows, strict=True)
    return ReferenceStatistics.of(measured, labels, groups_of(sheets, files)[0].tolist())


def finish_run(run: Run, pictures: tuple[Pictures, ...], progress: Progress | None) -> None:
    """Keeps the reference statistics of a trained run, what training took, and how far its network sees.

    Args:
        run: a trained run.
        pictures: those of training and of validation.
        progress: called with (done, total, what).
    """
    # Also after a kill between the last epoch and this, and for runs of earlier versions.
    if not run.reference_statistics_file.is_file():
        run.write_reference_statistics(reference_statistics_of(pictures, progress))
    if not run.has(TrainingRecord):
        _write_training_record(run, pictures[1], progress)


def _policy_of(run: Run) -> str:
    """The dtype policy that it was trained in, which may have been chosen on another machine than this."""
    last = last_model(run)
    return resolve_policy(run.config) if last is None else policy_of(last[0])


def _write_training_record(run: Run, held_out: Pictures, progress: Progress | None) -> None:
    rows = run.history()
    maps: dict[str, Any] = {}
    if run.config.kind == "segmenter":
        maps = map_chords(run, held_out, progress) | {"reach_px": map_reach(run, held_out, progress)}
    other_tries = run.read(Restarts).seconds_of_others if run.has(Restarts) else 0.0
    run.write(
        TrainingRecord(
            epochs=len(rows),
            seconds=sum(row["seconds"] for row in rows) + other_tries,
            seconds_per_epoch=float(np.median([row["seconds"] for row in rows])),
            peak_memory_mb=peak_memory_bytes() / 1e6,
            parameters=run.load_model().count_params(),
            policy=_policy_of(run),
            processors=os.cpu_count(),
            receptive_field_px=network_of(run.config).receptive_field,
            **maps,
        )
    )
