"""What DATA and MODEL on the command line stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.cli.options import explicit, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.utils.tensorflow import import_tensorflow, quiet
from tfds_copper.dataset import SemDataset, is_dataset, open_dataset, open_folds
from tfds_copper.errors import InputError, RunError, SettingError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress
from tfds_copper.settings import setting_fields
from tfds_copper.splits.assign import SplitSettings

if TYPE_CHECKING:
    from tfds_copper.audit.survey import Survey

__all__ = [
    "asked_of",
    "datasets_from",
    "looked_at",
    "predictor_from",
    "refuse_unsound",
    "single_dataset",
]


def asked_of(data: Path, values: dict[str, Any]) -> tuple[SplitSettings, ReadSettings]:
    """How the pictures of a folder are to be split and read; a dataset that is built has both already.

    Args:
        data: where the pictures are.
        values: of all flags of the command.

    Raises:
        SettingError: if something is asked for where it can't have an effect.
    """
    names = {f.name for group in (SplitSettings, ReadSettings) for f in setting_fields(group)} - {"seed"}
    asked = {name: value for name, value in values.items() if name in names}
    given = set(explicit(asked))
    if is_dataset(data):
        if given - {"fold"}:
            raise SettingError(
                f"{data}: a built dataset keeps the split it was built with; build it anew with `copper build`. "
                f"Received: {', '.join(sorted(given - {'fold'}))}"
            )
        folds = max(d.metadata["settings"]["folds"] for d in open_folds(data))
        asked["folds"] = folds
    return group_of(SplitSettings, asked), group_of(ReadSettings, asked)


def looked_at(folder: Path, split: SplitSettings, reading: ReadSettings, progress: Progress) -> Survey:
    """A SEM folder with a look at each of its pictures.

    Raises:
        InputError: if the folder or its labels can't be used.
    """
    from tfds_copper.audit.survey import survey
    from tfds_copper.folder.scan import scan

    return survey(scan(folder, split.sheet_from), reading, progress)


def refuse_unsound(looked: Survey, split: SplitSettings) -> None:
    """Stops before anything is built that nothing sound could be learnt from.

    Raises:
        InputError: naming the first thing that `copper check` calls unsound.
    """
    from tfds_copper.audit.findings import UNSOUND, findings

    wrong = [f for f in findings(looked, split) if f.level == UNSOUND]
    if not wrong:
        return
    if wrong[0].rule in ("unreadable", "split"):  # no --force helps against these
        raise InputError(wrong[0].text)
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    raise InputError(
        f"{looked.folder.root}: must be sound to train on; `copper check` shows all, `copper build --force` builds it "
        f"all the same. Received: {wrong[0].text}{more}"
    )


def datasets_from(path: Path, split: SplitSettings, reading: ReadSettings, progress: Progress) -> list[SemDataset]:
    """A built dataset or its folds; a SEM folder is built first, into ``FOLDER.tfds`` beside it.

    Raises:
        InputError: if it is neither, unsound, or can't be built.
    """
    if is_dataset(path):
        found = open_folds(path)
        return [d for d in found if d.metadata["settings"]["fold"] == split.fold] if split.fold else found
    looked = looked_at(path, split, reading, progress)
    refuse_unsound(looked, split)
    import_tensorflow()
    from tfds_copper.copper_sem import build_survey

    folder = path.resolve()
    target = folder.with_name(f"{folder.name}.tfds")
    return [open_dataset(d) for d in build_survey(looked, target, split, progress)]


def single_dataset(path: Path, values: dict[str, Any], why: str) -> SemDataset:
    """The one dataset at a path, with TensorFlow imported.

    Args:
        path: a built dataset or a SEM folder.
        values: of the command's flags.
        why: folds don't serve, for the message.

    Raises:
        InputError: if there are folds and none is chosen.
    """
    split, reading = asked_of(path, values)
    with progress_bar() as progress:
        found = datasets_from(path, split, reading, progress)
    if len(found) > 1:
        raise InputError(f"{path}: {why}; choose one by --fold. Received: {len(found)} folds")
    import_tensorflow()
    return found[0]


def predictor_from(path: Path, runtime: str | None = None) -> Any:
    """A `Predictor` of a run, an `Ensemble` of the runs of several seeds, or an `ExportedPredictor` of an export.

    Args:
        path: of the model.
        runtime: the format of an export to use; None takes the fastest.

    Raises:
        InputError: if an export can't be opened by what is asked for or installed.
        RunError: if it is neither, or incomplete.
        SettingError: if a runtime is asked for where there is no choice.
    """
    from copper_tf.runs.run import is_run, open_run, seed_runs

    members = seed_runs(path)
    if runtime and (members or is_run(path)):
        raise SettingError(f"runtime is for exports; {path} is a run, which TensorFlow opens. Received: {runtime}")
    if members:
        import_tensorflow()
        from copper_tf.inference.ensemble import Ensemble

        return Ensemble(members)
    if is_run(path):
        run = open_run(path)
        import_tensorflow()
        from copper_tf.inference.predictor import Predictor

        return Predictor(run)
    from copper_tf.inference.exported.predictor import ExportedPredictor, is_export

    if is_export(path):
        with quiet():
            return ExportedPredictor.load(path, runtime)
    what = "nothing there" if not path.exists() else "neither"
    raise RunError(f"{path}: must be a run of `copper train` or a model of `copper export`. Received: {what}")
