"""The viewer without its page: pyramids, cached maps, area shares, notes, dropped pictures and downloads."""

from __future__ import annotations

import csv
import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.apps.viewer import viewer as viewing
from copper_tf.apps.viewer.cache import PERCENT, cache_map, cache_picture, open_map, open_picture
from copper_tf.apps.viewer.exports import note_rows, picture_rows, write_map, write_overlay
from copper_tf.apps.viewer.library import Entry, Library, MapState
from copper_tf.apps.viewer.notes import MAX_CHARACTERS, NoteBook
from copper_tf.apps.viewer.pyramid import Pyramid, View, halve, write_levels
from copper_tf.apps.viewer.uploads import Uploads, safe_name
from copper_tf.inference.inputs import Source
from copper_tf.inference.tiling import MapTile
from copper_tf.runs.labels import Labels
from tfds_copper.errors import CopperError, InputError, SettingError
from tfds_copper.micrograph import Opened, ReadSettings, Windows


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def _opened(pixels: np.ndarray, depth: int = 8, size: float = 50.0) -> Opened:
    return Opened(Windows.of(pixels, depth), size, ())


def _pyramid(tmp_path: Path, pixels: np.ndarray, least: int) -> Pyramid:
    np.save(tmp_path / "a_0.npy", pixels)
    count = write_levels(tmp_path / "a_0.npy", least)
    return Pyramid([np.load(tmp_path / f"a_{k}.npy") for k in range(count)], lambda values: values)


def test_halved_copies_are_means(tmp_path: Path) -> None:
    pixels = _noise(2101, 1303)
    pyramid = _pyramid(tmp_path, pixels, 300)
    assert [a.shape for a in pyramid.levels] == [(2101, 1303), (1051, 652), (526, 326), (263, 163)]
    even = np.pad(pixels, ((0, 1), (0, 1)), mode="edge").astype(float)
    expected = even.reshape(1051, 2, 652, 2).mean((1, 3))
    assert np.abs(pyramid.levels[1] - expected).max() <= 0.5
    assert halve(np.array([[1, 3], [5, 7]])).tolist() == [[4]]


def test_a_window_holds_the_pixels_themselves_where_one_is_a_screen_pixel_or_more(tmp_path: Path) -> None:
    pixels = _noise(700, 900)
    pyramid = _pyramid(tmp_path, pixels, 200)
    for scale in (1.0, 0.25):
        found = pyramid.region(View.centred(300, 200, scale, 100, 80))
        assert found is not None
        inside = pixels[found.y : found.y + found.height, found.x : found.x + found.width]
        assert np.array_equal(found.values, inside)
        # More than is shown, on all sides.
        assert found.x <= 300 - 50 * scale - 20 * scale and found.y + found.height >= 200 + 40 * scale + 15 * scale


@pytest.mark.parametrize("scale", [1.7, 2.0, 5.3, 40.0])
def test_a_window_is_no_larger_than_the_screen_needs_and_keeps_the_mean(tmp_path: Path, scale: float) -> None:
    smooth = np.add.outer(np.arange(2000) // 16, np.arange(2400) // 20).astype(np.uint8)
    pyramid = _pyramid(tmp_path, smooth, 128)
    view = View.centred(1200, 1000, scale, 300, 200)
    found = pyramid.region(view)
    assert found is not None
    assert found.values.shape[1] <= 300 * 1.5 * 1.3 and found.values.shape[0] <= 200 * 1.5 * 1.3
    inside = smooth[found.y : found.y + found.height, found.x : found.x + found.width]
    assert abs(float(found.values.mean()) - float(inside.mean())) < 1.5
    # And at its place: the left edge of the window is the left edge of what it shows.
    assert abs(float(found.values[:, 0].mean()) - float(inside[:, : max(1, int(scale))].mean())) < 3


def test_beside_the_picture_there_is_nothing(tmp_path: Path) -> None:
    pyramid = _pyramid(tmp_path, _noise(50, 60), 50)
    assert pyramid.region(View.centred(500, 20, 1, 100, 100)) is None
    whole = pyramid.region(View.centred(0, 0, 1, 10_000, 10_000))
    assert whole is not None and whole.values.shape == (50, 60) and pyramid.thumbnail(30).shape == (25, 30)


def test_a_view_fits_and_is_centred() -> None:
    view = View.fit((960, 1280), 640, 960)
    assert view.scale == 2 and view.edges == (0, 1280, -480, 1440) and view.centre == (640, 480)


def _cached_map(tmp_path: Path, potency: np.ndarray, scatter: np.ndarray | None = None) -> Any:
    height, width = potency.shape
    cuts = [(slice(0, 40), slice(0, width)), (slice(40, height), slice(0, 50)), (slice(40, height), slice(50, width))]
    tiles = [MapTile(*cut, potency[cut], None if scatter is None else scatter[cut]) for cut in cuts]
    cache_map(tmp_path / "map", potency.shape, iter(tiles))  # type: ignore[arg-type]
    return open_map(tmp_path / "map")


def test_the_share_over_every_threshold_is_that_of_numpy(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    potency = draw.uniform(size=(90, 110)).astype(np.float32)
    # Values on the thresholds themselves count.
    potency[:, :20] = (draw.integers(0, 101, (90, 20)) / PERCENT).astype(np.float32)
    found = _cached_map(tmp_path, potency)
    for step in range(PERCENT + 1):
        assert found.area_share(step) == (potency >= np.float32(step / PERCENT)).mean(), step
    assert found.area_share(0) == 1
    assert found.mean_potency == pytest.approx(float(potency.mean(dtype=np.float64)), abs=1e-12)
    assert np.array_equal(found.potency, potency) and found.scatter is None and found.scatter_pyramid is None


def test_the_scatter_is_kept_beside_the_map(tmp_path: Path) -> None:
    potency, scatter = (np.random.default_rng(k).uniform(size=(80, 100)).astype(np.float32) for k in (0, 1))
    found = _cached_map(tmp_path, potency, scatter / 4)
    assert np.array_equal(found.scatter, scatter / 4)
    assert found.mean_scatter == pytest.approx(float(scatter.mean()) / 4) and found.max_scatter == scatter.max() / 4
    window = found.scatter_pyramid.region(View.centred(50, 40, 1, 100, 80))
    assert window.values.max() == 255 and np.abs(window.values / 255 - scatter / scatter.max()).max() < 0.003


def test_a_cached_picture_is_the_picture(tmp_path: Path) -> None:
    pixels = _noise(70, 2100).astype(np.uint16) * 200
    cache_picture(tmp_path / "p", Opened(Windows.of(pixels, 16), math.nan, ("two notes", "of its reading")))
    picture = open_picture(tmp_path / "p")
    assert np.array_equal(picture.pixels, pixels) and picture.bit_depth == 16 and math.isnan(picture.pixel_size_nm)
    assert picture.notes == ("two notes", "of its reading") and len(picture.pyramid.levels) == 3
    window = picture.pyramid.region(View.centred(100, 30, 1, 50, 50))
    assert window is not None and window.values.dtype == np.uint8


class _Model:
    """Says grey / 255, and that a picture is too small."""

    kind = "segmenter"
    asked: list[str]

    def __init__(self) -> None:
        self.asked = []

    def map_tiles(self, picture: Windows, name: str = "", progress: Any = None) -> Any:
        self.asked.append(name)
        if min(picture.shape) < 20:
            raise InputError(f"{name}: this network needs pictures of at least 20x20 px. Received: less")
        rows, columns = (slice(0, side) for side in picture.shape)
        progress(1, 1, name)
        yield MapTile(rows, columns, (picture.read(rows, columns) / 255).astype(np.float32))


class _Described(_Model):
    """Says what a viewer asks of a model, too."""

    labels, pixel_sizes_nm, reference_statistics = Labels((0.0, 5.0), "h"), dict[str, int](), None
    hypothesis_note, caveats = "", ()

    def __init__(self, identity: str) -> None:
        super().__init__()
        self.identity = identity

    def reading(self, asked: ReadSettings) -> ReadSettings:
        return asked


def _library(tmp_path: Path, model: Any = None) -> Library:
    return Library(model or _Model(), Labels((0.0, 5.0), "h"), "k", tmp_path / "kept")


def _until_done(library: Library, *entries: Entry) -> list[MapState]:
    seen: list[MapState] = []
    done = threading.Event()

    def listener(entry: Entry, state: MapState) -> None:
        seen.append(state)
        if all(library.state(e).ready or library.state(e).error for e in entries):
            done.set()

    end = library.subscribe(listener)
    library.start()
    assert done.wait(20)
    library.stop()
    end()
    return seen


def test_maps_are_computed_and_kept_and_a_bad_picture_stops_no_other(tmp_path: Path) -> None:
    model = _Model()
    library = _library(tmp_path, model)
    small, first, second = (Entry.create(n, "g") for n in ("small", "first", "second"))
    for entry, side in ((small, 9), (first, 40), (second, 50)):
        library.add(entry, _opened(_noise(side, side)))
    library.prioritise(second)
    seen = _until_done(library, small, first, second)
    assert model.asked == ["second", "small", "first"] and MapState(1, 1) in seen
    assert "small: this network needs" in library.state(small).error and library.map(small) is None
    potency_map = library.map(second)
    assert potency_map is not None and np.array_equal(potency_map.potency, (_noise(50, 50) / 255).astype(np.float32))
    # Another session finds them.
    again = _library(tmp_path, model)
    again.add(first, _opened(_noise(40, 40)))
    assert again.state(first).ready and len(model.asked) == 3


def test_what_a_killed_viewer_left_is_removed_a_day_later(tmp_path: Path) -> None:
    import os

    old, new = (tmp_path / "kept" / "maps" / "k" / f".writing-{k}-x" for k in (1, 2))
    for place in (old, new):
        place.mkdir(parents=True)
    os.utime(old, (0, 0))
    _library(tmp_path)
    assert not old.exists() and new.exists()


def test_maps_are_kept_by_the_identity_of_their_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(_noise(60, 70)).save(tmp_path / "a.png")
    folders = []
    for identity in ("0" * 64, "0" * 64, "1" * 64):
        model = _Described(identity)
        monkeypatch.setattr(viewing, "open_predictor", lambda path, model=model: model)
        library = viewing.open_viewer(tmp_path / "model", [tmp_path / "a.png"], folder=tmp_path / "view").library
        folders.append(library._map_folder(library.public[0]))
    assert folders[0] == folders[1] != folders[2]


def test_a_picture_that_has_vanished_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(_noise(60, 70)).save(tmp_path / "a.png")
    monkeypatch.setattr(viewing, "open_predictor", lambda path: _Described("0" * 64))
    listed = [Source(tmp_path / name, name) for name in ("gone.png", "a.png")]
    monkeypatch.setattr(viewing, "sources_of", lambda paths: listed)
    failures: list[CopperError] = []
    viewer = viewing.open_viewer(tmp_path, [tmp_path], folder=tmp_path / "view", on_failure=failures.append)
    assert [entry.name for entry in viewer.library.public] == ["a.png"]
    (failure,) = failures
    assert "gone.png: a picture must be a readable file. Received: No such file" in str(failure)


def test_notes_are_saved_at_once_and_numbered(tmp_path: Path) -> None:
    book = NoteBook(tmp_path / "deep" / "notes.json")
    assert book.all() == []
    first = book.add("b.tif", 10.26, 20, "  a crack ", 0.75)
    assert (first.number, first.x, first.text) == (1, 10.3, "a crack")
    assert book.add("b.tif", 1, 2, "two").number == 2 and book.add("a.tif", 0, 0, "ひび").number == 1
    assert [(n.picture, n.number) for n in NoteBook(book.file).all()] == [("a.tif", 1), ("b.tif", 1), ("b.tif", 2)]
    assert math.isnan(NoteBook(book.file).of("a.tif")[0].potency)
    book.remove("b.tif", 1)
    assert [n.number for n in book.of("b.tif")] == [2] and book.add("b.tif", 5, 5, "three").number == 3
    with pytest.raises(SettingError, match="1 to 1000 characters. Received: 0"):
        book.add("b.tif", 5, 5, "   ")
    with pytest.raises(SettingError, match="Received: 1001"):
        book.add("b.tif", 5, 5, "x" * (MAX_CHARACTERS + 1))
    book.file.write_text('{"format": "other"}')
    with pytest.raises(InputError, match="must be notes of `copper view`"):
        NoteBook(book.file)


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    book = NoteBook(tmp_path / "notes.json")
    threads = [threading.Thread(target=lambda k=k: [book.add(f"{k}", 1, 1, "x") for _ in range(10)]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(book.of(str(k))) for k in range(4)] == [10] * 4


def test_names_that_browsers_send_are_made_plain() -> None:
    assert safe_name("../../etc/passwd") == "passwd" and safe_name("C:\\x\\a.tif") == "a.tif"
    assert safe_name("<script>.png") == "_script_.png" and safe_name("...") == "picture"
    assert len(safe_name("a" * 500 + ".tif")) == 80


def test_dropped_pictures_are_read_as_any_other_and_gone_when_the_page_is(tmp_path: Path) -> None:
    library = _library(tmp_path)
    (tmp_path / "root").mkdir()
    uploads = Uploads(library, ReadSettings(pixel_size=25.0), tmp_path / "root")
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, _noise(64, 80))
    entry = uploads.add("../x/a.tif", file.read_bytes())
    assert entry.name.startswith("a.tif (") and library.picture(entry).pixel_size_nm == 25
    assert np.array_equal(library.picture(entry).pixels, _noise(64, 80)) and library.public == []
    assert uploads.add("a.tif", file.read_bytes()) == entry
    with pytest.raises(InputError, match=r"a\.exe: a picture .* is needed. Received: \.exe"):
        uploads.add("a.exe", b"MZ")
    with pytest.raises(InputError, match="^fake.png: ") as error:
        uploads.add("fake.png", b"no picture at all")
    assert str(tmp_path) not in str(error.value)
    bomb = tmp_path / "bomb.png"
    Image.new("L", (20_000, 20_000)).save(bomb)
    assert bomb.stat().st_size < 10**6
    with pytest.raises(InputError, match="bomb.png"):
        uploads.add("bomb.png", bomb.read_bytes())
    uploads.close()
    assert library.get(entry.ident) is None and list((tmp_path / "root").iterdir()) == []


def _with_map(tmp_path: Path) -> tuple[Library, Entry]:
    library = _library(tmp_path)
    entry = Entry.create("t0/a.png", "g", sheet="s", t=0.0)
    library.add(entry, _opened(_noise(60, 70)))
    library.compute(entry)
    return library, entry


def test_downloaded_files(tmp_path: Path) -> None:
    library, entry = _with_map(tmp_path)
    picture, potency_map = library.picture(entry), library.map(entry)
    assert potency_map is not None
    write_map(tmp_path / "m.tif", potency_map.potency, picture.pixel_size_nm)
    with tifffile.TiffFile(tmp_path / "m.tif") as tiff:
        assert np.array_equal(tiff.asarray(), potency_map.potency) and tiff.imagej_metadata["unit"] == "um"
    pictures = []
    for strength in (0.0, 1.0):
        write_overlay(tmp_path / "o.png", picture, potency_map, "paper", strength)
        with Image.open(tmp_path / "o.png") as image:
            pictures.append(np.asarray(image.convert("RGB")).astype(int)[:100, :100])
    grey, coloured = pictures
    assert np.array_equal(grey[..., 0], grey[..., 2]) and np.abs(coloured[..., 0] - coloured[..., 2]).max() > 50


def test_downloaded_tables(tmp_path: Path) -> None:
    from copper_tf.utils.tables import write_tables

    library, entry = _with_map(tmp_path)
    book = NoteBook(tmp_path / "notes.json")
    with pytest.raises(InputError, match="at least one note"):
        note_rows(library, book)
    book.add(entry.name, 10, 20, 'a, "quoted" note', 0.5)
    (row,) = note_rows(library, book)
    assert (row["x"], row["x_um"], row["y_um"]) == (10, 0.5, 1.0)
    write_tables(tmp_path / "n.csv", [row], [])
    with (tmp_path / "n.csv").open(encoding="utf-8-sig") as file:
        assert next(csv.DictReader(file))["note"] == 'a, "quoted" note'
    (row,) = picture_rows(library, library.public, 30)
    potency = (_noise(60, 70) / 255).astype(np.float32)
    assert row["area share"] == (potency >= np.float32(0.3)).mean() and row["threshold"] == 0.3
    assert row["potency"] == pytest.approx(potency.mean()) and (row["sheet"], row["t"]) == ("s", 0)
    with pytest.raises(InputError, match="at least one map"):
        picture_rows(library, [], 30)
    assert json.loads(book.file.read_text())["notes"][0]["text"] == 'a, "quoted" note'
