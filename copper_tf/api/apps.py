"""Pages in the browser: the viewer, and the blind test of experts beside the model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from copper_tf.analysis.blindtest.folder import BlindTest
from copper_tf.analysis.blindtest.folder import open_test as open_blindtest
from copper_tf.analysis.blindtest.results import BlindTestResult
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.apps.blindtest.guessing import Guesses
from copper_tf.apps.web import server
from copper_tf.apps.web.server import LOOPBACK, open_in_browser
from copper_tf.runs.datasets import located
from copper_tf.runs.run import is_run, seed_runs
from tfds_copper.errors import CopperError
from tfds_copper.micrograph import ReadSettings
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    import panel as pn

__all__ = [
    "LOOPBACK",
    "BlindSettings",
    "BlindTest",
    "BlindTestResult",
    "blindtest",
    "open_blindtest",
    "open_in_browser",
    "prepare_blindtest",
    "score_blindtest",
    "view",
]

PathLike = str | os.PathLike[str]
_Served = TypeVar("_Served")


def _on_start(on_start: Callable[[str, _Served], None] | None, served: _Served) -> Callable[[str], None]:
    """What to call with the URL: the caller's function, or the browser."""

    def started(url: str) -> None:
        if on_start:
            on_start(url, served)
        else:
            open_in_browser(url)

    return started


def view(
    model: PathLike,
    pictures: PathLike | Sequence[PathLike] = (),
    *,
    folder: PathLike | None = None,
    data: PathLike | None = None,
    read_settings: ReadSettings | None = None,
    address: str = LOOPBACK,
    port: int = 5007,
    on_start: Callable[[str, Path], None] | None = None,
    on_failure: Callable[[CopperError], None] | None = None,
    progress: Progress | None = None,
    **settings: bool | int | float | str,
) -> None:
    """Shows micrographs and their potency maps in the browser, until it is interrupted.

    Maps are computed while the page is used and cached for the next time; more pictures can be dropped on the page.

    Args:
        model: a segmenter: a run, a folder of runs that differ in their seed (with the uncertainty of their maps), or
            an export.
        pictures: files or folders; without any, the test pictures of the run's dataset.
        folder: of notes and cached maps; None is ``MODEL.view`` beside the model.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        read_settings: how pictures are read; the defaults where None.
        address: IP address to listen on; the token that the page needs is part of its URL.
        port: to listen on; 0 picks a free one.
        on_start: called with the URL and the folder once the server listens; None opens the page in a browser.
        on_failure: called for each picture that can't be read.
        progress: called with (done, total, task) while pictures are read.
        **settings: single settings of `ReadSettings`, by name.

    Raises:
        InputError: if no picture is readable, or the folder is a file or holds damaged notes.
        RunError: if the model is no segmenter.
        SettingError: if a setting is not allowed, the address or the port can't be used, or Panel isn't installed.

    Example:
        >>> copper_tf.view("run", "pictures", pixel_size=25.0)  # doctest: +SKIP
    """
    chosen = ReadSettings.from_dict({**(read_settings.to_dict() if read_settings else {}), **settings})
    from copper_tf.apps.viewer.viewer import open_viewer

    located([model], data)
    paths = [pictures] if isinstance(pictures, str | os.PathLike) else list(pictures)
    viewer = open_viewer(model, paths, folder=folder, reading=chosen, on_failure=on_failure, progress=progress)
    viewer.serve(address, port, _on_start(on_start, viewer.folder))


def prepare_blindtest(
    sources: PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    *,
    decoding: str | None = None,
    data: PathLike | None = None,
    progress: Progress | None = None,
    **settings: bool | int,
) -> BlindTest:
    """Prepares a blind test, or opens the one that the same call prepared before.

    Args:
        sources: evaluated runs of one dataset (a segmenter can draw the maps of ``with_map``), a built dataset, or the
            folder of a test.
        output: folder of a new test.
        decoding: how the probabilities of a classifier become grades, ``"median"`` (the default) or ``"argmax"``.
        data: where the dataset lies now, if it has moved since training; the runs note it.
        progress: called with (done, total, task).
        **settings: of `BlindSettings`, by name.

    Returns:
        The test.

    Raises:
        InputError: if a source is none of these.
        OutputError: if the output folder holds something else.
        SettingError: if a setting is not allowed, or given for a test that exists.

    Example:
        >>> test = copper_tf.prepare_blindtest(dataset, "test", pictures=3, practice=3)
        >>> test.pictures, test.rounds
        (3, ('without map',))
    """
    from copper_tf.analysis.blindtest.sources import open_or_prepare

    paths = [Path(p) for p in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    located([path for path in paths if is_run(path) or seed_runs(path)], data)
    return open_or_prepare(paths, Path(output) if output else None, settings, decoding, progress)


def blindtest(
    sources: BlindTest | PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    *,
    decoding: str | None = None,
    data: PathLike | None = None,
    address: str = LOOPBACK,
    port: int = 5008,
    on_start: Callable[[str, BlindTest], None] | None = None,
    progress: Progress | None = None,
    **settings: bool | int,
) -> BlindTest:
    """Prepares or continues a blind test and serves its page, until it is interrupted.

    Args:
        sources: a test, or what `prepare_blindtest` takes.
        output: folder of a new test.
        decoding: see `prepare_blindtest`.
        data: see `prepare_blindtest`.
        address: IP address to listen on; the token that the page needs is part of its URL.
        port: to listen on; 0 picks a free one.
        on_start: called with the URL and the test once the server listens; None opens the page in a browser.
        progress: called with (done, total, task) while the test is prepared.
        **settings: of `BlindSettings`, by name.

    Returns:
        The test.

    Raises:
        CopperError: see `prepare_blindtest`.
        SettingError: also if the address or the port can't be used, or Panel isn't installed.

    Example:
        >>> copper_tf.blindtest(["classifier", "segmenter"], "test", with_map=True)  # doctest: +SKIP
    """
    if isinstance(sources, BlindTest):
        test = sources
    else:
        test = prepare_blindtest(sources, output, decoding=decoding, data=data, progress=progress, **settings)

    guesses = Guesses()

    def page() -> pn.Column:
        from copper_tf.apps.blindtest.page import Page

        return Page(test, guesses).view

    server.serve(page, address, port, _on_start(on_start, test), "Blind test")
    return test


def score_blindtest(test: BlindTest | PathLike) -> BlindTestResult:
    """Scores what raters submitted beside the models, and writes the page of results.

    Args:
        test: a test or its folder, with the key.

    Returns:
        The result; ``test.page`` is the page.

    Raises:
        InputError: if no round was submitted, or the key is missing.

    Example:
        >>> result = copper_tf.score_blindtest(submitted)
        >>> [grader.name for grader in result.graders], result.unfinished
        (['Anna', 'net'], ())
        >>> result.graders[0].scores["accuracy"]
        0.625
    """
    from copper_tf.analysis.blindtest.scoring import score
    from copper_tf.reports.blindtest.page import render_blindtest

    opened = test if isinstance(test, BlindTest) else open_blindtest(test)
    result = score(opened)
    render_blindtest(opened, result)
    return result
