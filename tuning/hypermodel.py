"""The networks and data of copper-tf for any tuner of KerasTuner, and the results of a search by KerasTuner's API."""

from __future__ import annotations

import functools
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine.trial import Trial as TunerTrial

from copper_tf.analysis.search_results import Trial
from copper_tf.config import FIXED, Config, default_config
from copper_tf.data.pictures import Pictures, load_pictures
from copper_tf.data.sources import Data, open_single
from copper_tf.decay.starting import first_hypothesis
from copper_tf.models.factory import build
from copper_tf.models.policy import resolve_policy
from copper_tf.runs.run import open_run
from copper_tf.training.batch_norm import Calibrator
from copper_tf.training.free_ends import Sharpen
from copper_tf.training.loop import compile_model, set_schedule, streams, weighted
from copper_tf.utils.tensorflow import keras_defaults
from tfds_copper.errors import SettingError
from tuning import trials
from tuning.search_space import parse_space, preset_of
from tuning.summary import summarise
from tuning.trials import Search

__all__ = ["HyperModel", "SearchReader", "open_search"]

_SPLITS = ("train", "validation")
# What only a training of `copper train` has, with the value that leaves it out.
_PLAIN = {"learn": FIXED, "restarts": 0, "patience": 0}


class HyperModel(keras_tuner.HyperModel):
    """Builds a network for the values that a tuner chooses, and trains it on data of its own.

    So ``tuner.search()`` needs no data; ``tuner.search(epochs=5)`` says how long each trial takes. Objectives are
    ``"val_loss"``, of a classifier ``"val_accuracy"`` and of a segmenter ``"val_nmse"``. Networks see normalised
    pictures.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        data: a built dataset, a SEM folder (built first), or an open dataset; not folds.
        space: settings that are searched, ``NAME`` or ``NAME=VALUE,VALUE``; none for n, N, c and d.
        preset: whose settings its networks begin with; by default ``"default"`` for a classifier and ``"paper"``,
            which learns a supposed g, for a segmenter.
        **settings: of every network, by name, e.g. ``epochs=20``.

    Raises:
        InputError: if the data can't be used, or there are several folds.
        SettingError: if a setting is unknown, searched and given, or a value is not allowed.

    Example:

    >>> import copper_tf, keras_tuner
    >>> model = copper_tf.tuning.HyperModel("classifier", data, ["c=4,6"], **tiny)
    >>> tuner = keras_tuner.RandomSearch(model, objective="val_loss", max_trials=1, directory="tuned")
    >>> tuner.search(epochs=1, verbose=0)
    >>> tuner.get_best_hyperparameters()[0].get("c") in (4, 6)
    True
    """

    def __init__(
        self, kind: str, data: Data, space: Sequence[str] = (), *, preset: str | None = None, **settings: Any
    ) -> None:  # fmt: skip
        super().__init__(name=f"copper_{kind}")
        dataset = open_single(data, why="architectures are searched on one split")
        base = default_config(kind, preset_of(kind, preset), **settings)
        self.base = base.for_pictures(dataset.split_sizes["train"])
        self.dataset, self.space = dataset, parse_space(space, self.base)
        for name, value in _PLAIN.items():
            if (received := getattr(self.base.training, name)) != value:
                raise SettingError(
                    f"{name} must be {value} in a HyperModel; `copper train` has it. Received: {received}"
                )
        if both := sorted(set(settings) & set(self.space.values)):
            raise SettingError(f"{both[0]} is either searched or given. Received: both")
        first_hypothesis(self.base, dataset.times)

    @functools.cached_property
    def _pictures(self) -> tuple[Pictures, ...]:
        """The decoded pictures of training and validation, once for all trials."""
        return tuple(load_pictures(self.dataset, split, None) for split in _SPLITS)

    def config(self, hp: keras_tuner.HyperParameters) -> Config:
        """The settings that a trial has; those that are searched are chosen here."""
        return self.base.replace(**{name: hp.Choice(name, list(v)) for name, v in self.space.values.items()})

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled network of a trial, from normalised pictures; its metrics are accuracy or nmse, and the loss."""
        config = self.config(hp)
        with keras_defaults():
            model = build(config, len(self.dataset.times), resolve_policy(config))
            compile_model(
                model,
                config,
                first_hypothesis(config, self.dataset.times),
                streams(config, self.dataset, self._pictures)[0].steps,
            )
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: keras.Model, *, epochs: int | None = None, initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] = (), **kwargs: Any,
    ) -> keras.callbacks.History:  # fmt: skip
        """Trains the network of a trial on the dataset.

        Args:
            hp: the values of the trial.
            model: of `build`.
            epochs: of all, over which a falling learning rate falls; those of the settings by default.
            initial_epoch: epochs that are done.
            callbacks: the tuner's own.
            **kwargs: forwarded to ``keras.Model.fit``; the data are the dataset's.
        """
        config = self.config(hp)
        training, validation = streams(config, self.dataset, self._pictures)
        last = config.training.epochs if epochs is None else epochs
        set_schedule(model, config.replace(epochs=last), training.steps)
        weigh = functools.partial(weighted, config, len(self.dataset.times), training.pictures.labels)
        own = [Calibrator(training), *([Sharpen(config)] if config.training.edge_weight else [])]
        with keras_defaults():
            return model.fit(
                weigh(training.batches(initial_epoch, last)), steps_per_epoch=training.steps, epochs=last,
                initial_epoch=initial_epoch, validation_data=weigh(validation.batches()),
                callbacks=[*own, *callbacks], shuffle=False, **kwargs,
            )  # fmt: skip


class SearchReader(keras_tuner.Tuner):
    """The trials of a search as a tuner of KerasTuner, to read: ``results_summary()``, ``get_best_models()``, ...

    Args:
        search: whose results are read.
        found: its trials.
    """

    def __init__(self, search: Search, found: Sequence[Trial]) -> None:
        self.search_folder = search.sweep.path
        objective = keras_tuner.Objective(search.objective.name, search.objective.better)
        scored = [trial for trial in found if trial.objective is not None]
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=objective, max_trials=len(scored) or 1, hyperparameters=search.space.hyperparameters()
        )
        # A tuner that begins writes files of its own, which don't belong into the search.
        with tempfile.TemporaryDirectory() as scratch:
            super().__init__(oracle, directory=scratch, project_name="search")
        oracle.trials = {trial.name: _tuner_trial(search, trial) for trial in scored}
        oracle.end_order = list(oracle.trials)

    def run_trial(self, trial: TunerTrial, *arguments: Any, **more: Any) -> Any:
        """Refuses: nothing is trained here.

        Raises:
            SettingError: always.
        """
        raise SettingError("a search is continued by `copper search --resume`. Received: search of its reader")

    def load_model(self, trial: TunerTrial) -> keras.Model:
        """The network of a trial with its best weights, from normalised pictures; see `copper_tf.load` for raw ones."""
        return open_run(self.search_folder / "runs" / trial.trial_id).load_model()


def _tuner_trial(search: Search, trial: Trial) -> TunerTrial:
    space = search.space.hyperparameters()
    space.values.update({name: trial.settings[name] for name in search.space.values})
    found = TunerTrial(hyperparameters=space, trial_id=trial.name, status="COMPLETED")
    directions = {search.objective.name: search.objective.better}
    scores = {**trial.scores, search.objective.name: trial.objective}
    for name, value in scores.items():
        if value is None or not math.isfinite(value):
            continue
        found.metrics.register(name, directions.get(name, "max"))
        found.metrics.update(name, value, step=trial.epochs)
    found.score, found.best_step = trial.objective, trial.epochs
    return found


def open_search(path: str | os.PathLike[str]) -> SearchReader:
    """The results of `copper_tf.search` as a tuner of KerasTuner, to read, whether the search has ended or not.

    Its ``results_summary()``, ``get_best_hyperparameters()`` and ``get_best_models()`` are KerasTuner's own; the models
    are those of the trials' runs, which lie in ``runs/`` below the search.

    Args:
        path: the folder of the search.

    Raises:
        RunError: if there is no search.
    """
    search = trials.open_search(Path(path))
    return SearchReader(search, summarise(search).trials)
