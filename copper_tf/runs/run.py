"""The run folder: all that is known of one trained model, and the only output of training."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from copper_tf.config import ANCHORS, CORRELATION, ITERATIVE, Config
from copper_tf.data.normalisation import Normalisation
from copper_tf.models.architecture import network_of
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.beginning import (
    CHECKPOINTS,
    DATA,
    HYPOTHESIS,
    MARKER,
    check_run_folder,
    check_whole,
    clear_folder,
    is_run,
)
from copper_tf.runs.history import lowest, read_rows, write_rows
from copper_tf.runs.labels import Labels
from copper_tf.runs.plugins import check_plugins, write_plugins
from copper_tf.runs.records import FreeEnds, HypothesisRecord, Restarts, TrainingRecord
from copper_tf.statistics import chords
from tfds_copper.errors import CopperError, RunError
from tfds_copper.files import check_links, found_instead, lock_folder, read_json, write_json, write_text
from tfds_copper.micrograph import ReadSettings
from tfds_copper.results import Result

if TYPE_CHECKING:
    import keras

__all__ = [
    "BEST",
    "DATA",
    "EVALUATION_PAGE",
    "FIRST_MAPS",
    "FOLD",
    "FORMAT",
    "HYPOTHESIS",
    "INITIAL",
    "KERAS_MODEL",
    "RESTARTS",
    "SEED",
    "TENSORBOARD",
    "TRUST_PAGE",
    "Run",
    "all_caveats",
    "create_run",
    "fold_runs",
    "is_run",
    "open_run",
    "seed_runs",
]

R = TypeVar("R", bound=Result)

FORMAT = "copper-run 1"
BEST = "best.weights.h5"
# The weights that training began with, where they are those of another run.
INITIAL = "initial.weights.h5"
# The best weights as one Keras model from raw grey values.
KERAS_MODEL = "model.keras"
# The folders of the tries and of the network that draws first maps, while they train.
RESTARTS, FIRST_MAPS = "restarts", "first_maps"
# The folder of what TensorBoard shows.
TENSORBOARD = "tensorboard"
# The folder of one run inside that of a cross-validation, and inside that of an ensemble.
FOLD, SEED = "fold_{}", "seed_{}"
# Pages of a run.
EVALUATION_PAGE, TRUST_PAGE = "report/evaluation.html", "report/trust.html"
_PREFIX, _SUFFIX = "last-", ".keras"
_MONITOR = {"classifier": "val_loss", "segmenter": "val_nmse"}


@dataclasses.dataclass(frozen=True)
class Run:
    """An opened run folder.

    Attributes:
        path: the folder.
        config: its settings.
        labels: its labels.
        hypothesis: the g of each label that the weights were last trained for, K values, NaN at labels that were left
            out; empty for a classifier.
        normalisation: how its pictures are normalised.
        data: path, fingerprint and splits of the dataset it was trained on.
        initial_hypothesis: the g that learning began with; empty where g was not learned step by step.
        free_ends: whether start and end of g had been read off its maps when it was opened, see `FreeEnds`.
    """

    path: Path
    config: Config
    labels: Labels
    hypothesis: tuple[float, ...]
    normalisation: Normalisation
    data: dict[str, Any]
    initial_hypothesis: tuple[float, ...] = ()
    free_ends: bool = False

    @property
    def checkpoints(self) -> Path:
        """The folder of weights."""
        return self.path / CHECKPOINTS

    @property
    def history_file(self) -> Path:
        """One row per finished epoch."""
        return self.path / "history.csv"

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result of this run must mention: how its data are split, what speaks against its maps."""
        warnings = self.locality_warning, self.restarts_warning, self.score_warning
        return (*self.data.get("caveats", ()), *filter(None, warnings))

    @property
    def pixel_sizes_nm(self) -> dict[str, int]:
        """How many pictures of training, validation and test have each pixel size; ``nan`` is unknown."""
        return dict(self.data.get("pixel_sizes_nm", {}))

    @property
    def reading(self) -> ReadSettings:
        """How the files of its data were read."""
        return ReadSettings.from_dict(self.data.get("reading", {}))

    @property
    def mean_chord(self) -> float:
        """Mean chord in px of the maps that it drew after training, NaN where unknown."""
        chord = self.read(TrainingRecord).mean_chord_px if self.has(TrainingRecord) else None
        return math.nan if chord is None else chord

    @property
    def receptive_field(self) -> int:
        """Width in px of what one output value sees, see `models.network.Network.receptive_field`."""
        return network_of(self.config).receptive_field

    @property
    def reach(self) -> float:
        """Width in px of what its network uses: as measured after training, else of what it can see at most."""
        measured = self.read(TrainingRecord).reach_px if self.has(TrainingRecord) else None
        if measured is not None and math.isfinite(measured):
            return measured
        return self.receptive_field if network_of(self.config).is_local else math.inf

    @property
    def locality_warning(self) -> str:
        """Why its maps can't be believed where its network uses much more than they have areas, else empty."""
        return chords.warning(self.reach, self.mean_chord)

    @property
    def restarts_warning(self) -> str:
        """See `Restarts.warning`; empty where there were no restarts."""
        return self.read(Restarts).warning if self.has(Restarts) else ""

    @property
    def reference_statistics_file(self) -> Path:
        """The statistics of its pictures."""
        return self.path / "reference_statistics.json"

    @property
    def reference_statistics(self) -> ReferenceStatistics | None:
        """Statistics of its training and validation pictures; None where there are none, or they are of too few sheets.

        Raises:
            RunError: if the file is damaged.
        """
        file = self.reference_statistics_file
        values = _read(self.path, file.name) if file.is_file() else {}
        return ReferenceStatistics.from_dict(values) if values else None

    def write_reference_statistics(self, statistics: ReferenceStatistics | None) -> None:
        """Writes ``reference_statistics.json`` atomically; it is empty where there were too few sheets."""
        write_json(self.reference_statistics_file, statistics.to_dict() if statistics else {})

    @property
    def hypothesis_record(self) -> HypothesisRecord:
        """What g is and where it comes from, for ``hypothesis.json`` and all that shows it."""
        training = self.config.training
        name = ANCHORS if training.learn == ANCHORS else training.hypothesis
        # An ensemble or pooled folds have no scores of their members in their own folder.
        free = training.loss == CORRELATION and (self.free_ends or self.has(FreeEnds))
        return HypothesisRecord(name, training.learn, self.hypothesis, self.initial_hypothesis, free)

    @property
    def hypothesis_note(self) -> str:
        """See `HypothesisRecord.note`."""
        return self.hypothesis_record.note(self.labels.names)

    def last_checkpoint(self) -> tuple[int, Path] | None:
        """(finished epochs, file) of the newest complete checkpoint, None where there is none."""
        files = {int(p.name[len(_PREFIX) : -len(_SUFFIX)]): p for p in self.checkpoints.glob(f"{_PREFIX}*{_SUFFIX}")}
        return max(files.items()) if files else None

    def checkpoint_file(self, epochs: int) -> Path:
        """Where the checkpoint after so many epochs goes."""
        return self.checkpoints / f"{_PREFIX}{epochs:05d}{_SUFFIX}"

    def history(self) -> list[dict[str, float]]:
        """The rows of ``history.csv``, oldest first."""
        return read_rows(self.history_file)

    @property
    def monitor(self) -> str:
        """The column of the history whose lowest value marks the best epoch."""
        return _MONITOR[self.config.kind]

    def best_epoch(self, history: list[dict[str, float]] | None = None) -> int:
        """Index of the row whose weights are the run's, -1 where there is none.

        It is `lowest_epoch`; but the last row where no score is finite, the config says so, or where g moves while
        training, since scores against different g can't be compared, or where maps become sharp only at the end.
        """
        rows = self.history() if history is None else history
        best = self.lowest_epoch(rows) if self._keeps_best else -1
        return best if best >= 0 else len(rows) - 1

    @property
    def _keeps_best(self) -> bool:
        training = self.config.training
        return training.keep == "best" and training.learn != ITERATIVE and training.loss != CORRELATION

    @property
    def score_warning(self) -> str:
        """Why its weights are those of the last epoch though the best ones were asked for, else empty."""
        rows = self.history() if self._keeps_best else []
        if not rows or self.lowest_epoch(rows) >= 0:
            return ""
        return (
            f"the weights are those of the last epoch, not of the best: {self.monitor} is a finite number in no epoch, "
            "as where all validation pictures have one g"
        )

    def lowest_epoch(self, rows: list[dict[str, float]]) -> int:
        """Index of the row with the lowest finite monitored score, the first of equals; -1 where there is none."""
        return lowest(rows, self.monitor)

    def write_hypothesis(self) -> None:
        """Writes ``hypothesis.json``, atomically."""
        self.hypothesis_record.write(self.path / HYPOTHESIS)

    def write_history(self, rows: list[dict[str, float]]) -> None:
        """Writes all rows, atomically."""
        write_rows(self.history_file, rows)

    def load_model(self) -> keras.Model:
        """The model with its best weights, in float32 whatever it was trained in.

        Raises:
            RunError: if the weights are missing, damaged or don't fit the config.
        """
        from copper_tf.models.factory import build, load_weights

        file = self.checkpoints / BEST
        if not file.is_file():
            raise RunError(f"{self.path}: not trained yet; a run needs checkpoints/{BEST}. Received: no such file")
        model = build(self.config, len(self.labels.times))
        load_weights(model, file)
        return model

    def scores_file(self, name: str) -> Path:
        """Where the scores of that name go."""
        return self.path / "scores" / f"{name}.json"

    def has(self, kind: type[Result]) -> bool:
        """Whether a result of that kind is kept in ``scores/``."""
        return self.scores_file(kind.NAME).is_file()

    def write(self, result: Result) -> Path:
        """Writes a result as ``scores/NAME.json``, atomically, and returns its path."""
        return result.write(self.scores_file(result.NAME))

    def read(self, kind: type[R]) -> R:
        """The result of that kind.

        Raises:
            RunError: if there is none yet, or it is damaged or of another version.
        """
        if not self.has(kind):
            command = kind.COMMAND or kind.NAME
            raise RunError(
                f"{self.path}: no scores/{kind.NAME}.json yet; it is written by `copper {command}`. Received: none"
            )
        return kind.read(self.scores_file(kind.NAME))


def create_run(run: Run, *, force: bool = False) -> None:
    """Makes the folder of a new run; cut short by a kill, it can be made again.

    Args:
        run: what to write.
        force: delete a run that is already there.

    Raises:
        RunError: if the folder can't take a run, see `check_run_folder`.
        OutputError: if another process works in that folder.
    """
    check_run_folder(run.path, force=force)
    run.path.mkdir(parents=True, exist_ok=True)
    with lock_folder(run.path):
        # Another process may have made one meanwhile.
        check_run_folder(run.path, force=force)
        clear_folder(run.path)
        run.checkpoints.mkdir()
        write_json(run.path / "labels.json", dataclasses.asdict(run.labels))
        run.write_hypothesis()
        write_json(run.path / "normalisation.json", run.normalisation.to_dict())
        write_json(run.path / DATA, run.data)
        write_plugins(run.path, run.config)
        write_text(run.path / "config.json", run.config.to_json())
        write_text(run.path / MARKER, FORMAT + "\n")


def _read(path: Path, name: str) -> Any:
    try:
        return read_json(path / name)
    except ValueError as error:
        raise RunError(f"{path / name}: must be JSON. Received: {error}") from None


def open_run(path: str | os.PathLike[str]) -> Run:
    """Opens a run folder.

    Raises:
        RunError: if it isn't one, a file is missing or damaged, or its format is of another version.
    """
    path = Path(path)
    if not is_run(path):
        what = found_instead(path, is_run, "no run there")
        raise RunError(f"{path}: must be a run folder made by `copper train`. Received: {what}")
    check_links(path)
    check_whole(path)
    version = (path / MARKER).read_text().strip()
    if version != FORMAT:
        raise RunError(f"{path}: this version of copper-tf reads {FORMAT!r}. Received: {version!r}")
    check_plugins(path)
    contents = {name: _read(path, f"{name}.json") for name in ("config", "labels", "normalisation", "data")}
    hypothesis = HypothesisRecord.read(path / HYPOTHESIS)
    try:
        labels = Labels(tuple(float(t) for t in contents["labels"]["times"]), str(contents["labels"]["unit"]))
        config = Config.from_dict(contents["config"])
    except (KeyError, TypeError, ValueError, CopperError) as error:
        raise RunError(f"{path}: config.json or labels.json is damaged. Received: {error}") from None
    normalisation = Normalisation.from_dict(contents["normalisation"])
    run = Run(path, config, labels, hypothesis.g, normalisation, dict(contents["data"]), hypothesis.initial_g)
    # Not as hypothesis.json has it: a kill may have come between the two.
    return dataclasses.replace(run, free_ends=run.has(FreeEnds))


def _numbered_runs(path: str | os.PathLike[str], name: str) -> list[Run]:
    """The runs in the folders of that name, by number."""
    folders = {p.name.removeprefix(name.format("")): p for p in Path(path).glob(name.format("*")) if is_run(p)}
    if folders:
        check_links(Path(path))
    return [open_run(folders[number]) for number in sorted(folders, key=lambda n: (len(n), n))]


def all_caveats(runs: Sequence[Run]) -> list[str]:
    """What results of several runs together must mention: the caveats of all, each once.

    Args:
        runs: of a cross-validation or an ensemble.
    """
    return list(dict.fromkeys(text for run in runs for text in run.caveats))


def fold_runs(path: str | os.PathLike[str]) -> list[Run]:
    """The runs of a cross-validation, by fold; none where the folder holds none.

    Raises:
        RunError: if one of them is damaged.
    """
    return _numbered_runs(path, FOLD)


def seed_runs(path: str | os.PathLike[str]) -> list[Run]:
    """The runs of an ensemble, which differ in nothing but their seed; none where the folder holds none.

    Raises:
        RunError: if one of them is damaged, or of other settings or data than the first.
    """
    runs = _numbered_runs(path, SEED)
    for run in runs[1:]:
        same = run.config.replace(seed=0) == runs[0].config.replace(seed=0)
        if not same or run.data["fingerprint"] != runs[0].data["fingerprint"]:
            raise RunError(
                f"{run.path}: the runs of an ensemble must differ in their seed only. Received: other settings or "
                f"data than {runs[0].path}"
            )
    return runs
