"""trust(run, others) -> scores/trust.json: every test of a run's maps on its own data, without true masks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from copper_tf.analysis.trust.agreement import agreement, check_others
from copper_tf.analysis.trust.chimera import Chimera, Draw, chimeras, side_scores
from copper_tf.analysis.trust.deletion import SHARES, Deletion, delete, deletion_scores
from copper_tf.analysis.trust.samples import Kept, Looked, look
from copper_tf.analysis.trust.stability import brightness_errors, shift_error
from copper_tf.analysis.trust.verdict import BASIS, EXAMPLES, TRUST, judge, verdict
from copper_tf.inference.predictor import RunPredictor
from copper_tf.models.architecture import network_of
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import mean_chord
from copper_tf.statistics.scores import middle, middle_mean, potency_scores
from tfds_copper.errors import RunError
from tfds_copper.files import replacing
from tfds_copper.progress import Progress

__all__ = ["trust"]

# Pictures that are pasted into, shifted and brightened, evenly spread over the labels.
_SOME = 16
# The side in px of the patches kept for figures.
_PATCH = 384
# With ends this close an AUC between them asks for nothing.
_PURE = 0.95


def _pairs(looked: Looked, last: int) -> list[tuple[Any, Any]]:
    """Pictures of the first and the last t, of one bit depth, each used once."""
    rest, found = looked.of(last), []
    for first in looked.of(0):
        fitting = [k for k in rest if k.example.bit_depth == first.example.bit_depth]
        if fitting:
            rest.remove(fitting[0])
            found.append((first, fitting[0]))
    return found


def _some(looked: Looked, without: int | None = None) -> list[Any]:
    chosen = sorted((k for k in looked.kept if k.label != without), key=lambda k: k.label)
    return [chosen[k] for k in np.unique(np.linspace(0, len(chosen) - 1, _SOME).round().astype(int))] if chosen else []


def _chimeras(looked: Looked, last: int, draw: Draw) -> Iterator[Chimera]:
    for first, second in _pairs(looked, last):
        yield from chimeras(first.sample, second.sample, draw)


def _deletions(looked: Looked, last: int, width: float, draw: Draw) -> Iterator[Deletion]:
    donors = looked.of(last)
    for number, picture in enumerate(_some(looked, without=last)):
        fitting = [k for k in donors if k.example.bit_depth == picture.example.bit_depth]
        if not fitting:
            continue
        donor = fitting[number % len(fitting)].sample
        for share in SHARES:
            for top in (True, False):
                yield delete(picture.sample, donor, share, width, draw, top=top)


def _stability(looked: Looked, predictor: RunPredictor, progress: Progress | None) -> dict[str, float]:
    run, chosen = predictor.run, _some(looked)
    rows: list[tuple[float, ...]] = []
    for done, k in enumerate(chosen, start=1):
        moved = shift_error(k.sample.values, predictor.map_of, network_of(run.config).reach, run.config.model.d)
        rows.append((moved, *brightness_errors(k.grey, run.normalisation, predictor.map_of)))
        if progress:
            progress(done, len(chosen), "shifting and brightening pictures")
    columns = (np.array(column) for column in zip(*rows, strict=True))
    means = (float(c[np.isfinite(c)].mean()) if np.isfinite(c).any() else math.nan for c in columns)
    return dict(zip(("shift", "gain", "offset"), means, strict=True))


def _patch(array: np.ndarray) -> np.ndarray:
    """The middle of a picture, where the seam of a chimera is."""
    height, width = array.shape
    top, left = max(0, (height - _PATCH) // 2), max(0, (width - _PATCH) // 2)
    return array[top : top + _PATCH, left : left + _PATCH]


class _Examples:
    """What the page shows: the first chimera, side by side, and the deletion of the picture nearest to m = .5.

    All others are scored and let go of: whole micrographs by the hundred wouldn't fit into memory.
    """

    def __init__(self) -> None:
        self.kept: dict[str, np.ndarray] = {}
        self.nearest = math.inf

    def offer(self, one: Chimera | Deletion) -> None:
        """Keeps the middle of it where it is one to show."""
        if isinstance(one, Chimera):
            if "chimera_map" not in self.kept:
                self._take(chimera_values=one.values, chimera_map=one.mask, chimera_expected=one.expected)
        elif one.top and one.share == max(SHARES):
            far = abs(float(one.before.mask.mean()) - 0.5)
            if far < self.nearest:
                self.nearest = far
                self._take(before_values=one.before.values, before_map=one.before.mask)
                self._take(after_values=one.values, after_map=one.mask, pasted=one.pasted)

    def _take(self, **arrays: np.ndarray) -> None:
        self.kept |= {name: _patch(array).copy() for name, array in arrays.items()}

    def watched(self, made: Iterator[Any], total: int, what: str, progress: Progress | None) -> Iterator[Any]:
        """All of them, one by one, told and offered."""
        for done, one in enumerate(made, start=1):
            self.offer(one)
            if progress:
                progress(done, max(total, done), what)
            yield one

    def write(self, run: Run) -> None:
        """Writes ``scores/trust.npz``."""
        with replacing(run.path / "scores" / EXAMPLES) as file:
            np.savez_compressed(file, allow_pickle=False, **self.kept)


def _middle(looked: Looked, labels: int) -> list[Kept]:
    """What is kept of the middle labels; maps near the ends are all but even, and agree on nothing but that."""
    return [k for k in looked.kept if middle(np.array(k.label), labels)]


def _agreement(looked: Looked, run: Run, others: Sequence[Run], progress: Progress | None) -> dict[str, float]:
    kept = _middle(looked, len(run.labels.times))
    maps = [[k.sample.mask for k in kept]]
    for done, other in enumerate(others, start=1):
        predictor = RunPredictor(other)
        maps.append([np.asarray(predictor.predict(k.example.pixels, k.example.bit_depth).map) for k in kept])
        if progress:
            progress(done, len(others), "comparing with other seeds")
    return agreement(maps)


def _own(looked: Looked, run: Run) -> dict[str, float]:
    """What the maps of whole pictures say by themselves."""
    labels = len(run.labels.times)
    g = np.array(run.hypothesis)[looked.labels]
    scores = potency_scores({"potency": looked.potency, "g": g, "t": np.array(run.labels.times)[looked.labels]})
    chord = mean_chord(*(k.sample.mask for k in _middle(looked, labels)))
    return {
        "nmse": scores["nmse"],
        "binarity": middle_mean(looked.binarity, looked.labels, labels),
        "receptive_field_px": float(run.receptive_field),
        "mean_chord_px": chord.mean,
        "reach_ratio": run.receptive_field / chord.mean,
    }


def _joined(
    looked: Looked, predictor: RunPredictor, own: dict[str, float], shown: _Examples, progress: Progress | None
) -> dict[str, float]:
    """Scores of chimeras and deletions, which join pictures of the last t to others."""
    last, draw, g = len(predictor.labels.times) - 1, predictor.map_of, predictor.run.hypothesis
    made = shown.watched(_chimeras(looked, last, draw), 4 * len(_pairs(looked, last)), "joining chimeras", progress)
    side = side_scores(made, rising=g[-1] > g[0])
    width = own["mean_chord_px"] if math.isfinite(own["mean_chord_px"]) else own["receptive_field_px"]
    count = 2 * len(SHARES) * len(_some(looked, without=last))
    deleted = shown.watched(_deletions(looked, last, width, draw), count, "deleting areas", progress)
    # Where the maps of whole pictures don't reach it either, the AUC is no fault of the chimera.
    asked = {"side_auc": math.nan} if side["whole_auc"] < _PURE else {}
    return {"side_auc_measured": side["side_auc"], **side, **asked, **deletion_scores(deleted)}


def trust(run: Run, others: Sequence[Run] = (), progress: Progress | None = None) -> dict[str, Any]:
    """Tests whether the maps of a run can be believed; no true mask is needed.

    Chimeras and deletions join pictures as the run sees them: each source is normalised as it is, then they are joined,
    so that it is the network that is tested and not how a joined picture would be normalised.

    Writes ``scores/trust.json`` and ``scores/trust.npz`` (pictures for the page).

    Args:
        run: a trained run of a segmenter.
        others: runs that differ from it in their seed alone.
        progress: called with (done, total, what).

    Returns:
        What was written to ``scores/trust.json``.

    Raises:
        RunError: if the run is no segmenter, isn't trained, its dataset is gone, or another run differs in more than
            its seed.
    """
    if run.config.kind != "segmenter":
        raise RunError(f"{run.path}: only a segmenter has maps to trust. Received: a {run.config.kind}")
    check_others(run, others)
    predictor = RunPredictor(run)
    looked = look(dataset_of(run), predictor, progress)
    values, shown = _own(looked, run), _Examples()
    values |= _joined(looked, predictor, values, shown, progress)
    values |= _stability(looked, predictor, progress) | _agreement(looked, run, others, progress)
    judged = judge(values)
    told, reasons = verdict(judged)
    result = {
        "verdict": told,
        "reasons": reasons,
        "basis": BASIS,
        "tests": judged,
        "values": values,
        "splits": list(looked.splits),
        "pictures": int(looked.labels.size),
        "normalisation": run.config.data.normalisation,
        "others": [str(other.path) for other in others],
    }
    shown.write(run)
    run.write_scores(TRUST, result)
    return result
