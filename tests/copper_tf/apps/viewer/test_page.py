"""The viewer as it is used: in a browser, with a real server."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmarks.fuzz.window import opened
from copper_tf.cli.main import main
from copper_tf.utils.drawing import overlay
from tests.conftest import ROOT, small

WIDE, HIGH = 400, 300
SIZE_NM = 40.0
# The state of BokehJS: the ranges, the regions that were sent, and the scale bars as they are drawn.
BOKEH_STATE = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()];
  const figures = models.filter(m => m.type === "Figure");
  const sent = models.filter(m => m.type === "ColumnDataSource" && m.data.image?.length)
    .map(m => ({ dw: m.data.dw[0], rows: m.data.image[0].shape[0], columns: m.data.image[0].shape[1] }));
  const bars = models.filter(m => m.type === "ScaleBar").map(m => Bokeh.index.find_one(m))
    .map(v => ({ label: v.label_layout.text.text, px: v.axis_layout.sizing.width }));
  const [f, g] = figures;
  return { x: [f.x_range.start, f.x_range.end], y: [f.y_range.start, f.y_range.end],
    linked: f.x_range === g.x_range && f.y_range === g.y_range, size: [g.inner_width, g.inner_height], sent, bars };
}"""


def _picture(seed: int) -> np.ndarray:
    """Light and dark squares, each pixel of some other grey."""
    squares = np.kron(np.random.default_rng(seed).integers(0, 2, (15, 20)), np.ones((20, 20)))
    return (60 + 120 * squares + np.random.default_rng(seed + 1).integers(0, 60, (HIGH, WIDE))).astype(np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, runs: dict[str, Any], dataset: Any) -> dict[str, Path]:
    """An ensemble of two seeds, and two pictures."""
    from copper_tf.training.loop import train

    root = tmp_path_factory.mktemp("view")
    shutil.copytree(runs["segmenter"].path, root / "model" / "seed_0")
    train(small("segmenter", seed=1), dataset, root / "model" / "seed_1")
    for k in range(2):
        (root / f"t{k:02d}").mkdir()
        Image.fromarray(_picture(k)).save(root / f"t{k:02d}" / f"secret{k}.png")
    (root / "pictures").mkdir()
    for k in range(2):
        (root / f"t{k:02d}").rename(root / "pictures" / f"t{k:02d}")
    return {"root": root, "model": root / "model", "pictures": root / "pictures", "notes": root / "notes"}


@contextlib.contextmanager
def _served(*arguments: object) -> Iterator[str]:
    command = [sys.executable, "-m", "copper_tf.cli.main", "view", *map(str, arguments), "--no-open", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("http://127.0.0.1:"), first + process.stdout.read()
        yield first.split()[0]
    finally:
        # Not killed: it takes its temporary folder away.
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="module")
def address(place: dict[str, Path]) -> Iterator[str]:
    """Of a viewer of the ensemble and the two pictures."""
    with _served(place["model"], place["pictures"], "--notes", place["notes"], "--pixel-size", SIZE_NM) as found:
        yield found


@pytest.fixture(scope="module")
def maps(place: dict[str, Path]) -> dict[str, np.ndarray]:
    """What `copper predict` writes of the first picture."""
    out = place["root"] / "predicted"
    command = ["predict", place["model"], place["pictures"], "-o", out, "--pixel-size", SIZE_NM]
    assert main([str(part) for part in command]) == 0
    return {what: tifffile.imread(out / what / "t00" / "secret0.tif") for what in ("maps", "scatter")}


@pytest.fixture
def page(browser: Any, address: str, maps: dict[str, np.ndarray]) -> Iterator[Any]:
    """The page, with the map of the first picture on it; errors in the browser fail the test."""
    opened, errors = browser.new_page(viewport={"width": 1440, "height": 900}), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.get_by_role("button", name="Uncertainty").wait_for()
    yield opened
    opened.close()
    assert not errors


def _until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.03)


def _settled(page: Any) -> dict[str, Any]:
    """What the page shows, once nothing moves any more."""
    seen: list[Any] = []

    def rests() -> bool:
        page.wait_for_timeout(400)
        seen.append(page.evaluate(BOKEH_STATE))
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    _until(rests, "rest")
    found: dict[str, Any] = seen[-1]
    return found


def _download(page: Any, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=name).click()
    return Path(waiting.value.path()).read_bytes()


def _fraction(page: Any, threshold: str) -> str:
    """Moves the threshold by keys and reads the share."""
    handle = page.get_by_role("slider").nth(1)
    handle.focus()
    while float(handle.get_attribute("aria-valuetext") or handle.get_attribute("aria-valuenow")) < float(threshold):
        page.keyboard.press("ArrowRight")
    page.locator(".area-share").wait_for()
    page.wait_for_timeout(500)
    return str(page.locator(".area-share .big").inner_text())


def test_a_whole_picture_is_shown_and_all_is_of_this_machine(
    browser: Any, address: str, maps: dict[str, np.ndarray]
) -> None:
    page, urls = browser.new_page(viewport={"width": 1440, "height": 900}), []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(address)
    page.get_by_text(f"{maps['maps'].mean(dtype=np.float64):.3f}").wait_for()
    page.get_by_text(f"differ by {maps['scatter'].mean(dtype=np.float64):.3f}").wait_for()
    assert page.locator("h2").all_inner_texts()[:2] == ["t00", "t01"]
    page.get_by_text("trained at 100 nm per px; a map of a picture at 40 nm per px means nothing").wait_for()
    found = _settled(page)
    assert found["linked"] and found["x"] == [0, WIDE * SIZE_NM]
    # As high as wide: a pixel is a square.
    scale = [abs(b - a) / px for (a, b), px in zip((found["x"], found["y"]), found["size"], strict=True)]
    assert scale[0] == pytest.approx(scale[1], rel=0.01)
    assert [url for url in urls if not re.match(r"(data|blob):|(http|ws)://127\.0\.0\.1:", url)] == []
    page.close()


def _scale_bars_are_right(found: dict[str, Any]) -> None:
    per_px = (found["x"][1] - found["x"][0]) / found["size"][0]
    for bar in found["bars"]:
        value, unit = bar["label"].split()
        assert float(value) * {"nm": 1, "µm": 1000}[unit] == pytest.approx(bar["px"] * per_px, rel=0.04)


def test_zooming_shows_the_pixels_themselves_with_a_right_scale_bar(page: Any, maps: dict[str, np.ndarray]) -> None:
    _scale_bars_are_right(_settled(page))
    box = page.locator(".bk-Figure").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 350)
    for _ in range(6):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(60)
    found = _settled(page)
    assert found["x"][1] - found["x"][0] < WIDE * SIZE_NM / 3
    _scale_bars_are_right(found)
    # No more than the view and a little beyond it was sent, pixel by pixel.
    parts = [part for part in found["sent"] if part["dw"] < WIDE * SIZE_NM]
    assert len(parts) == 2 and all(part["columns"] * SIZE_NM == part["dw"] for part in parts)
    page.mouse.move(box["x"] + 130, box["y"] + 300)
    page.wait_for_timeout(300)
    across, down = (found[k][0] + px / side * (found[k][1] - found[k][0]) for k, px, side in
                    (("x", 130, found["size"][0]), ("y", found["size"][1] - 300, found["size"][1])))  # fmt: skip
    said = page.locator(".cursor p").inner_text()
    assert page.locator(".bk-Figure").first.bounding_box() == box
    x, y = (int(n) for n in re.match(r"x (\d+), y (\d+) px", said).groups())  # type: ignore[union-attr]
    assert abs(x - across / SIZE_NM) < 2 and abs(y - down / SIZE_NM) < 2
    expected = f"grey value {_picture(0)[y, x]}", f"potency {maps['maps'][y, x]:.3f}"
    assert all(text in said for text in (*expected, f"standard deviation {maps['scatter'][y, x]:.3f}"))
    page.get_by_role("button", name="Fit").click()
    _until(lambda: page.evaluate(BOKEH_STATE)["x"] == [0, WIDE * SIZE_NM], "the whole picture")
    page.get_by_role("button", name="1:1").click()
    found = _settled(page)
    assert (found["x"][1] - found["x"][0]) / SIZE_NM == pytest.approx(found["size"][0], rel=0.02)


def _shown(page: Any) -> np.ndarray:
    """The mean colour of the middle of the right figure."""
    png = page.locator(".bk-Figure").last.screenshot()
    values = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)
    height, width = values.shape[:2]
    return np.asarray(values[height // 2 - 150 : height // 2 + 150, width // 2 - 150 : width // 2 + 150].mean((0, 1)))


def test_the_overlay_has_the_colours_of_copper_predict(page: Any, maps: dict[str, np.ndarray]) -> None:
    page.get_by_role("button", name="Overlaid").click()
    _until(lambda: page.locator(".bk-Figure:visible").count() == 1, "one figure")
    page.get_by_role("button", name="1:1").click()
    _settled(page)
    page.mouse.move(5, 5)
    for palette, name in (("paper", "Paper"), ("safe", "Colour-blind safe")):
        page.get_by_role("button", name=name).click()
        page.wait_for_timeout(400)
        middle = slice(HIGH // 2 - 150, HIGH // 2 + 150), slice(WIDE // 2 - 150, WIDE // 2 + 150)
        expected = overlay(_picture(0), maps["maps"], palette)[middle].mean((0, 1))
        assert np.abs(_shown(page) - expected).max() < 4, palette
    before = _shown(page)
    page.get_by_role("button", name="Uncertainty").click()
    page.wait_for_timeout(400)
    assert np.abs(_shown(page) - before).max() > 4
    page.get_by_text("standard deviation over the seeds: 0").wait_for()


def test_the_share_over_a_threshold_is_that_of_numpy(page: Any, maps: dict[str, np.ndarray]) -> None:
    middle = f"{np.median(maps['maps']) + 0.01:.2f}" if np.median(maps["maps"]) >= 0.5 else "0.53"
    share = (maps["maps"] >= np.float32(middle)).mean()
    assert _fraction(page, middle) == f"{100 * share:.1f} %"
    # What lies below loses its colour.
    page.get_by_role("button", name="Fit").click()
    before = _shown(page)
    page.get_by_label("Hide the map below this potency").check()
    page.wait_for_timeout(400)
    after = _shown(page)
    assert share > 0.99 or np.abs(after - before).max() > 4
    rows = list(csv.DictReader(io.StringIO(_download(page, "Potency and area share").decode("utf-8-sig"))))
    assert float(rows[0]["area share"]) == share and float(rows[0]["threshold"]) == float(middle)
    assert [row["file"] for row in rows] == ["t00/secret0.png", "t01/secret1.png"]


def test_a_dropped_tiff_is_shown_and_no_one_else_sees_it(page: Any, browser: Any, address: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "new.tif", _picture(7))
    page.locator("input[type=file]").set_input_files(tmp_path / "new.tif")
    page.get_by_role("heading", name="new.tif").wait_for()
    page.get_by_role("link", name="Map (float TIFF)").wait_for()
    found = tifffile.imread(io.BytesIO(_download(page, "Map (float TIFF)")))
    assert found.shape == (HIGH, WIDE) and 0 <= found.min() < found.max() <= 1
    (tmp_path / "bad.tif").write_bytes(b"II*\0 this is no picture")
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.tif")
    problem = page.locator(".warning").filter(has_text="bad.tif: ")
    problem.wait_for()
    assert "Received: " in problem.inner_text() and str(tmp_path) not in page.content()
    other = browser.new_page()
    other.goto(address)
    other.get_by_role("button", name="Uncertainty").wait_for()
    other.locator("button img").nth(1).wait_for()
    page.locator("button img").nth(2).wait_for()
    assert other.locator("button img").count() == 2 and page.locator("button img").count() == 3
    other.close()


def test_a_note_is_there_after_a_reload(page: Any, address: str, place: dict[str, Path]) -> None:
    page.get_by_role("button", name="Add a note").click()
    page.get_by_text("Click the place on one of the pictures").wait_for()
    box = page.locator(".bk-Figure").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_placeholder("What is there?").fill("<b>a crack</b>")
    page.keyboard.press("Enter")
    page.get_by_text("<b>a crack</b>").wait_for()
    (note,) = json.loads((place["notes"] / "notes.json").read_text())["notes"]
    assert note["picture"] == "t00/secret0.png" and note["text"] == "<b>a crack</b>"
    assert abs(note["x"] - WIDE / 2) < 2 and abs(note["y"] - HIGH / 2) < 2
    page.goto(address)
    page.get_by_text("<b>a crack</b>").wait_for()
    (row,) = csv.DictReader(io.StringIO(_download(page, "Notes of all pictures").decode("utf-8-sig")))
    assert row["note"] == "<b>a crack</b>" and float(row["x_um"]) == pytest.approx(note["x"] * SIZE_NM / 1000)
    page.get_by_role("button", name="✕").click()
    page.get_by_text("<b>a crack</b>").wait_for(state="detached")
    assert json.loads((place["notes"] / "notes.json").read_text())["notes"] == []


def test_what_is_downloaded_is_what_predict_writes(page: Any, maps: dict[str, np.ndarray]) -> None:
    assert np.array_equal(tifffile.imread(io.BytesIO(_download(page, "Map (float TIFF)"))), maps["maps"])
    assert np.array_equal(tifffile.imread(io.BytesIO(_download(page, "Uncertainty (float TIFF)"))), maps["scatter"])
    with Image.open(io.BytesIO(_download(page, "Overlay with scale bar"))) as image:
        assert image.format == "PNG" and image.width > WIDE


def test_downloads_lead_to_nothing_else(page: Any, address: str, place: dict[str, Path]) -> None:
    link = page.get_by_role("link", name="Map (float TIFF)").get_attribute("href")
    ident = link.split("/")[1]
    wrong = [f"download/{ident}/notes.json", f"download/{'0' * 24}/map.tif", f"download/{ident}/../../notes.json"]
    wrong += [
        f"download/{ident}/%2e%2e%2fnotes.json",
        "download/",
        f"download/..%2f{ident}/map.tif",
        "notes/notes.json",
    ]
    wrong += [f"download/{ident}/overlay.png?{q}" for q in ("palette=x", "opacity=101", "opacity=-1", "opacity=1e9")]
    base, opener = opened(address)
    for path in wrong:
        with pytest.raises(urllib.error.HTTPError) as error:
            opener.open(base + path)
        assert error.value.code in (404, 409), path
        assert str(place["root"]) not in error.value.read().decode()
        error.value.close()


def test_the_command_says_what_is_wrong(
    runs: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str], place: dict[str, Path]
) -> None:
    def fails(*arguments: object) -> str:
        assert main(["view", *map(str, arguments)]) == 2
        (line,) = [text for text in capfd.readouterr().err.splitlines() if text.startswith("copper: ")]
        return line

    assert "must be a run of `copper train`" in fails("nowhere")
    assert "must be a segmenter, which draws maps. Received: a classifier" in fails(runs["classifier"].path)
    assert "nothing there" in fails(place["model"], "nothing.png", "--notes", tmp_path / "n")
    (tmp_path / "file").write_text("x")
    assert "notes must be a folder" in fails(place["model"], place["pictures"], "--notes", tmp_path / "file")
    (tmp_path / "notes.json").write_text("{}")
    assert "must be notes of `copper view`" in fails(place["model"], place["pictures"], "--notes", tmp_path)


def test_without_pictures_the_test_split_is_shown(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("copper_tf.apps.viewer.viewer.Viewer.serve", lambda viewer, *_: served.append(viewer.library))
    command = ["view", str(runs["segmenter"].path), "--notes", str(tmp_path / "n"), "--no-open"]
    assert main(command) == 0 and main(command) == 0
    library = served[1]
    assert [entry.t for entry in library.public] == [0, 0, 1, 1, 2, 2] and library.public[0].group == "t = 0"
    assert library.picture(library.public[0]).shape == (64, 80)
    assert library.thumbnail(library.public[0]).startswith("data:image/jpeg;base64,")
