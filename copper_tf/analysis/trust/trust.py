"""All trust tests of a run's maps on its own data, without true masks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from copper_tf.analysis.trust.agreement import agreement, check_others
from copper_tf.analysis.trust.chimera import Chimera, MapFunction, chimeras, side_scores
from copper_tf.analysis.trust.deletion import SHARES, Deletion, delete, deletion_scores
from copper_tf.analysis.trust.mixture import mixture_of
from copper_tf.analysis.trust.phases import phase_drift
from copper_tf.analysis.trust.results import Trust
from copper_tf.analysis.trust.samples import MappedExample, TrustSamples, map_pictures
from copper_tf.analysis.trust.stability import brightness_errors, shift_error
from copper_tf.analysis.trust.verdict import BASIS, EXAMPLES, judge, verdict
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.surround import MappedPicture, central, reach_of
from copper_tf.models.architecture import network_of
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import mean_chord
from copper_tf.statistics.scores import joint_binarity, middle, potency_scores
from tfds_copper.errors import RunError
from tfds_copper.files import replacing
from tfds_copper.progress import Progress

__all__ = ["trust"]

# Pictures that are pasted into, shifted and brightened, evenly spread over the labels.
_SUBSET = 16
# The side in px of the patches kept for figures.
_PATCH = 384
# The ratio of a network that looks farther than the pictures show.
_EVERYWHERE = 99.0
# Whole pictures of ends that are pure phases differ by at least this AUC.
_PURE = 0.95


def _pairs(samples: TrustSamples, last: int) -> list[tuple[MappedExample, MappedExample]]:
    """Pictures of the first and the last t, of one bit depth, each used once."""
    unused, pairs = samples.of_label(last), []
    for first in samples.of_label(0):
        fitting = [e for e in unused if e.example.bit_depth == first.example.bit_depth]
        if fitting:
            unused.remove(fitting[0])
            pairs.append((first, fitting[0]))
    return pairs


def _subset(samples: TrustSamples, without: int | None = None) -> list[MappedExample]:
    """Some of the examples, evenly spread over the labels."""
    chosen = sorted((e for e in samples.examples if e.label != without), key=lambda e: e.label)
    return (
        [chosen[k] for k in np.unique(np.linspace(0, len(chosen) - 1, _SUBSET).round().astype(int))] if chosen else []
    )


def _chimeras(samples: TrustSamples, last: int, map_of: MapFunction) -> Iterator[Chimera]:
    for first, second in _pairs(samples, last):
        yield from chimeras(first.sample, second.sample, map_of)


def _deletions(samples: TrustSamples, last: int, width: float, map_of: MapFunction) -> Iterator[Deletion]:
    donors = samples.of_label(last)
    for number, picture in enumerate(_subset(samples, without=last)):
        fitting = [e for e in donors if e.example.bit_depth == picture.example.bit_depth]
        if not fitting:
            continue
        donor = fitting[number % len(fitting)].sample
        for share in SHARES:
            for top in (True, False):
                yield delete(picture.sample, donor, share, width, map_of, top=top)


def _stability(samples: TrustSamples, predictor: RunPredictor, progress: Progress | None) -> dict[str, float]:
    """By how much a shift, contrast and brightness change the maps."""
    run, chosen = predictor.run, _subset(samples)
    rows: list[tuple[float, ...]] = []
    for done, one in enumerate(chosen, start=1):
        moved = shift_error(one.sample.values, predictor.map_of, network_of(run.config).reach, run.config.model.d)
        rows.append((moved, *brightness_errors(one.grey, run.normalisation, predictor.map_of)))
        if progress:
            progress(done, len(chosen), "shifting and brightening pictures")
    columns = (np.array(column) for column in zip(*rows, strict=True))
    means = (float(c[np.isfinite(c)].mean()) if np.isfinite(c).any() else math.nan for c in columns)
    return dict(zip(("shift", "gain", "offset"), means, strict=True))


def _patch(array: np.ndarray) -> np.ndarray:
    """The middle of a picture, where the seam of a chimera is."""
    return central(array, (_PATCH, _PATCH))


class _ShownPictures:
    """The pictures of the page: the first chimera, side by side, and the deletion of the picture nearest to m = .5.

    All others are scored and let go of: whole micrographs by the hundred wouldn't fit into memory.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.nearest = math.inf

    def offer(self, one: Chimera | Deletion) -> None:
        """Keeps the middle of it if it is one to show."""
        if isinstance(one, Chimera):
            if "chimera_map" not in self.arrays:
                self._keep(chimera_values=one.values, chimera_map=one.mask, chimera_expected=one.expected)
        elif one.top and one.share == max(SHARES):
            distance = abs(float(one.before.mask.mean()) - 0.5)
            if distance < self.nearest:
                self.nearest = distance
                self._keep(before_values=one.before.values, before_map=one.before.mask)
                self._keep(after_values=one.values, after_map=one.mask, pasted=one.pasted)

    def _keep(self, **arrays: np.ndarray) -> None:
        self.arrays |= {name: _patch(array).copy() for name, array in arrays.items()}

    def collect(self, items: Iterator[Any], total: int, what: str, progress: Progress | None) -> Iterator[Any]:
        """Passes all items on, one by one, offers each and reports the progress."""
        for done, one in enumerate(items, start=1):
            self.offer(one)
            if progress:
                progress(done, max(total, done), what)
            yield one

    def write(self, run: Run) -> None:
        """Writes ``scores/trust.npz``."""
        with replacing(run.path / "scores" / EXAMPLES) as file:
            np.savez_compressed(file, allow_pickle=False, **self.arrays)


def _middle(samples: TrustSamples, run: Run) -> list[MappedExample]:
    """The examples of labels with both phases; maps near the ends are nearly even, so that any two of them agree."""
    return [e for e in samples.examples if middle(np.array(e.label), run.hypothesis)]


def _agreement(samples: TrustSamples, run: Run, others: Sequence[Run], progress: Progress | None) -> dict[str, float]:
    """How alike the maps of runs of other seeds are."""
    chosen = _middle(samples, run)
    maps = [[e.sample.mask for e in chosen]]
    for done, other in enumerate(others, start=1):
        predictor = RunPredictor(other)
        maps.append([np.asarray(predictor.predict(e.example.pixels, e.example.bit_depth).map) for e in chosen])
        if progress:
            progress(done, len(others), "comparing with other seeds")
    return agreement(maps)


def _whole_picture_values(samples: TrustSamples, run: Run) -> dict[str, float]:
    """What the maps of whole pictures say by themselves."""
    g = np.array(run.hypothesis)[samples.labels]
    scores = potency_scores({"potency": samples.potency, "g": g, "t": np.array(run.labels.times)[samples.labels]})
    chord = mean_chord(*(e.sample.mask for e in _middle(samples, run)))
    return {
        "nmse": scores["nmse"],
        "binarity": joint_binarity(samples.binarity, samples.potency),
        "phase_drift": phase_drift(samples.evidence, samples.potency, samples.labels),
        "receptive_field_px": float(run.receptive_field),
        "mean_chord_px": chord.mean,
    }


def _reach_values(
    samples: TrustSamples, predictor: RunPredictor, chord: float, progress: Progress | None
) -> dict[str, float]:
    """How far beside a place other texture changes the map, and how that compares with the areas of the maps."""
    run = predictor.run
    pictures = [MappedPicture(e.sample.values, e.sample.mask, e.label) for e in samples.examples]
    reach, found = reach_of(pictures, network_of(run.config), predictor.map_of, progress)
    return {
        "reach_px": reach,
        # Where even the largest disc feels its surround, no width is known, only that it is a large one.
        "reach_ratio": min(reach / chord, _EVERYWHERE),
        **{f"influence_{radius}px": value for radius, value in found.items()},
    }


def _composite_values(
    samples: TrustSamples,
    predictor: RunPredictor,
    whole: dict[str, float],
    shown: _ShownPictures,
    progress: Progress | None,
) -> dict[str, float]:
    """Scores of chimeras and deletions, which join pictures of the last t to others."""
    last, map_of, g = len(predictor.labels.times) - 1, predictor.map_of, predictor.run.hypothesis
    pairs = 4 * len(_pairs(samples, last))
    joined = shown.collect(_chimeras(samples, last, map_of), pairs, "joining pictures", progress)
    side = side_scores(joined, rising=g[-1] > g[0])
    width = whole["mean_chord_px"] if math.isfinite(whole["mean_chord_px"]) else whole["receptive_field_px"]
    count = 2 * len(SHARES) * len(_subset(samples, without=last))
    deleted = shown.collect(_deletions(samples, last, width, map_of), count, "deleting areas", progress)
    # Where the maps of whole pictures don't reach it either, a low AUC is not the chimera's fault.
    judged = {"side_auc": math.nan} if side["whole_auc"] < _PURE else {}
    return {"side_auc_measured": side["side_auc"], **side, **judged, **deletion_scores(deleted)}


def trust(run: Run, others: Sequence[Run] = (), progress: Progress | None = None) -> Trust:
    """Tests whether the maps of a run can be believed; no true mask is needed.

    Chimeras and deletions join pictures as the run sees them: each source is normalised as it is, and then they are
    joined. So the network is tested, and not how a joined picture would be normalised.

    Writes ``scores/trust.json`` and ``scores/trust.npz`` (pictures for the page).

    Args:
        run: a trained run of a segmenter.
        others: runs that differ from it in their seed alone.
        progress: called with (done, total, what).

    Raises:
        RunError: if the run is no segmenter, isn't trained, its dataset is gone, or another run differs in more than
            its seed.
    """
    if run.config.kind != "segmenter":
        raise RunError(f"{run.path}: only a segmenter has maps to trust. Received: a {run.config.kind}")
    check_others(run, others)
    predictor, dataset = RunPredictor(run), dataset_of(run)
    samples = map_pictures(dataset, predictor, progress)
    values, shown = _whole_picture_values(samples, run), _ShownPictures()
    values["mixture"] = mixture_of(dataset, progress)
    values |= _reach_values(samples, predictor, values["mean_chord_px"], progress)
    values |= _composite_values(samples, predictor, values, shown, progress)
    values |= _stability(samples, predictor, progress) | _agreement(samples, run, others, progress)
    results = judge(values)
    outcome, reasons = verdict(results)
    result = Trust(
        verdict=outcome,
        reasons=reasons,
        basis=BASIS,
        tests=results,
        values=values,
        splits=samples.splits,
        pictures=int(samples.labels.size),
        normalisation=run.config.data.normalisation,
        others=tuple(str(other.path) for other in others),
    )
    shown.write(run)
    run.write(result)
    return result
