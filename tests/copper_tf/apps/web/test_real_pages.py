"""All that a real browser sends for our pages is let through, and the pages work whole by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from benchmarks.fuzz.pages import served
from copper_tf.apps.web.server import open_in_browser
from tests.pages import DESK, PHONE, overhangs, page_faults

pytest.importorskip("panel", reason="Panel isn't installed")
pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A small window, in which much must be scrolled."""
    context = browser.new_context(viewport={"width": 1000, "height": 500})
    yield context.new_page()
    context.close()


def _nothing_was_refused(place: Path) -> None:
    said = (place / "errors.txt").read_text()
    assert "refused" not in said and "rror" not in said, said


def _drag(page: Any, item: Any, by: tuple[int, int]) -> None:
    box = item.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0] / 2, y + by[1] / 2, steps=4)
    page.mouse.move(x + by[0], y + by[1], steps=4)
    page.mouse.up()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_viewer_is_read_on_a_desk_and_on_a_phone(browser: Any, tmp_path: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    with served("view", tmp_path) as (address, _):
        page.goto(address)
        page.get_by_role("slider", name="Potency at least").wait_for()
        assert page_faults(page) == []
        before = page.get_by_text("Potency at least: 0.50")
        before.wait_for()
        page.keyboard.press("t")
        page.get_by_text("Potency at least: 0.51").wait_for()
        page.keyboard.press("T")
        before.wait_for()
        page.keyboard.press("+")
        # A slider that has the focus takes the arrows.
        page.get_by_role("slider", name="Potency at least").press("ArrowRight")
        page.get_by_text("Potency at least: 0.51").wait_for()
    context.close()
    _nothing_was_refused(tmp_path)


def test_nothing_of_the_viewer_overlaps_at_any_width(page: Any, tmp_path: Path) -> None:
    with served("view", tmp_path) as (address, _):
        page.goto(address)
        page.get_by_role("link", name="Map (float TIFF)").wait_for()
        for width in (PHONE, 700, 899, 901, 1000, DESK, 1600):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(700)
            assert overhangs(page, ".title", ".sidebar", ".pictures", ".toolbar") == [], width
        # What is found is told: the legend on one line with the buttons, as it was.
        page.locator(".row.wrapping").evaluate("(row) => { row.style.flexWrap = 'nowrap'; }")
        page.locator(".colour-scale").evaluate("(scale) => { scale.style.flexWrap = 'nowrap'; }")
        page.set_viewport_size({"width": 1000, "height": 800})
        page.wait_for_timeout(700)
        assert overhangs(page, ".sidebar", ".pictures", ".toolbar") != []
    _nothing_was_refused(tmp_path)


def test_a_click_that_is_held_is_a_click(page: Any, tmp_path: Path) -> None:
    with served("view", tmp_path) as (address, _):
        page.goto(address)
        page.get_by_role("link", name="Map (float TIFF)").wait_for()
        page.get_by_role("button", name="Add a note").click()
        page.locator(".bk-Figure").first.hover()
        page.mouse.down()
        page.wait_for_timeout(500)
        page.mouse.up()
        page.get_by_placeholder("What is there?").fill("here")
    _nothing_was_refused(tmp_path)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_blind_test_is_read_on_a_desk_and_on_a_phone(browser: Any, tmp_path: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    with served("blindtest", tmp_path) as (address, _):
        page.goto(address)
        page.get_by_label("Your name").fill("Anna")
        assert page_faults(page) == []
        page.keyboard.press("Enter")
        page.get_by_text("Practice · picture 1 of 4").wait_for()
        page.locator("[data-listening]").wait_for(state="attached")
        assert page_faults(page) == []
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.get_by_text("true: ").wait_for()
        assert page_faults(page) == []
    context.close()
    _nothing_was_refused(tmp_path)


def test_the_viewer_by_mouse_and_keys(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with served("view", tmp_path) as (address, _):
        # As `copper view` opens it: by a file that goes on to the page.
        open_in_browser(address)
        page.goto(opened[0])
        page.get_by_role("link", name="Map (float TIFF)").wait_for()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", page.url)
        figure = page.locator(".bk-Figure").first
        for step in (-300, 300, -300):
            figure.hover()
            page.mouse.wheel(0, step)
            page.wait_for_timeout(150)
        _drag(page, figure, (40, 20))
        figure.dblclick()
        for name in ("Overlaid", "Side by side", "Colour-blind safe", "Paper", "Fit", "1:1", "+", "−"):
            page.get_by_role("button", name=name, exact=True).click()
        for slider in page.get_by_role("slider").all():
            slider.scroll_into_view_if_needed()
            _drag(page, slider, (-30, 0))
            slider.press("ArrowLeft")
        page.get_by_label("Hide the map below this potency").check()
        page.get_by_label("Hide the map below this potency").uncheck()
        for place in (".sidebar", ".toolbar"):
            page.locator(place).first.hover()
            page.mouse.wheel(0, 400)
            page.mouse.wheel(0, -100)
        # More than one part of an upload.
        pixels = np.random.default_rng(0).integers(0, 255, (1500, 1600)).astype(np.uint8)
        tifffile.imwrite(tmp_path / "large.tif", pixels)
        page.locator("input[type=file]").set_input_files(tmp_path / "large.tif")
        page.get_by_role("heading", name="large.tif").wait_for()
        page.get_by_role("button", name="Add a note").click()
        page.locator(".bk-Figure").first.click()
        page.get_by_placeholder("What is there?").fill("x\u0301 – «山田» 🙂")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("«山田»").wait_for()
        page.get_by_role("button", name="Go", exact=True).click()
        page.get_by_role("button", name="✕").click()
        page.get_by_text("«山田»").wait_for(state="detached")
        page.set_viewport_size({"width": 700, "height": 800})
        page.wait_for_timeout(500)
        assert not (tmp_path / "notes" / "notes.json").exists()
    _nothing_was_refused(tmp_path)


def test_the_blind_test_by_mouse(page: Any, tmp_path: Path) -> None:
    with served("blindtest", tmp_path) as (address, _):
        page.goto(address)
        page.get_by_label("Your name").fill("Anna")
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("Practice · picture 1 of 4").wait_for()
        figure = page.locator(".bk-Figure").first
        figure.hover()
        page.mouse.wheel(0, -300)
        _drag(page, figure, (30, 10))
        page.locator(".bk-Figure .bk-tool-icon-reset").first.click()
        page.get_by_role("button", name="1", exact=True).click()
        page.get_by_role("button", name="Check").click()
        page.get_by_text("true: ").wait_for()
        page.get_by_role("button", name="End practice").click()
        page.get_by_role("button", name="Start").click()
        for number in range(1, 5):
            page.get_by_text(f"picture {number} of 4").wait_for()
            page.get_by_role("button", name="0", exact=True).click()
            page.get_by_role("button", name="Next").click()
        page.get_by_text("All 4 pictures have an answer").wait_for()
        page.get_by_role("button", name="Back").click()
        page.get_by_text("picture 4 of 4").wait_for()
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("button", name="Next").click()
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("Submitted. Thank you!").wait_for()
    _nothing_was_refused(tmp_path)
