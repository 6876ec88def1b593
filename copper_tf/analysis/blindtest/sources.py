"""What a blind test is prepared from: evaluated runs, or a dataset; or the folder of a test that exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from copper_tf.analysis.blindtest.folder import BlindTest, is_test, open_test, read_key
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import read_graders
from copper_tf.analysis.comparison_results import DECODINGS
from copper_tf.runs.run import fold_runs, is_run, open_run, seed_runs
from tfds_copper.dataset import is_dataset
from tfds_copper.errors import InputError, OutputError, SettingError
from tfds_copper.progress import Progress

__all__ = ["open_or_prepare"]


def open_or_prepare(
    sources: Sequence[Path],
    output: Path | None,
    given: Mapping[str, bool | int],
    decoding: str | None = None,
    progress: Progress | None = None,
) -> BlindTest:
    """Opens the test in a folder, or prepares a new one.

    Args:
        sources: evaluated runs of one dataset, a dataset alone, or the folder of a test.
        output: folder of a new test; if it holds one made of the same sources and settings, that one is opened.
        given: the settings of `BlindSettings` that were given.
        decoding: how the probabilities of a classifier become grades; None is the median.
        progress: called with (done, total, task).

    Raises:
        InputError: if a source is none of these.
        OutputError: if the output folder holds something else.
        SettingError: if a setting is unknown, or given for a test that exists.
    """
    settings = BlindSettings.from_dict(dict(given))
    if decoding is not None and decoding not in DECODINGS:
        raise SettingError(f"decoding must be one of {', '.join(DECODINGS)}. Received: {decoding!r}")
    if len(sources) == 1 and is_test(sources[0]):
        extra = {**given, "decoding": decoding, "output": output}
        names = [name for name, value in extra.items() if value is not None]
        if names:
            raise SettingError(
                f"{sources[0]}: an existing test keeps its pictures and order; --{names[0].replace('_', '-')} is for "
                f"a new one. Received: {', '.join(names)}"
            )
        return open_test(sources[0])
    if output is None:
        _runs(sources)
        raise SettingError("output must be a folder for the new test, by -o. Received: none")
    if not is_test(output):
        return _prepare(sources, output, decoding or "median", settings, progress)
    test = open_test(output)
    _check_same(test, sources, given)
    return test


def _runs(sources: Sequence[Path]) -> list[Path]:
    """The runs among the sources; none where the source is a dataset."""
    if len(sources) == 1 and is_dataset(sources[0]):
        return []
    for path in sources:
        if fold_runs(path):
            raise InputError(f"{path}: every fold has its own test pictures; name the run of one. Received: all folds")
        if not (is_run(path) or seed_runs(path)):
            what = "nothing there" if not path.exists() else "none of them"
            raise InputError(f"{path}: must be an evaluated run, a dataset, or the folder of a test. Received: {what}")
    return list(sources)


def _prepare(
    sources: Sequence[Path], output: Path, decoding: str, settings: BlindSettings, progress: Progress | None
) -> BlindTest:
    from copper_tf.utils.tensorflow import import_tensorflow

    paths = _runs(sources)
    graders = read_graders(paths, decoding)
    import_tensorflow()
    from copper_tf.analysis.blindtest.prepare import prepare
    from copper_tf.inference.loading import open_predictor
    from copper_tf.runs.datasets import dataset_of
    from tfds_copper.dataset import open_dataset

    dataset = dataset_of((seed_runs(paths[0]) or [open_run(paths[0])])[0]) if paths else open_dataset(sources[0])
    segmenters = [path for path, grader in zip(paths, graders, strict=True) if grader.kind == "segmenter"]
    mapper = open_predictor(segmenters[0]) if settings.with_map and segmenters else None
    return prepare(output, dataset, graders, settings, mapper, progress)


def _check_same(test: BlindTest, sources: Sequence[Path], given: Mapping[str, bool | int]) -> None:
    """Refuses sources or settings other than those of the test."""
    runs = _runs(sources)
    used = [path for model in read_key(test).models for path in model.paths]
    others = [str(path) for path in runs if str(path.resolve()) not in used]
    changed = {name: value for name, value in given.items() if getattr(test.settings, name) != value}
    if others or changed or len(used) != len(runs):
        what = ", ".join([*others, *(f"{name} {value}" for name, value in changed.items())]) or "other runs"
        raise OutputError(
            f"{test.path}: holds a test with other sources or settings; `copper blindtest {test.path}` continues it, "
            f"a new test needs a folder of its own. Received: {what}"
        )
