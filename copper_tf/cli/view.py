"""``copper view``: micrographs and their potency maps in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.cli.options import flags, group_of
from copper_tf.cli.pages import address_option, port_option
from copper_tf.cli.progress import progress_bar
from copper_tf.inference.inputs import sources_of
from tfds_copper.errors import CopperError, InputError, RunError
from tfds_copper.micrograph import ReadSettings, open_windows
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.apps.viewer.library import Library

__all__ = ["command"]

_GROUP = "Pictures"


def _add_files(library: Library, pictures: tuple[Path, ...], reading: ReadSettings, progress: Progress) -> None:
    """Takes files in, under the folders they lie in."""
    from copper_tf.apps.viewer.library import Entry

    sources, failures = list(sources_of(pictures)), []
    for done, source in enumerate(sources, start=1):
        about = source.path.stat()
        identity = (source.path.resolve(), about.st_size, about.st_mtime_ns, source.pixel_size_nm, reading)
        folder = Path(source.name).parent.as_posix()
        entry = Entry.of(source.name, _GROUP if folder == "." else folder, *identity, sheet=source.sheet)
        try:
            with open_windows(source.path, reading, source.pixel_size_nm, progress) as opened:
                library.add(entry, opened)
        except CopperError as error:
            failures.append(error)
        progress(done, len(sources), "reading pictures")
    for failure in failures:
        click.echo(f"copper: {failure}", err=True)
    if not library.shown:
        raise InputError(f"at least one picture must be readable. Received: {len(failures)} that are not")


def _add_tests(library: Library, model: Path, progress: Progress) -> None:
    """Takes the test pictures of the run's dataset in, under their labels."""
    from copper_tf.apps.viewer.library import Entry
    from copper_tf.data.pictures import Example, examples
    from copper_tf.runs.datasets import dataset_of
    from copper_tf.runs.run import is_run, open_run, seed_runs
    from tfds_copper.micrograph import Opened, Windows

    members = seed_runs(model) or ([open_run(model)] if is_run(model) else [])
    if not members:
        raise InputError(f"{model}: an export has no pictures of its own; name some after it. Received: none")
    dataset = dataset_of(members[0])
    names, total = members[0].labels.names, dataset.split_sizes["test"]

    def opened(example: Example) -> Opened:
        return Opened(Windows.of(example.pixels, example.bit_depth), example.pixel_size_nm, ())

    found = []
    for done, example in enumerate(examples(dataset, "test"), start=1):
        group = f"t = {names[example.label]}"
        entry = Entry.of(example.file, group, dataset.fingerprint, sheet=example.sheet, t=example.t)
        found.append((example.t, example.file, entry))
        library.add(entry, opened(example))
        progress(done, total, "reading test pictures")
    library.sort([entry for *_, entry in sorted(found, key=lambda row: row[:2])])


def _folder(model: Path, notes: Path | None) -> Path:
    """Where notes and maps are kept.

    Raises:
        InputError: if a file is in the way.
    """
    folder = notes or model.resolve().with_name(f"{model.resolve().name}.view")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: notes must be a folder. Received: a file")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@click.command("view")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--notes", type=click.Path(path_type=Path), default=None,
    help="Folder in which notes and computed maps are kept.  [default: MODEL.view beside MODEL]",
)  # fmt: skip
@flags(ReadSettings)
@address_option
@port_option(5007)
@click.option("--open/--no-open", "open_page", default=True, show_default=True, help="Open the page in a browser.")
def command(
    model: Path, pictures: tuple[Path, ...], notes: Path | None, address: str, port: int, open_page: bool,
    **values: Any,
) -> None:  # fmt: skip
    """Look at micrographs and their potency maps in the browser.

    MODEL is a segmenter: a run, runs of several seeds (with the uncertainty of their maps), or an export. PICTURES are
    files or folders; without any, the test pictures of the run's dataset are shown. More can be dropped on the page.
    Maps are computed while the page is used, and kept for the next time.
    """
    from copper_tf.inference.loading import open_predictor

    reading = group_of(ReadSettings, values)
    predictor = open_predictor(model)
    if predictor.kind != "segmenter":
        raise RunError(f"{model}: must be a segmenter, which draws maps. Received: a {predictor.kind}")
    from copper_tf.apps.viewer.library import Library, model_key
    from copper_tf.apps.viewer.messages import about
    from copper_tf.apps.viewer.notes import NoteBook
    from copper_tf.apps.viewer.server import serve
    from copper_tf.ood.check import pixel_size_range

    folder = _folder(model, notes)
    book = NoteBook(folder / "notes.json")
    scale = pixel_size_range(predictor.pixel_sizes_nm)
    library = Library(predictor, predictor.labels, model_key(model), folder, scale, predictor.reference_statistics)
    with progress_bar() as progress:
        if pictures:
            _add_files(library, pictures, reading, progress)
        else:
            _add_tests(library, model, progress)

    def opened(url: str) -> None:
        click.echo(f"{url} is the page of the viewer; Ctrl+C stops it. Notes and maps are kept in {folder}")
        if open_page:
            click.launch(url)

    text = about(library.labels, model.resolve().name, predictor.hypothesis_note, predictor.caveats)
    serve(library, book, reading, text, address, port, opened)
