"""The viewer: a model, the pictures to show with their maps, and the notes; and its web server."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.messages import about
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.apps.viewer.uploads import Readers, Uploads
from copper_tf.apps.web import server
from copper_tf.inference.inputs import Source, sources_of
from copper_tf.inference.loading import open_predictor
from copper_tf.runs.run import is_run, open_run, seed_runs
from tfds_copper.errors import CopperError, InputError, RunError
from tfds_copper.files import path_beside
from tfds_copper.micrograph import Opened, ReadSettings, Windows, open_windows
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    import panel as pn

__all__ = ["Viewer", "open_viewer"]

# The heading of pictures that lie in no folder.
_GROUP = "Pictures"
# A dropped picture arrives in chunks of 1 MB.
_MAX_MESSAGE_BYTES = 4 * 2**20
_READERS = 2
# Digits of a model's identity that its folder of maps is named by.
_KEY = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Viewer:
    """What the pages of a viewer share.

    Attributes:
        library: the pictures and their maps.
        notes: on the pictures.
        reading: how dropped pictures are read.
        about: what the map means and the caveats of the model, as HTML.
        folder: of notes and cached maps.
    """

    library: Library
    notes: NoteBook
    reading: ReadSettings
    about: str
    folder: Path

    def serve(self, address: str, port: int, on_start: Callable[[str], None]) -> None:
        """Serves the page until it is interrupted, see `web.server.serve`; maps are computed meanwhile.

        Args:
            address: to listen on.
            port: to listen on; 0 picks a free one.
            on_start: called with the URL once the server listens.

        Raises:
            SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
        """
        readers = Readers(_READERS)

        def page() -> pn.Column:
            from copper_tf.apps.viewer.page import Page

            uploads = Uploads(self.library, self.reading, Path(root))
            return Page(self.library, self.notes, uploads, readers, self.about).view

        def listening(url: str) -> None:
            self.library.start()
            on_start(url)

        routes = self._routes()
        # A picture may still be read when the viewer ends.
        with tempfile.TemporaryDirectory(prefix="copper-view-", ignore_cleanup_errors=True) as root:
            try:
                server.serve(
                    page, address, port, listening, "Potency maps", _MAX_MESSAGE_BYTES, routes, ["filedropper"]
                )
            finally:
                self.library.stop()

    def _routes(self) -> list[server.Route]:
        """The downloads; none where Tornado isn't installed, which `web.server.serve` reports."""
        try:
            from copper_tf.apps.viewer.downloads import download_route
        except ModuleNotFoundError:
            return []
        return [download_route(self.library, self.notes)]


def open_viewer(
    model: str | os.PathLike[str],
    pictures: Sequence[str | os.PathLike[str]] = (),
    *,
    folder: str | os.PathLike[str] | None = None,
    reading: ReadSettings | None = None,
    on_failure: Callable[[CopperError], None] | None = None,
    progress: Progress | None = None,
) -> Viewer:
    """Opens a viewer of micrographs and their potency maps.

    Args:
        model: a segmenter: a run, a folder of runs that differ in their seed, or an export.
        pictures: files or folders; without any, the test pictures of the run's dataset.
        folder: of notes and cached maps; None is ``MODEL.view`` beside the model.
        reading: how pictures are read.
        on_failure: called for each picture that can't be read.
        progress: called with (done, total, task).

    Raises:
        InputError: if no picture is readable, or the folder is a file or holds damaged notes.
        RunError: if the model is no segmenter.
    """
    path = Path(model)
    predictor = open_predictor(path)
    settings = predictor.reading(reading or ReadSettings())
    if predictor.kind != "segmenter":
        raise RunError(f"{path}: must be a segmenter, which draws maps. Received: a {predictor.kind}")
    from copper_tf.ood.check import pixel_size_range

    place = _make_folder(path, folder)
    notes = NoteBook(place / "notes.json")
    scale = pixel_size_range(predictor.pixel_sizes_nm)
    key = predictor.identity[:_KEY]
    library = Library(predictor, predictor.labels, key, place, scale, predictor.reference_statistics)
    if pictures:
        _add_files(library, [Path(p) for p in pictures], settings, on_failure, progress)
    else:
        _add_test_split(library, path, progress)
    text = about(library.labels, path.resolve().name, predictor.hypothesis_note, predictor.caveats)
    return Viewer(library, notes, settings, text, place)


def _make_folder(model: Path, folder: str | os.PathLike[str] | None) -> Path:
    path = Path(folder) if folder else path_beside(model, "view")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: notes must be a folder. Received: a file")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _entry_of(source: Source, reading: ReadSettings) -> Entry:
    """The entry of a picture file; it may have vanished since it was listed.

    Raises:
        InputError: if the file is not there.
    """
    try:
        stat = source.path.stat()
    except OSError as error:
        raise InputError(f"{source.path}: a picture must be a readable file. Received: {error.strerror}") from error
    identity = (source.path.resolve(), stat.st_size, stat.st_mtime_ns, source.pixel_size_nm, reading)
    folder = Path(source.name).parent.as_posix()
    return Entry.create(source.name, _GROUP if folder == "." else folder, *identity, sheet=source.sheet)


def _add_files(
    library: Library, pictures: Sequence[Path], reading: ReadSettings,
    on_failure: Callable[[CopperError], None] | None, progress: Progress | None,
) -> None:  # fmt: skip
    """Adds picture files, grouped by their folders."""
    sources, failures = list(sources_of(pictures)), []
    for done, source in enumerate(sources, start=1):
        try:
            entry = _entry_of(source, reading)
            with open_windows(source.path, reading, source.pixel_size_nm, progress) as opened:
                library.add(entry, opened)
        except CopperError as error:
            failures.append(error)
        if progress:
            progress(done, len(sources), "reading pictures")
    for failure in failures:
        if on_failure:
            on_failure(failure)
    if not library.public:
        raise InputError(f"at least one picture must be readable. Received: {len(failures)} that are not")


def _add_test_split(library: Library, model: Path, progress: Progress | None) -> None:
    """Adds the test pictures of the run's dataset, grouped by label."""
    from copper_tf.data.pictures import examples
    from copper_tf.runs.datasets import dataset_of

    runs = seed_runs(model) or ([open_run(model)] if is_run(model) else [])
    if not runs:
        raise InputError(f"{model}: an export has no pictures of its own; name some after it. Received: none")
    dataset, names = dataset_of(runs[0]), runs[0].labels.names
    total, entries = dataset.split_sizes["test"], []
    for done, example in enumerate(examples(dataset, "test"), start=1):
        group = f"t = {names[example.label]}"
        entry = Entry.create(example.file, group, dataset.fingerprint, sheet=example.sheet, t=example.t)
        library.add(entry, Opened(Windows.of(example.pixels, example.bit_depth), example.pixel_size_nm, ()))
        entries.append(entry)
        if progress:
            progress(done, total, "reading test pictures")
    library.reorder(sorted(entries, key=lambda entry: (entry.t, entry.name)))
