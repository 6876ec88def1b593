"""Dropped pictures and notes: what one page holds stays with it, and two servers lose nothing of each other."""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from copper_tf.apps.viewer import uploads as uploading
from copper_tf.apps.viewer.exports import note_rows
from copper_tf.apps.viewer.library import Entry
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.apps.viewer.uploads import Readers, Uploads
from tests.conftest import ROOT
from tests.copper_tf.apps.viewer.test_viewer import _library, _noise, _opened
from tfds_copper.errors import InputError
from tfds_copper.micrograph import ReadSettings


def _tiff(place: Path, seed: int = 0) -> bytes:
    tifffile.imwrite(place / "a.tif", _noise(64, 80, seed))
    return (place / "a.tif").read_bytes()


def _uploads(tmp_path: Path) -> Uploads:
    (tmp_path / "root").mkdir(exist_ok=True)
    return Uploads(_library(tmp_path), ReadSettings(), tmp_path / "root")


@pytest.mark.parametrize("moment", ["before it is written", "before it is added", "while it is added", "after that"])
def test_a_picture_goes_with_its_page_whenever_that_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    uploads, data = _uploads(tmp_path), _tiff(tmp_path)
    library: Any = uploads._library
    owner, name = {
        "before it is written": (Path, "write_bytes"),
        "before it is added": (uploading, "open_windows"),
        "while it is added": (library, "_picture_folder"),
        "after that": (library, "_map_folder"),
    }[moment]
    original = getattr(owner, name)

    def closing(*arguments: Any) -> Any:
        monkeypatch.undo()
        uploads.close()
        return original(*arguments)

    monkeypatch.setattr(owner, name, closing)
    # What it ends in there is nobody left to tell.
    with contextlib.suppress(InputError, OSError):
        uploads.add("a.tif", data)
    assert uploads.entries == [] and not library._entries and not library._queue
    assert list((tmp_path / "root").iterdir()) == []
    with pytest.raises(InputError, match="a closed one"):
        uploads.add("a.tif", data)


@pytest.mark.parametrize(("mode", "channels", "taken"), [("L", 1, True), ("rgb8", 3, True), ("rgb16", 3, False)])
def test_the_limit_is_of_all_channels_and_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, channels: int, taken: bool
) -> None:
    import imagecodecs

    # As 14142 px a side are to the limit itself.
    monkeypatch.setattr(uploading, "MAX_PIXELS", 2 * 100 * 100)
    kind = np.uint16 if mode == "rgb16" else np.uint8
    grey = np.repeat(_noise(100, 100)[..., None].astype(kind), channels, 2).squeeze()
    for name, data in (("a.png", imagecodecs.png_encode(grey)), ("b.tif", b"")):
        if not data:
            tifffile.imwrite(tmp_path / name, grey, photometric="rgb" if channels == 3 else "minisblack")
            data = (tmp_path / name).read_bytes()
        if taken:
            assert _uploads(tmp_path).add(name, data).name.startswith(name)
        else:
            with pytest.raises(InputError, match=f"^{name}: a picture must take at most 40000 bytes, all ch"):
                _uploads(tmp_path).add(name, data)


def _all_at_once(uploads: Uploads, monkeypatch: pytest.MonkeyPatch, *dropped: tuple[str, bytes]) -> list[Any]:
    """What adding gives for each picture: all are written before the first is read, and others after that is added."""
    original, met = uploading.open_windows, threading.Barrier(len(dropped))

    def waiting(*arguments: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            if met.wait(1):
                end = time.monotonic() + 10
                while not uploads.entries and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(0.1)
        return original(*arguments)

    monkeypatch.setattr(uploading, "open_windows", waiting)
    readers = Readers(len(dropped))
    tasks = [readers.submit(uploads.add, *one) for one in dropped]
    return [task.exception(60) or task.result(60) for task in tasks]


def test_one_picture_under_two_names_is_read_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads, data = _uploads(tmp_path), _tiff(tmp_path)
    found = _all_at_once(uploads, monkeypatch, ("a.tif", data), ("b.tif", data))
    assert sorted(entry.name[:5] for entry in found) == ["a.tif", "b.tif"]
    assert sorted(entry.name for entry in uploads.entries) == sorted(entry.name for entry in found)


def test_one_picture_that_is_dropped_twice_at_once_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, data = _uploads(tmp_path), _tiff(tmp_path)
    found = _all_at_once(uploads, monkeypatch, ("a.tif", data), ("a.tif", data))
    library: Any = uploads._library
    assert found[0] == found[1] and uploads.entries == found[:1] and list(library._queue) == [found[0].ident]


def test_no_more_pictures_are_taken_at_once_than_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "_MAX_PICTURES", 2)
    uploads = _uploads(tmp_path)
    found = _all_at_once(uploads, monkeypatch, *((f"{k}.tif", _tiff(tmp_path, k)) for k in range(4)))
    assert len(uploads.entries) == 2 and sum(isinstance(one, InputError) for one in found) == 2


def test_readers_do_not_keep_a_program_from_its_end() -> None:
    code = (
        "import time, sys; from copper_tf.apps.viewer.uploads import Readers\n"
        "readers = Readers(2)\n"
        "tasks = [readers.submit(time.sleep, 600) for _ in range(5)]\n"
        "time.sleep(0.2); print('end')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (done.stdout, done.returncode) == ("end\n", 0)


def test_readers_read_so_many_at_once() -> None:
    readers, lock, at_once = Readers(2), threading.Lock(), [0, 0]

    def read(number: int) -> int:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        time.sleep(0.02)
        with lock:
            at_once[0] -= 1
        return number

    assert [task.result(10) for task in [readers.submit(read, k) for k in range(6)]] == list(range(6))
    assert at_once == [0, 2]
    with pytest.raises(ZeroDivisionError):
        readers.submit(lambda: 1 // 0).result(10)


def _write_notes(file: str, name: str) -> None:
    book = NoteBook(Path(file))
    for _ in range(20):
        book.add(name, 1, 1, "x")


def test_two_servers_of_one_folder_lose_no_note(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    file = tmp_path / "notes" / "notes.json"
    file.parent.mkdir()
    workers = [context.Process(target=_write_notes, args=(str(file), name)) for name in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    assert [len(NoteBook(file).of(name)) for name in "ab"] == [20, 20]


def test_notes_on_a_dropped_picture_stay_with_its_page(tmp_path: Path) -> None:
    uploads = _uploads(tmp_path)
    library: Any = uploads._library
    shown = Entry.create("public.png", "g")
    library.add(shown, _opened(_noise(60, 70)))
    dropped = uploads.add("a.tif", _tiff(tmp_path))
    book = NoteBook(tmp_path / "notes.json")
    book.add(shown.name, 1, 2, "for all")
    uploads.notes.add(dropped.name, 3, 4, "for one")
    assert [row["note"] for row in note_rows(library, book, dropped)] == ["for all", "for one"]
    # Control: those who show the public picture get its notes.
    assert [row["note"] for row in note_rows(library, book, shown)] == ["for all"]
    uploads.close()
    assert "for one" not in book.file.read_text() and not list((tmp_path / "root").iterdir())


def test_the_page_writes_notes_on_dropped_pictures_apart(tmp_path: Path) -> None:
    pytest.importorskip("panel", reason="Panel isn't installed")
    from copper_tf.apps.viewer.canvas import Canvas
    from copper_tf.apps.viewer.notes_panel import NotesPanel

    common, own = NoteBook(tmp_path / "notes.json"), NoteBook(tmp_path / "own.json")
    panel = NotesPanel(common, own, Canvas(lambda _: None, lambda x, y: None, lambda call: None), lambda: None)
    for picture, private in (("public", False), ("dropped", True)):
        panel.show_picture(picture, private)
        panel._add.value = True
        panel.set_position(1, 2)
        panel._text.value = f"on {picture}"
        panel._save()
    assert [[note.text for note in book.all()] for book in (common, own)] == [["on public"], ["on dropped"]]


def test_who_writes_a_note_is_told_that_it_was_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("panel", reason="Panel isn't installed")
    from copper_tf.apps.viewer.canvas import Canvas
    from copper_tf.apps.viewer.notes_panel import NotesPanel

    common, own = NoteBook(tmp_path / "notes.json"), NoteBook(tmp_path / "own.json")
    panel = NotesPanel(common, own, Canvas(lambda _: None, lambda x, y: None, lambda call: None), lambda: None)

    def tries(text: str = "x") -> str:
        panel.show_picture("a", False)
        panel._add.value = True
        panel.set_position(1, 2)
        panel._text.value = text
        panel._save()
        return str(panel._error.object) if panel._error.visible else ""

    full, other = OSError(28, "No space left on device", str(tmp_path)), OSError(30, "Read-only", str(tmp_path))
    for error, said in ((full, "the disk is full"), (other, "their folder can&#x27;t be used")):
        with monkeypatch.context() as broken:
            broken.setattr("copper_tf.apps.viewer.notes.Notes.write", lambda *_, error=error: _raise(error))
            told = tries()
            assert said in told and str(tmp_path) not in told
    common.file.write_text("{}")
    told = tries()
    assert "notes.json: must be notes" in told and str(tmp_path) not in told
    common.file.unlink()
    assert tries() == "" and [note.text for note in common.all()] == ["x"]


def _raise(error: Exception) -> None:
    raise error


def test_a_map_that_fails_names_no_folder_of_the_server(tmp_path: Path) -> None:
    library: Any = _library(tmp_path)
    states: list[str] = []
    library.subscribe(lambda entry, state: states.append(state.error))
    for number, error in enumerate((OSError(28, "No space", str(tmp_path)), ValueError(str(tmp_path)))):
        library.compute = lambda entry, error=error: _raise(error)
        library.add(Entry.create(f"{number}.png", "g"), _opened(_noise(60, 70)))
        library.start()
        while len(states) <= number:
            time.sleep(0.01)
        library.stop()
        library._stopped = False
    assert states == ["0.png: no map. Received: the disk is full", "1.png: no map. Received: ValueError"]
