"""The benchmark of `copper fit`: what it asks for, what it keeps of a fit, and of one that is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import copper_tf
from benchmarks import fit as benchmark
from copper_tf.analysis.trust.verdict import SUPPORTED
from copper_tf.api.fit import Fit, FitPlan
from copper_tf.config import KINDS
from tfds_copper.errors import InputError

_PLAN = FitPlan(60.0, {"segmenter": 60.0, "classifier": 120.0}, {"segmenter": 9, "classifier": 9}, 2.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each fit; fits are made up, and that of a surface without areas is refused."""
    calls: list[dict[str, Any]] = []

    def fit(folder: Path, output: Path, *, on_plan: Any, progress: Any, force: bool, **given: Any) -> Fit:
        calls.append({"folder": Path(folder), **given})
        if Path(folder).name == "null":
            raise InputError("no map")
        on_plan(_PLAN)
        later = FitPlan(60.0, {"segmenter": 600.0, "classifier": 60.0}, _PLAN.epochs, 2.0)
        for kind in KINDS:
            (output / kind).mkdir(parents=True)
        return Fit(SUPPORTED, ("good",), {"segmenter": 66.0, "classifier": 126.0}, later)

    scores = {"qwk": 0.9, "median_qwk": 0.95, "mae": 0.2, "accuracy": 0.8, "iou": 0.7, "auc": 0.98, "binarity": 0.6}
    power = SimpleNamespace(family="power", values=(0.5,), intervals=((0.4, 0.6),))
    law = SimpleNamespace(fits=(power,), borders=True)
    evaluation = SimpleNamespace(splits={"test": SimpleNamespace(scores=scores)}, law=law)
    monkeypatch.setattr(copper_tf, "fit", fit)

    def open_run(path: Path) -> SimpleNamespace:
        # Of the tiles nothing was learned.
        judged = path.name == "classifier" or "hard" in path.parent.name
        return SimpleNamespace(has=lambda _: judged, read=lambda _: evaluation)

    monkeypatch.setattr("copper_tf.runs.run.open_run", open_run)
    monkeypatch.setattr("copper_tf.runs.run.is_run", lambda _: True)
    return calls


def test_fits_are_kept_with_the_plan_they_began_with(
    asked: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "RESULTS", tmp_path)
    monkeypatch.setattr(
        benchmark, "world_folder", lambda folder, _, surface, tiles: tiles if surface == "tiles" else folder / surface
    )
    words = ["--surfaces", "hard", "null", "tiles", "--tiles", str(tmp_path / "t"), "--output", str(tmp_path / "out")]
    assert benchmark.main([*words, "--seeds", "2", "--budget", "30"]) == 0
    # Seeds of the tiles are folds.
    assert [(call["folder"].name, call["seed"], call["budget"], call.get("split")) for call in asked] == [
        ("hard", 0, 30, benchmark.SPLIT), ("hard", 1, 30, benchmark.SPLIT), ("null", 0, 30, benchmark.SPLIT),
        ("null", 1, 30, benchmark.SPLIT), ("t", 0, 30, None), ("t", 0, 30, None),
    ]  # fmt: skip
    assert [(call["folds"], call["fold"]) for call in asked[-2:]] == [(6, 1), (6, 2)]
    content = json.loads((tmp_path / "fit.json").read_text())
    hard, _, refused, _, tiles, _ = content["fits"]
    assert refused == {"surface": "null", "seed": 0, "refused": "no map"}
    assert (hard["planned"], hard["minutes"], hard["took"]["segmenter"]) == (3.0, 3.2, 66.0)
    assert (hard["verdict"], hard["qwk"], hard["median_qwk"]) == (SUPPORTED, 0.9, 0.95)
    assert (hard["iou"], hard["exponent"], hard["exponent_high"]) == (0.7, 0.5, 0.6) and "exponent" not in tiles
    assert "refused, refused" in capsys.readouterr().out
    # What is there is read; another budget is another fit, and rows of other surfaces stay.
    assert benchmark.main([*words, "--seeds", "2", "--budget", "30"]) == 0 and len(asked) == 6
    assert benchmark.main(["--surfaces", "hard", *words[4:], "--seeds", "1", "--budget", "9"]) == 0 and len(asked) == 7
    assert len(json.loads((tmp_path / "fit.json").read_text())["fits"]) == 6


def test_the_tiles_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="tiles needs --tiles, a SEM folder"):
        benchmark.main(["--surfaces", "tiles", "--output", str(tmp_path)])
