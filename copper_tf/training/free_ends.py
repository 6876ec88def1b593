"""Free ends: trained by `losses.CorrelationLoss`, only the shape of g is asked for, and its ends are read off the maps.

In three steps. Penalties on grey, and on borders that follow no edge, grow until maps are sharp (`Sharpen`): so a
surface decides how far apart the means of its labels are. Where g is learned as well, its shape then follows the label
means of the training crops (`ShapeLearner`). After the last epoch start and end of g are read off potencies
(`read_ends`), which are area shares.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from copper_tf.config import CORRELATION, MOVES_TO, Config
from copper_tf.data.pictures import Pictures, some_of_each_label
from copper_tf.decay.estimation import STEP, update, without_borders
from copper_tf.decay.hypotheses import MIN_VARIANCE
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.surround import central
from copper_tf.models.metrics import FreeNMSE
from copper_tf.runs.records import FreeEnds
from copper_tf.runs.run import Run
from copper_tf.statistics.bootstrap import bootstrap, groups_of, intervals
from copper_tf.training.boundary_bias import excess, middles, one_phase_each
from copper_tf.training.checkpoints import last_model
from copper_tf.training.hypothesis_learning import nmse_metrics, tables
from tfds_copper.errors import InputError
from tfds_copper.progress import Progress

__all__ = ["NothingLearnedError", "ShapeLearner", "Sharpen", "read_ends"]

# Between which shares of the epochs the penalties grow: before there is a map there is nothing to sharpen.
_FROM, _TO = 0.2, 0.6
# The shape of g moves from this share of the epochs on, and after so many steps: maps must have been found, and the
# last epochs, from `MOVES_TO` on, are for the last shape.
_MOVES_FROM, _STEPS = 0.3, 20
# Pictures of each label whose potency the ends are read off, and the side in px of their middles.
_PICTURES, _SIDE = 48, 512


class NothingLearnedError(InputError):
    """The pictures gave no map: its potency doesn't depend on t."""


class Sharpen(keras.callbacks.Callback):
    """Lets the penalties of a loss, on grey and on borders that follow no edge, grow step by step.

    With restarts they are grown after the epochs of a try, since tries are told apart by how binary their maps are; the
    run that goes on with one keeps it.

    Args:
        config: of the run.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        training = config.training
        self.epochs, self.epoch = training.restart_epochs if training.restarts else training.epochs, 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the share of the penalties in the step, whatever came before it."""
        done = (self.epoch + batch / self.params["steps"]) / self.epochs
        self.model.loss.sharpening.assign(float(np.clip((done - _FROM) / (_TO - _FROM), 0, 1)))


class ShapeLearner(keras.callbacks.Callback):
    """Moves the shape of g towards the label means of the training crops, every few steps.

    The correlation asks for the shape alone, so nothing has to be known of the ends meanwhile. Where the maps of the
    first and the last t show one phase each, what borders of areas add to the means is taken away first, as measured on
    composites of the two (see `boundary_bias`): else a mask that is too wide everywhere keeps the shape it began with.

    It stands before the `Bookkeeper`, whose checkpoint then holds the g of the next epoch; ``hypothesis.json`` keeps
    that, too.

    Args:
        run: the run folder.
        held_out: the decoded validation pictures.
    """

    def __init__(self, run: Run, held_out: Pictures) -> None:
        super().__init__()
        self.run, self.held_out = run, held_out
        training = run.config.training
        self.first = training.restart_epochs if training.restarts else _MOVES_FROM * training.epochs
        self.last = MOVES_TO * training.epochs
        self.moves = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Makes the model ready for whole pictures."""
        held = self.held_out
        raw = zip(held.arrays, held.bit_depths.tolist(), held.labels.tolist(), strict=True)
        self.middles = middles(raw, self.run.normalisation, len(self.run.labels.times))
        self.predictor = RunPredictor(self.run, model=self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts to count: the sums of an epoch begin at 0."""
        self.moves = self.first <= epoch < self.last
        self.steps, self.before = 0, np.zeros((2, len(self.run.labels.times)))
        if self.moves:
            self.excess = self._excess(epoch)

    def _excess(self, epoch: int) -> np.ndarray:
        """What borders add to the mean of each label, ``(K,)``; NaN where the ends aren't one phase each."""
        kept, draw = self.middles, self.predictor.map_of
        ends = [float(np.mean([draw(p).mean() for p in end])) if end else np.nan for end in (kept[0], kept[-1])]
        if not one_phase_each(*ends):
            return np.full(len(kept), np.nan)
        return excess(kept, draw, epoch, pairs=1)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves g where it is time."""
        self.steps += 1
        if not self.moves or (self.steps < _STEPS and batch + 1 < self.params["steps"]):
            return
        sums = np.array(self._metric().label_sums)
        total, count = sums - self.before
        if not count.all():
            return
        means = without_borders(total / count, self.excess)
        # A few steps show few crops of a label, so g moves less far for them.
        moved = update(tables(self.model)[0].values, means, STEP * min(1.0, self.steps / _STEPS))
        for table in tables(self.model):
            table.assign(moved)
        self.steps, self.before = 0, sums

    def _metric(self) -> FreeNMSE:
        return next(metric for metric in nmse_metrics(self.model) if isinstance(metric, FreeNMSE))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps g."""
        g = tuple(tables(self.model)[0].values.tolist())
        dataclasses.replace(self.run, hypothesis=g).write_hypothesis()


def _shape(run: Run) -> np.ndarray:
    """The shape of g that the last epoch was trained for, from 1 to 0; ``(K,)``."""
    last = last_model(run)
    assert last is not None
    g = tables(last[0])[0].values
    return (g - g[-1]) / (g[0] - g[-1])


def _ends(rows: Any) -> dict[str, float]:
    """The straight line in the shape that potencies follow best, at both ends of the shape."""
    x, y = rows["shape"], rows["potency"]
    if np.ptp(x) == 0:
        return {"start": np.nan, "end": np.nan}
    slope, end = np.polyfit(x, y, 1)
    return {"start": float(end + slope), "end": float(end)}


def _potencies(run: Run, chosen: Pictures, progress: Progress | None) -> np.ndarray:
    """Mean of the map of the middle of each picture, ``(pictures,)``."""
    predictor, potency = RunPredictor(run), []
    for array, depth, file in zip(chosen.arrays, chosen.bit_depths.tolist(), chosen.files, strict=True):
        potency.append(predictor.predict(central(array, (_SIDE, _SIDE)), depth, file).potency)
        if progress:
            progress(len(potency), len(chosen.files), "reading start and end of g")
    return np.array(potency)


def read_ends(run: Run, splits: Sequence[Pictures], progress: Progress | None = None) -> Run:
    """Where training left start and end of g free, reads them off the potencies of pictures, and keeps them.

    Args:
        run: a trained run.
        splits: the decoded pictures of training and validation.
        progress: called with (done, total, what).

    Returns:
        The run whose g is the straight line in its shape that those potencies follow best, in [0, 1]; any other run as
        it is.

    Raises:
        NothingLearnedError: if the potencies hardly fall with g.
    """
    if run.config.training.loss != CORRELATION or run.has(FreeEnds):
        return run
    chosen, shape = some_of_each_label(splits, _PICTURES), _shape(run)
    rows = {"shape": shape[chosen.labels], "potency": _potencies(run, chosen, progress)}
    found = _ends(rows)
    g = found["end"] + (found["start"] - found["end"]) * shape
    kept = np.clip(g, 0, 1)
    if not (found["start"] > found["end"] and np.var(kept) >= MIN_VARIANCE):
        raise NothingLearnedError(
            f"{run.path}: the potency of pictures must fall with g, so that its start and end can be read off. "
            f"Received: {g[0]:.2f} at the first t and {g[-1]:.2f} at the last; nothing was learned that depends on t"
        )
    groups = groups_of(chosen.sheets, chosen.files)[0]
    resampled = {name: np.clip(values, 0, 1) for name, values in bootstrap(rows, groups, _ends).items()}
    between = intervals(resampled, ("start", "end"))
    learned = dataclasses.replace(run, hypothesis=tuple(float(v) for v in kept))
    learned.write_hypothesis()
    # Where it is there, g is the run's.
    learned.write(
        FreeEnds(
            start=float(kept[0]),
            end=float(kept[-1]),
            start_interval=between["start"],
            end_interval=between["end"],
            shape=tuple(shape.tolist()),
            pictures=len(chosen.files),
            groups=len(np.unique(groups)),
        )  # fmt: skip
    )
    # Once more: its ends are known to be learned now.
    learned.write_hypothesis()
    return learned
