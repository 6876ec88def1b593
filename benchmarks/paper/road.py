"""What the paper's figures are made from: each stage by the function of its own verb, each resumed where it stopped."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import copper_tf
from benchmarks.paper.plan import CLASSIFIER, HYPOTHESES, OBJECTIVE, SHORTER, SPACE, PaperPlan, plan
from benchmarks.paper.raters import take
from benchmarks.paper.statements import Pictures, Results
from copper_tf.analysis.blindtest.folder import is_test
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.hypotheses.results import STUDY, HypothesisStudy
from copper_tf.analysis.search_results import SearchResult
from copper_tf.analysis.trust.results import Trust
from copper_tf.config import PAPER
from copper_tf.data.pictures import examples
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import Run, open_run
from tfds_copper.dataset import Dataset, is_dataset, open_dataset
from tfds_copper.errors import InputError
from tfds_copper.files import read_json, write_json
from tfds_copper.progress import Progress

__all__ = ["SECONDS", "SEGMENTER", "Scale", "Stages", "epochs", "results"]

SECONDS = "seconds.json"
_PLAN, _DONE, _PICTURES = "plan.json", "done", "pictures.json"
_SPLIT = "40/5/5"
# Fine structure: what a Gaussian of this standard deviation takes away, in px.
_FINE = 2.0
_MEMORY = "12GB"
# Of the segmenter that learns g, beside its epochs: the default settings.
SEGMENTER: dict[str, Any] = {}
_Stage = TypeVar("_Stage")


@dataclasses.dataclass(frozen=True)
class Scale:
    """How many pictures of which size: the paper's by default.

    Attributes:
        labels: number K.
        pictures: of each label.
        height: px.
        width: px.
        seed: of the simulated surfaces, the weights and the crops.
    """

    labels: int = 16
    pictures: int = 50
    height: int = 960
    width: int = 1280
    seed: int = 0

    @property
    def sheets(self) -> int:
        """Of each label: so that whole sheets can be held out in the paper's proportions."""
        return min(10, self.pictures)


class Stages:
    """Runs stages in turn and keeps the seconds of each, over all calls.

    Args:
        folder: where all goes.
        progress: called with (done, total, what).
    """

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        self.folder, self.progress = folder, progress
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def seconds(self) -> dict[str, float]:
        """That each stage took so far."""
        file = self.folder / SECONDS
        return dict(read_json(file)) if file.is_file() else {}

    @contextmanager
    def timed(self, name: str) -> Iterator[Path]:
        """The folder of a stage, whose time is kept even if it stops half-way."""
        started = time.monotonic()
        try:
            yield self.folder / name
        finally:
            took = self.seconds
            write_json(self.folder / SECONDS, took | {name: took.get(name, 0.0) + time.monotonic() - started})

    def once(self, name: str, make: Callable[[Path], _Stage], again: Callable[[Path], _Stage]) -> _Stage:
        """What a stage gave: made, or read where it was made before.

        Args:
            name: of the stage and its folder.
            make: makes it, going on with what an earlier call left.
            again: reads what is there.
        """
        mark = self.folder / f"{name}.{_DONE}"
        if mark.is_file():
            return again(self.folder / name)
        with self.timed(name) as folder:
            made = make(folder)
        mark.touch()
        return made


def _dataset(stages: Stages, scale: Scale) -> Dataset:
    def simulate(folder: Path) -> Path:
        return copper_tf.simulate(
            folder, labels=scale.labels, pictures=scale.pictures, sheets=scale.sheets, height=scale.height,
            width=scale.width, seed=scale.seed, progress=stages.progress,
        )  # fmt: skip

    def build(folder: Path) -> Dataset:
        if is_dataset(folder):
            return open_dataset(folder)
        return copper_tf.build(pictures, folder, split=_SPLIT, seed=scale.seed, progress=stages.progress)

    pictures = stages.once("micrographs", simulate, lambda folder: folder)
    return stages.once("dataset", build, open_dataset)


def _trained(stages: Stages, name: str, train: Callable[[Path], Run]) -> tuple[Run, Evaluation]:
    run = stages.once(name, train, open_run)
    evaluation = stages.once(
        f"{name} evaluation",
        lambda _: copper_tf.evaluate(run, progress=stages.progress),
        lambda _: run.read(Evaluation),
    )
    return run, evaluation


def _classifier(
    stages: Stages, dataset: Dataset, planned: PaperPlan, search: SearchResult, seed: int
) -> tuple[Run, Evaluation]:
    """The winner of the search, trained for as long as was planned."""
    best = search.best_trial
    if best is None:
        raise InputError(f"{stages.folder / 'search'}: the search must train a point to the end. Received: none")
    return _trained(stages, "classifier", lambda folder: copper_tf.train(
        "classifier", dataset, folder, resume=True, epochs=planned.classifier_epochs, seed=seed,
        progress=stages.progress, preset=PAPER, **CLASSIFIER, **best.settings,
    ))  # fmt: skip


def _segmenter(stages: Stages, dataset: Dataset, planned: PaperPlan, seed: int) -> tuple[Run, Evaluation]:
    """By the default settings, which learn g and its ends together with the model."""
    run, evaluation = _trained(stages, "segmenter", lambda folder: copper_tf.train(
        "segmenter", dataset, folder, resume=True, epochs=planned.segmenter_epochs, seed=seed,
        progress=stages.progress, **SEGMENTER,
    ))  # fmt: skip
    stages.once("trust", lambda _: copper_tf.trust(run, progress=stages.progress), lambda _: run.read(Trust))
    return run, evaluation


def _workers() -> int:
    """One for every processor, but no more than there are hypotheses: side by side they leave none idle."""
    return min(len(HYPOTHESES), os.cpu_count() or 1)


def _study(stages: Stages, dataset: Dataset, planned: PaperPlan, seed: int) -> HypothesisStudy:
    return stages.once("hypotheses", lambda folder: copper_tf.hypotheses(
        dataset, folder, compare=HYPOTHESES, permutations=0, seed=seed, seeds=1, resume=True, workers=_workers(),
        progress=stages.progress, epochs=planned.hypothesis_epochs, **SHORTER,
    ), lambda folder: HypothesisStudy.read(folder / STUDY))  # fmt: skip


def _blind(stages: Stages, runs: list[Run]) -> copper_tf.BlindTestResult:
    def prepare(folder: Path) -> Path:
        sources = [folder] if is_test(folder) else [run.path for run in runs]
        test = copper_tf.prepare_blindtest(sources, folder, progress=stages.progress)
        take(test)
        return folder

    return copper_tf.score_blindtest(stages.once("blind_test", prepare, lambda folder: folder))


def _read_pictures(folder: Path) -> Pictures:
    kept = {name: np.array(values, float) for name, values in read_json(folder / _PICTURES).items()}
    return Pictures(**kept | {"label": kept["label"].astype(int)})


def _pictures(dataset: Dataset, run: Run, folder: Path) -> Pictures:
    """What the test pictures say, the fine structure of both phases by the map of a run; kept in a folder."""
    from scipy.ndimage import gaussian_filter

    model, rows = copper_tf.load(run.path), []
    for example in examples(dataset, "test"):
        found = model.predict(example.pixels, pixel_size_nm=example.pixel_size_nm).map
        pixels = example.pixels.astype(np.float32)
        fine = pixels - gaussian_filter(pixels, _FINE)
        rough = np.asarray(found) > 0.5
        parts = [float(fine[part].std()) if part.any() else np.nan for part in (rough, ~rough)]
        share = np.nan if example.truth is None else float((example.truth > 0).mean())
        rows.append((example.label, float(pixels.mean()), share, *parts))
    columns = np.array(rows).T
    found = Pictures(columns[0].astype(int), *columns[1:])
    folder.mkdir(exist_ok=True)
    write_json(folder / _PICTURES, {name: values.tolist() for name, values in dataclasses.asdict(found).items()})
    return found


def epochs(dataset: Dataset, runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """What an epoch of each model took beside its steps alone, which are timed now, on this machine.

    Args:
        dataset: of the pictures.
        runs: trained ones, by name.
    """
    from copper_tf.training.plan import picture_sizes
    from copper_tf.training.timing import measure_speed

    side, rows = picture_sizes(dataset)[0], []
    for name, run in runs.items():
        took, config = run.read(TrainingRecord), run.config
        steps = math.ceil(dataset.split_sizes["train"] * config.data.crops / config.training.batch_size)
        step = measure_speed(config, dataset, side).step
        rows.append(
            {
                "model": name, "epochs": took.epochs, "steps": steps, "step_seconds": step,
                "epoch_seconds": took.seconds_per_epoch, "ratio": took.seconds_per_epoch / (steps * step),
            }
        )  # fmt: skip
    return rows


def results(stages: Stages, scale: Scale, hours: float) -> tuple[Results, dict[str, Run], Dataset]:
    """All stages, those that were done before read.

    Args:
        stages: that keep the time.
        scale: of the pictures.
        hours: that training may take, about; a plan that is there stays.

    Returns:
        What the page shows, the runs by their kind, and the dataset.
    """
    dataset = _dataset(stages, scale)
    file = stages.folder / _PLAN
    planned = PaperPlan.read(file) if file.is_file() else plan(dataset, hours)
    planned.write(file)
    segmenter, mapped = _segmenter(stages, dataset, planned, scale.seed)
    search = stages.once("search", lambda folder: copper_tf.search(
        "classifier", dataset, folder, resume=True, space=list(SPACE), objective=OBJECTIVE,
        memory_limit=_MEMORY, seed=scale.seed, budget=planned.search_share, epochs=planned.search_epochs,
        progress=stages.progress, preset=PAPER, **CLASSIFIER,
    ), lambda folder: copper_tf.search_result(folder))  # fmt: skip
    classifier, graded = _classifier(stages, dataset, planned, search, scale.seed)
    study = _study(stages, dataset, planned, scale.seed)
    blind = _blind(stages, [classifier, segmenter])
    pictures = stages.once("test pictures", lambda folder: _pictures(dataset, segmenter, folder), _read_pictures)
    truth = np.array([pictures.share[pictures.label == k].mean() for k in range(len(dataset.times))])
    found = Results(pictures, truth, search, graded, mapped, study, blind)
    return found, {"classifier": classifier, "segmenter": segmenter}, dataset
