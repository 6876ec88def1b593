"""The page of an architecture search says what was found, what it rests on, and what was left out."""

from __future__ import annotations

import dataclasses
import html
import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from copper_tf.analysis.search_results import STATUS, Cost, SearchResult, Trial, ordered
from copper_tf.reports.search.page import render_search, search_verdict
from tests.conftest import ROOT

FIGURES = {"cost", "effects", "settings", "curves"}
SPACE: dict[str, list[Any]] = {"n": [1, 2], "N": [1, 2], "c": [8, 16], "d": [2, 3, 4]}
WIDE: dict[str, list[Any]] = {
    "n": [1, 2, 3], "N": [1, 2, 3], "c": [8, 16, 32, 64], "d": [2, 3, 4, 5], "crop": [128, 256],
    "learning_rate": [3e-4, 1e-3, 3e-3], "hypothesis": ["linear", "sqrt", "logarithmic", '{"0": 1, "4": 0.5, "9": 0}'],
}  # fmt: skip
REASONS = {
    "done": "",
    "stopped": "",
    "running": "",
    "failed": "the loss became NaN in <b>epoch</b> 2",
    "infeasible": "over the memory limit",
}


def _curve(draw: np.random.Generator, value: float, epochs: int) -> list[list[float]]:
    falls = 2 * (1 - value) + 1.6 * np.exp(-np.arange(1, epochs + 1) / 5)
    return [[e, float(v)] for e, v in enumerate(falls * (1 + 0.06 * draw.normal(size=epochs)), start=1)]


def _trial(draw: np.random.Generator, settings: dict[str, Any], status: str, least: bool) -> dict[str, Any]:
    n, N, c, d = (settings.get(name, 2) for name in "nNcd")
    value = 0.97 - 0.06 * abs(d - 3) - 0.4 / c - 0.04 * (n == 1) + 0.012 * draw.normal()
    epochs = {"done": 27, "stopped": 9, "running": 3, "failed": 2}.get(status, 0)
    value -= 0.08 * (status == "stopped")
    rated = status in ("done", "stopped")
    value = 1 - value if least else value
    return {
        "name": "-".join(f"{k}{v:g}" if isinstance(v, int | float) else f"{k}{v[:6]}" for k, v in settings.items()),
        "settings": settings, "status": status, "reason": REASONS[status], "epochs": epochs,
        "objective": value if rated else None, "shared": value if status == "done" else None,
        "interval": [value - 0.03, value + 0.025] if status == "done" else None,
        "scores": {"accuracy": 0.8, "qwk": value, "mae": 0.3} if rated else {},
        "memory_bytes": 4e7 * c * n * N * (1 + 2.0**-d) + 4e9 * (status == "infeasible"),
        "seconds_per_picture": 1.2e-3 * c * n * N if epochs else None,
        "seconds": 61.0 if epochs else None, "steps": 6 * epochs, "parameters": 9 * c * c * n * N * d,
        "receptive_field_px": 2**d * 4 * n * N, "curve": _curve(draw, 1 - value if least else value, epochs),
    }  # fmt: skip


def _front(trials: list[dict[str, Any]], sign: int) -> list[str]:
    names: list[str] = []
    top = -math.inf
    for trial in sorted(trials, key=lambda t: (t["memory_bytes"], -sign * t["objective"])):
        if sign * trial["objective"] > top:
            top = sign * trial["objective"]
            names.append(trial["name"])
    return names


def _effects(trials: list[dict[str, Any]], space: dict[str, list[Any]]) -> dict[str, list[dict[str, Any]]]:
    effects: dict[str, list[dict[str, Any]]] = {}
    for name, values in space.items():
        effects[name] = []
        for value in values:
            found = [t["objective"] for t in trials if t["settings"][name] == value]
            if found:
                sure = 2 * np.std(found) / math.sqrt(len(found)) if len(found) > 1 else math.nan
                mean = float(np.mean(found))
                interval = [mean - sure, mean + sure] if len(found) > 1 else None
                effects[name].append({"value": value, "mean": mean, "interval": interval, "count": len(found)})
    return effects


def made_up(
    space: dict[str, list[Any]] = SPACE, count: int = 24, kind: str = "classifier", none: bool = False
) -> SearchResult:
    """The result of a search over a space, made up by hand: trials in every state unless `none` has a result."""
    draw = np.random.default_rng(0)
    grid = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    chosen = [grid[k] for k in sorted(draw.permutation(len(grid))[:count])]
    states = ["done", "done", "stopped", "done", "failed", "done", "infeasible", "done", "stopped", "done", "running"]
    if none:
        states = ["failed", "infeasible"]
    least = kind == "segmenter"
    trials = [_trial(draw, s, states[k % len(states)], least) for k, s in enumerate(chosen)]
    done = [t for t in trials if t["status"] == "done"]
    sign = -1 if least else 1
    best = max(done, key=lambda t: sign * t["objective"], default=None)
    near = [t["name"] for t in done if best and t is not best and abs(t["objective"] - best["objective"]) < 0.021]
    title = {"classifier": ("qwk", "validation QWK", "max"), "segmenter": ("nmse", "validation NMSE", "min")}[kind]
    steps = sum(t["steps"] for t in trials)
    values = {
        "format": SearchResult.FORMAT, "kind": kind, "oracle": "hyperband", "seed": 0, "epochs": 27,
        "objective": dict(zip(("name", "title", "better"), title, strict=True)),
        "against": {"name": "memory", "title": "peak memory of a training step", "unit": "GB", "field": "memory_bytes"},
        "space": space, "trials": trials, "monitor": "val_loss",
        "shared_epochs": 27, "best": best and best["name"], "pareto": _front(done, sign), "within_standard_error": near,
        "standard_error": 0.021 if best else None, "effects": _effects(done, space),
        "cost": {"steps": steps, "grid_steps": 4 * steps, "share": 0.25, "seconds": 812.0, "grid_seconds": 3300.0},
        "memory": {"limit_bytes": 4e9, "device": "CPU", "measured": True}, "policy": "mixed_bfloat16",
        "caveats": ["Only <i>two</i> sheets are in the validation split."],
        "command": "copper train classifier DATA -o BEST --n 2",
    }  # fmt: skip
    # What is read back is what was written to JSON.
    result = SearchResult.from_dict(json.loads(json.dumps(values)))
    return dataclasses.replace(result, trials=ordered(result.trials, result.objective))


def _changed(result: SearchResult, change: Callable[[Trial], dict[str, Any]]) -> SearchResult:
    trials = tuple(dataclasses.replace(trial, **change(trial)) for trial in result.trials)
    return dataclasses.replace(result, trials=trials)


def _rendered(folder: Path, result: SearchResult) -> str:
    page = render_search(folder, result)
    assert page == folder / "report" / "search.html"
    text = page.read_text()
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", text) and "<script" not in text
    assert "nan" not in text.split("</header>")[0].lower()
    return text


def _drawn(folder: Path) -> set[str]:
    names = set()
    for path in (folder / "report" / "figures").glob("*.png"):
        picture = np.asarray(Image.open(path).convert("L"))
        assert picture.shape[1] >= 700 and picture.std() > 5, path
        names.add(path.stem)
    return names


def test_the_page_names_the_best_and_shows_every_trial(tmp_path: Path) -> None:
    result = made_up()
    text = _rendered(tmp_path, result)
    assert _drawn(tmp_path) == FIGURES and text.count("<img ") == len(FIGURES)
    assert all(re.findall(r'<img alt="([^"]{20,})"', text))
    top = html.unescape(re.sub("<.*?>", "", text.split("</header>")[0])).replace("\u00a0", " ")
    assert search_verdict(result) in top and result.best in top
    for words in ("validation QWK", "95 % interval", "within one standard error (0.021)", "25 % of the training steps"):
        assert words in top
    assert all(f'class="name">{t.name}<' in text for t in result.trials if t.name != result.best)
    assert "<b>epoch" not in text and "&lt;b&gt;epoch&lt;/b&gt;" in text and "<i>two" not in text
    assert "over the memory limit: " in text and result.command in text
    assert "The test split has not been used." in text and "not a balanced design" in text
    assert "stopped early</td>" in text


def test_the_table_has_the_best_first_and_what_never_ran_last(tmp_path: Path) -> None:
    result = made_up(kind="segmenter")
    table = _rendered(tmp_path, result).split("<h2>Every trial</h2>")[1]
    place = {t.name: table.index(f">{t.name}<") for t in result.trials}
    states = [t.status for t in sorted(result.trials, key=lambda t: place[t.name])]
    assert states == sorted(states, key=list(STATUS).index)
    assert min(place, key=place.__getitem__) == result.best
    result = made_up()
    assert result.trials[0].name == result.best


def test_the_cheapest_that_cannot_be_told_from_the_best_is_named() -> None:
    result = made_up()
    trials = {t.name: t for t in result.trials}
    cheapest = min((result.best, *result.within_standard_error), key=lambda name: trials[name].memory_bytes)
    assert cheapest != result.best and len(result.within_standard_error) == 1
    assert f"{cheapest} lies within one standard error (0.021) of it, and is cheaper" in search_verdict(result)
    others = [t.name for t in result.trials if t.status == "done" and t.name != result.best]
    result = dataclasses.replace(result, within_standard_error=tuple(others))
    cheapest = min(others, key=lambda name: trials[name].memory_bytes)
    assert f"10 more), of which {cheapest} is the cheapest" in search_verdict(result)
    result = dataclasses.replace(result, within_standard_error=())
    assert "no other lies within one standard error (0.021) of it" in search_verdict(result)
    result = dataclasses.replace(result, standard_error=None)
    assert "its standard error is unknown" in search_verdict(result)


def test_without_a_result_there_is_no_best(tmp_path: Path) -> None:
    result = made_up(none=True)
    text = _rendered(tmp_path, result)
    assert "There is no best configuration" in text and "12 failed, 12 infeasible" in text
    assert _drawn(tmp_path) == {"curves"} and "unsound" in text.split("</header>")[0]
    _rendered(tmp_path / "none", _changed(result, lambda trial: {"curve": ()}))
    assert _drawn(tmp_path / "none") == set()


@pytest.mark.slow
@pytest.mark.parametrize("space", [{"d": [2, 3, 4, 5]}, WIDE], ids=["one", "seven"])
def test_any_number_of_settings(tmp_path: Path, space: dict[str, list[Any]]) -> None:
    text = _rendered(tmp_path, made_up(space, 150))
    assert _drawn(tmp_path) == FIGURES
    assert all(f'<th scope="row">{name}</th>' in text for name in space)


def test_far_outliers_long_fronts_and_a_single_trial_can_be_drawn(tmp_path: Path) -> None:
    result = made_up({"c": [4 * k for k in range(1, 9)], "d": [2, 3, 4]}, 24)
    worst = next(t.name for t in result.trials if t.status == "done")

    def spread_out(trial: Trial) -> dict[str, Any]:
        value = -3.0 if trial.name == worst else 0.5 + 1e-10 * trial.memory_bytes
        return {"objective": value} if trial.status == "done" else {}

    result = _changed(result, spread_out)
    done = [dataclasses.asdict(t) for t in result.trials if t.status == "done"]
    values = result.to_dict() | {"pareto": _front(done, 1), "effects": _effects(done, result.to_dict()["space"])}
    values |= {"oracle": "grid", "within_standard_error": [], "best": max(done, key=lambda t: t["objective"])["name"]}
    result = SearchResult.from_dict(values)
    assert len(result.pareto) > 12
    text = _rendered(tmp_path / "many", result)
    assert "a balanced design, but for the configurations without a result" in text
    alone = _rendered(tmp_path / "one", made_up({"d": [3]}, 1))
    assert _drawn(tmp_path / "many") == _drawn(tmp_path / "one") == FIGURES
    assert "d3</span></strong> is the best of those tried by validation QWK" in alone


def test_missing_values_are_dashes(tmp_path: Path) -> None:
    whole = made_up()
    places = {trial.name: k for k, trial in enumerate(whole.trials)}

    def missing(trial: Trial) -> dict[str, Any]:
        changes: dict[str, Any] = {"seconds": None, "interval": None}
        if places[trial.name] % 2 or trial.name == whole.best:
            changes["seconds_per_picture"] = None
        if trial.status == "stopped":
            changes["objective"] = None
        if trial.status == "infeasible":
            changes |= {"curve": (), "scores": {}, "epochs": 0, "reason": ""}
        return changes

    result = dataclasses.replace(
        _changed(whole, missing),
        against=Cost("speed", "time of a validation picture", "s", "seconds_per_picture"),
        memory=dataclasses.replace(whole.memory, limit_bytes=None, measured=False),
        cost=dataclasses.replace(whole.cost, grid_seconds=None, share=math.nan),
    )
    text = _rendered(tmp_path, result)
    assert "no interval is known" in text and "take it as a guess" in text and "had no limit" in text
    assert "of the full grid." not in text.split("</header>")[0]
    assert "<td>–</td>" in text


def test_reading_the_page_maker_leaves_tensorflow_alone() -> None:
    code = "import sys, copper_tf.reports.search.page; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
