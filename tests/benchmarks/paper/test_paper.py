"""The paper's page, small: every stage once, no stage twice, each figure and each statement on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.paper import __main__ as paper
from benchmarks.paper import road
from benchmarks.paper.page import TITLES
from benchmarks.paper.road import SECONDS, Stages

_SMALL = ["--labels", "4", "--pictures", "8", "--height", "128", "--width", "144", "--hours", "0.002"]


def test_a_stage_is_made_once_and_read_afterwards(tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        got = Stages(tmp_path).once("one", lambda folder: made.append(folder.name) or "made", lambda _: "read")
    assert (made, got) == (["one"], "read")
    assert list(json.loads((tmp_path / SECONDS).read_text())) == ["one"]


def test_the_time_of_a_stage_that_was_stopped_counts(tmp_path: Path) -> None:
    def stopped(folder: Path) -> None:
        raise KeyboardInterrupt

    stages = Stages(tmp_path)
    for _ in range(2):
        before = stages.seconds.get("one", 0.0)
        with pytest.raises(KeyboardInterrupt):
            stages.once("one", stopped, lambda _: None)
        assert stages.seconds["one"] > before
    assert stages.once("one", lambda _: "made", lambda _: "read") == "made"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the whole of it has run, small; g is given, since so few steps can't learn it."""
    folder = tmp_path_factory.mktemp("paper") / "paper"
    few = {"preset": "paper", "hypothesis": "sqrt", "c": 4, "d": 1, "crop": 48, "margin": 8}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(road, "SEGMENTER", few)
        assert paper.main(["--output", str(folder), *_SMALL]) == 0
    return folder


def test_every_figure_and_every_statement_is_on_the_page(trained: Path) -> None:
    page = (trained / paper.PAGE).read_text(encoding="utf-8")
    result = json.loads((trained / paper.RESULTS).read_text())
    assert {one["figure"] for one in result["statements"]} == set(TITLES)
    for number, title in TITLES.items():
        assert f"Figure {number}. {title}".replace("'", "&#39;") in page
        assert (trained / "figures" / f"figure{number}.png").stat().st_size > 5000
    assert page.count("<figure") == len(TITLES)
    assert set(result["classifier"]) == {"accuracy", "mae", "qwk"} and 0 <= result["segmenter"]["auc"] <= 1


def test_a_second_call_trains_nothing(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copper_tf.training.loop.train", lambda *_, **__: pytest.fail("trained again"))
    before = json.loads((trained / SECONDS).read_text())
    assert paper.main(["--output", str(trained), *_SMALL]) == 0
    assert json.loads((trained / SECONDS).read_text()) == before
