"""Simpler methods on the splits of a run: graders on classical features, and maps without a segmenter."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import numpy as np
from joblib.externals.loky import get_reusable_executor

from copper_tf.analysis.baselines.features import processes_for
from copper_tf.analysis.baselines.graders import GRADERS, Table, grade_pictures, table
from copper_tf.analysis.baselines.maps import GradCam, at_area, gradient_energy, grey_map, ranked
from copper_tf.analysis.baselines.results import ALARM_QWK, MAPS, PATCHES, Baseline, Baselines
from copper_tf.analysis.example_maps import ExampleMaps
from copper_tf.analysis.grading import grade_scores
from copper_tf.data.normalisation import Normalisation, grey
from copper_tf.data.pictures import Example, examples
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.run import Run
from copper_tf.statistics.bootstrap import bootstrap, groups_of, intervals
from copper_tf.statistics.scores import Rows, Scores, iou, pixel_scores
from tfds_copper.dataset import Dataset
from tfds_copper.errors import RunError
from tfds_copper.files import replacing
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import SPLITS

__all__ = ["baselines", "score_graders"]

# Standard deviations in px of the average of the gradient energy, of which validation pictures choose one.
_SCALES = (2.0, 4.0, 8.0)
_SIDES = {"bright": True, "dark": False}

Maker = Callable[[Example], np.ndarray]


def score_graders(
    dataset: Dataset,
    normalisation: Normalisation,
    seed: int = 0,
    progress: Progress | None = None,
    graders: Collection[str] = tuple(GRADERS),
) -> dict[str, Baseline]:
    """The classical graders, trained on the training pictures and scored on the test pictures.

    Args:
        dataset: its splits are used.
        normalisation: its constants of the training pictures are used, whatever its mode, so that brightness stays.
        seed: of the random forests.
        progress: called with (done, total, what).
        graders: names in `GRADERS`.
    """
    parts: dict[str, Table] = {}
    sheets: dict[str, list[str]] = {split: [] for split in SPLITS}
    files: dict[str, list[str]] = {split: [] for split in SPLITS}
    how = dataclasses.replace(normalisation, mode="dataset")
    done, total = 0, sum(dataset.split_sizes.values())
    workers = processes_for(total * float(next(examples(dataset, "test")).pixels.size))

    def pictures(split: str) -> Iterator[tuple[np.ndarray, int]]:
        nonlocal done
        for example in examples(dataset, split):
            sheets[split].append(example.sheet)
            files[split].append(example.file)
            done += 1
            if progress:
                progress(done, total, f"texture of {split} pictures")
            yield how.apply(grey(example.pixels, example.bit_depth)), example.label

    try:
        for split in SPLITS:
            parts[split] = table(pictures(split), graders, workers)
    finally:
        if workers > 1:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)
    labels = len(dataset.times)
    grades = grade_pictures(parts, labels, seed, graders)
    tested = {name: np.array(column["test"]) for name, column in (("sheet", sheets), ("file", files))}
    tested["label"] = parts["test"].label
    return {
        name: Baseline(title=GRADERS[name].title, **vars(grade_scores({**tested, "grade": graded["test"]}, labels)))
        for name, graded in grades.items()
    }


def _network_map(predictor: RunPredictor, example: Example) -> np.ndarray:
    """The map of the run itself."""
    mask = predictor.predict(example.pixels, example.bit_depth, example.file).map
    if mask is None:
        raise ValueError("a classifier gives no map")
    return mask


def _area(run: Run, example: Example, net: np.ndarray | None) -> float:
    """The area at which a map is cut: that of the true mask, else g of the label, else that of the network's map."""
    if example.truth is not None or net is None:
        return float(np.mean(np.asarray(example.truth) > 0))
    g = run.hypothesis[example.label]
    return g if math.isfinite(g) else float(net.mean(dtype=np.float64))


def _agreement(values: np.ndarray, example: Example, net: np.ndarray | None, area: float) -> float:
    """IoU with the true mask at that area, or else the correlation with the network's map."""
    if example.truth is not None or net is None:
        return iou(at_area(values, area), np.asarray(example.truth) > 0)
    constant = np.ptp(values) == 0 or np.ptp(net) == 0
    return 0.0 if constant else float(np.corrcoef(values.ravel(), net.ravel())[0, 1])


def _choices() -> dict[str, dict[str, Maker]]:
    """For each method its candidates, of which validation pictures choose one."""

    def oriented(bright: bool, example: Example) -> np.ndarray:
        return grey_map(grey(example.pixels, example.bit_depth), bright)

    def energy(scale: float, example: Example) -> np.ndarray:
        return gradient_energy(grey(example.pixels, example.bit_depth), scale)

    return {
        "grey": {name: partial(oriented, side) for name, side in _SIDES.items()},
        "gradient": {f"{scale:g} px": partial(energy, scale) for scale in _SCALES},
    }


def _chosen(run: Run, dataset: Dataset, predictor: RunPredictor, progress: Progress | None) -> dict[str, str]:
    """The best candidate of each method on the validation pictures, on those with true masks where there are any."""
    choices, total, masks = _choices(), dataset.split_sizes["validation"], False
    found: dict[str, dict[str, list[float]]] = {}
    for done, example in enumerate(examples(dataset, "validation"), start=1):
        known = example.truth is not None
        if not found or (known and not masks):
            # An IoU and a correlation can't be averaged.
            found, masks = {method: {name: [] for name in c} for method, c in choices.items()}, known
        if known == masks:
            # With true masks the network's map has no part in the choice.
            net = None if known else _network_map(predictor, example)
            area = _area(run, example, net)
            for method, candidates in choices.items():
                for name, make in candidates.items():
                    found[method][name].append(_agreement(make(example), example, net, area))
        if progress:
            progress(done, total, "choosing maps on validation pictures")
    return {method: max(scores, key=lambda name: float(np.mean(scores[name]))) for method, scores in found.items()}


def _row(values: np.ndarray, net: np.ndarray, example: Example, area: float) -> Scores:
    """The scores of one map of one picture that can be known of it."""
    agreement = _agreement(values, example, net, area)
    if example.truth is None:
        return {"agreement": agreement}
    return {"iou_area": agreement, "auc": pixel_scores(ranked(values), example.truth)["auc"]}


def _columns(rows: Sequence[Scores]) -> Rows:
    """Every score that any picture has, NaN where a picture hasn't it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, math.nan) for row in rows]) for name in names}


def _means(rows: Rows) -> Scores:
    finite = {name: values[np.isfinite(values)] for name, values in rows.items()}
    return {name: float(values.mean()) if values.size else float("nan") for name, values in finite.items()}


def _makers(
    run: Run, dataset: Dataset, predictor: RunPredictor, classifier: Run | None, progress: Progress | None
) -> tuple[dict[str, Maker], dict[str, str]]:
    """(the map of each method, what was chosen for it)."""
    chosen = _chosen(run, dataset, predictor, progress)
    makers = {method: candidates[chosen[method]] for method, candidates in _choices().items()}
    if classifier:
        cam = GradCam(classifier)
        makers["gradcam"] = lambda e: cam.map(grey(e.pixels, e.bit_depth))
    return makers, chosen


def _score_maps(run: Run, dataset: Dataset, classifier: Run | None, progress: Progress | None) -> dict[str, Baseline]:
    """Every map method on the test pictures; patches of a few are kept for the figure."""
    predictor = RunPredictor(run)
    makers, chosen = _makers(run, dataset, predictor, classifier, progress)
    rows: dict[str, list[Scores]] = {name: [] for name in ("net", *makers)}
    patches = {name: ExampleMaps(len(run.labels.times)) for name in rows}
    sheets, files = [], []
    total = dataset.split_sizes["test"]
    for done, example in enumerate(examples(dataset, "test"), start=1):
        net = _network_map(predictor, example)
        area = _area(run, example, net)
        own = {} if example.truth is None else {"iou": pixel_scores(net, example.truth)["iou"]}
        rows["net"].append(_row(net, net, example, area) | own)
        patches["net"].offer(example, net)
        for name, make in makers.items():
            values = make(example)
            rows[name].append(_row(values, net, example, area))
            patches[name].offer(example, at_area(values, area).astype(np.float32))
        sheets.append(example.sheet)
        files.append(example.file)
        if progress:
            progress(done, total, "maps of test pictures")
    with replacing(run.path / "scores" / PATCHES) as file:
        arrays = {f"{name}/{key}": array for name, maps in patches.items() for key, array in maps.arrays.items()}
        np.savez_compressed(file, allow_pickle=False, **arrays)
    groups, unit = groups_of(sheets, files)
    results = {}
    for name, scored in rows.items():
        columns = _columns(scored)
        scores = _means(columns)
        results[name] = Baseline(
            title=MAPS[name],
            choice=chosen.get(name, ""),
            pictures=len(scored),
            groups=len(np.unique(groups)),
            resampled=unit,
            scores=scores,
            intervals=intervals(bootstrap(columns, groups, _means), list(scores)),
        )
    return results


def _graders(run: Run, dataset: Dataset, classifier: Run | None, progress: Progress | None) -> dict[str, Baseline]:
    """The graders' scores; those that the classifier has already where they are of the same pictures and seed."""
    if classifier and classifier.has(Baselines):
        own, other = run.normalisation, classifier.normalisation
        same_seed = run.config.training.seed == classifier.config.training.seed
        if same_seed and (own.mean, own.sd) == (other.mean, other.sd):
            return classifier.read(Baselines).graders
    return score_graders(dataset, run.normalisation, run.config.training.seed, progress)


def baselines(run: Run, dataset: Dataset, classifier: Run | None = None, progress: Progress | None = None) -> Baselines:
    """Grades and, for a segmenter, maps of simpler methods on the run's own splits.

    Writes ``scores/baselines.json`` and, for a segmenter, ``scores/baselines.npz`` (maps for the page).

    Args:
        run: a trained run.
        dataset: the one it was trained on.
        classifier: a classifier of the same dataset, for Grad-CAM; of the same seed, its graders' scores are taken.
        progress: called with (done, total, what).

    Raises:
        RunError: if a run isn't trained, or the classifier is none, or of another dataset.
    """
    if classifier and classifier.config.kind != "classifier":
        raise RunError(f"{classifier.path}: Grad-CAM explains a classifier. Received: a {classifier.config.kind}")
    if classifier and classifier.data["fingerprint"] != run.data["fingerprint"]:
        raise RunError(f"{classifier.path}: must be trained on the dataset of {run.path}. Received: another one")
    graders = _graders(run, dataset, classifier, progress)
    result = Baselines(
        graders=graders,
        alarm=bool(graders["histogram"].scores["qwk"] > ALARM_QWK),
        truth=any(example.truth is not None for example in examples(dataset, "test")),
        maps=_score_maps(run, dataset, classifier, progress) if run.config.kind == "segmenter" else {},
    )
    run.write(result)
    return result
