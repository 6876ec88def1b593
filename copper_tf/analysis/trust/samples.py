"""The pictures of the trust tests: each is mapped once, and a few of each label are kept with their maps."""

from __future__ import annotations

import dataclasses

import numpy as np

from copper_tf.analysis.trust.chimera import Sample
from copper_tf.analysis.trust.phases import evidence
from copper_tf.data.normalisation import grey
from copper_tf.data.pictures import Example, examples
from copper_tf.inference.predictor import RunPredictor, check_size
from copper_tf.statistics.scores import binarity
from tfds_copper.dataset import Dataset
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import HELD_OUT

__all__ = ["MappedExample", "TrustSamples", "map_pictures"]

# Fewer test pictures than this say little: those of validation are used too.
_FEW = 8
# Pictures kept of each end label, for chimeras, and of all labels between together.
_ENDS, _BETWEEN = 8, 16


@dataclasses.dataclass(frozen=True, eq=False)
class MappedExample:
    """One picture with its map.

    Attributes:
        example: as it was read.
        sample: as the network sees it, with its map.
    """

    example: Example
    sample: Sample

    @property
    def label(self) -> int:
        """Rank of t."""
        return self.example.label

    @property
    def grey(self) -> np.ndarray:
        """Grey values in [0, 1]."""
        return grey(self.example.pixels, self.example.bit_depth)


@dataclasses.dataclass(frozen=True, eq=False)
class TrustSamples:
    """What the trust tests work on.

    Attributes:
        splits: the splits whose pictures were mapped.
        labels: rank of t of every picture.
        potency: m of every picture.
        binarity: B of every map.
        evidence: inside both phases of every map, ``(pictures, 2)``, see `phases.evidence`.
        examples: a few pictures of each label with their maps.
    """

    splits: tuple[str, ...]
    labels: np.ndarray
    potency: np.ndarray
    binarity: np.ndarray
    evidence: np.ndarray
    examples: tuple[MappedExample, ...]

    def of_label(self, label: int) -> list[MappedExample]:
        """The examples of a label."""
        return [e for e in self.examples if e.label == label]


def _splits(dataset: Dataset) -> tuple[str, ...]:
    return ("test",) if dataset.split_sizes["test"] >= _FEW else HELD_OUT


def map_pictures(dataset: Dataset, predictor: RunPredictor, progress: Progress | None = None) -> TrustSamples:
    """Maps every test picture; those of validation too where the test pictures are few.

    Args:
        dataset: the dataset that the run was trained on.
        predictor: of the run.
        progress: called with (done, total, what).

    Raises:
        InputError: if a picture is smaller than the network needs.
    """
    splits, normalisation = _splits(dataset), predictor.run.normalisation
    last = len(dataset.times) - 1
    quota = dict.fromkeys(range(last + 1), -(-_BETWEEN // max(last - 1, 1))) | {0: _ENDS, last: _ENDS}
    total = sum(dataset.split_sizes[s] for s in splits)
    rows: list[tuple[int, float, float, tuple[float, float]]] = []
    kept = []
    for example in (e for split in splits for e in examples(dataset, split)):
        if quota[example.label] > 0:
            quota[example.label] -= 1
            check_size(Windows.of(example.pixels, example.bit_depth), predictor.run.config.model.d, example.file)
            values = normalisation.apply(grey(example.pixels, example.bit_depth))
            mask = predictor.map_of(values)
            kept.append(MappedExample(example, Sample(values, mask, example.file)))
        else:
            mask = np.asarray(predictor.predict(example.pixels, example.bit_depth, example.file).map)
        rows.append((example.label, float(mask.mean(dtype=np.float64)), binarity(mask), evidence(mask)))
        if progress:
            progress(len(rows), total, "mapping pictures")
    labels, potency, binarities, found = (np.array(column) for column in zip(*rows, strict=True))
    return TrustSamples(splits, labels, potency, binarities, found, tuple(kept))
