"""Every page can be read on a desk and on a phone, and by those who can't see it: as a browser and axe-core see it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.cli.main import main
from copper_tf.reports.evaluation.page import render_evaluation
from copper_tf.reports.full.page import PAGE
from copper_tf.reports.search.page import render_search
from copper_tf.simulation import SimulationSettings, simulate
from tests.blindtest_data import LABEL, submit, write_test
from tests.copper_tf.reports.test_evaluation import _run
from tests.copper_tf.reports.test_search import made_up
from tests.pages import faults

pytestmark = pytest.mark.slow

_STUDIES: dict[str, dict[str, Any]] = {
    "calibrate": {"labels": 4, "sheets": 6, "pictures": 24, "lots": 3},
    "gauge": {"labels": 2, "sheets": 5, "pictures": 60, "lots": 1, "operators": 3},
    "chart": {"labels": 2, "sheets": 40, "pictures": 160, "lots": 1, "start": 0.8},
    "compare_groups": {"labels": 4, "sheets": 6, "pictures": 24, "lots": 3},
}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "calibrate": {"strength": "peel_N_per_mm"},
    "gauge": {},
    "chart": {"only": "t=0"},
    "compare_groups": {"by": "t", "margin": 0.05},
}


def _decision(place: Path, verb: str) -> Path:
    settings = SimulationSettings(peel=True, tables=1, sheet_sd=0.05, **_STUDIES[verb])
    scores = simulate(place / "study", settings) / "scores-00001.csv"
    getattr(copper_tf, verb)(scores, output=place / "out", **_ARGUMENTS[verb])
    (page,) = (place / "out").glob("*.html")
    return page


def _check(place: Path) -> Path:
    settings = SimulationSettings(labels=4, pictures=8, sheets=4, height=160, width=192, world="confound", seed=2)
    copper_tf.check(simulate(place / "sem", settings, workers=1), output=place / "out")
    return place / "out" / "check.html"


def _blindtest(place: Path) -> Path:
    test = write_test(place / "t")
    submit(test, "right", LABEL)
    copper_tf.score_blindtest(test.path)
    return test.page


_PAGES: dict[str, Callable[[Path], Path]] = {
    "check": _check,
    "classifier": lambda place: render_evaluation(_run(place / "run", "classifier", 16, interval=True)),
    "segmenter": lambda place: render_evaluation(_run(place / "run", "segmenter", 16, interval=True)),
    "search": lambda place: render_search(place, made_up()),
    "blind test": _blindtest,
    **{verb: lambda place, verb=verb: _decision(place, verb) for verb in _STUDIES},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", _PAGES)
def test_it_is_read_on_a_desk_and_on_a_phone(name: str, tmp_path: Path, browser: Any) -> None:
    assert faults(browser, _PAGES[name](tmp_path)) == []


def test_the_report_is_read_on_a_desk_and_on_a_phone(runs: dict[str, Any], tmp_path: Path, browser: Any) -> None:
    # Tested ones, without changing those of other tests.
    mine = {kind: shutil.copytree(run.path, tmp_path / kind) for kind, run in runs.items()}
    copper_tf.trust(mine["segmenter"])
    copper_tf.baselines(mine["segmenter"])
    assert main(["report", *(str(path) for path in mine.values()), "-o", str(tmp_path / "out")]) == 0
    assert faults(browser, tmp_path / "out" / PAGE) == []


def test_what_is_wrong_is_found(tmp_path: Path, browser: Any) -> None:
    file = tmp_path / "page.html"
    file.write_text(
        "<!doctype html><html lang=en><title>t</title><main><h1>Page</h1>"
        "<p style='width: 900px'>a wide one</p><p style='width: 3ch; overflow-wrap: anywhere'>potency</p>"
        "<p style='width: 4em; overflow: hidden; white-space: nowrap'>longer than its box</p>"
        "<p style='color: #aaa'>pale</p><img src='data:,' alt='a map'>"
        "<svg width=100 height=20><text x=0 y=10 font-size=4>tiny</text></svg></main>"
    )
    found = " | ".join(faults(browser, file))
    for words in (
        "390 px: scrolls sideways",
        "broken: potency",
        "cut: <p",
        "color-contrast",
        "no picture: a map",
        "too small: <text",
    ):
        assert words in found
