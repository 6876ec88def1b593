"""evaluate, trust, baselines and compare from Python: typed results, pages, examples that run."""

from __future__ import annotations

import ast
import doctest
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import copper_tf
from copper_tf.api import analysis
from copper_tf.runs.run import Run, open_run
from tests.conftest import ROOT
from tfds_copper.errors import OutputError, RunError, SettingError


@pytest.fixture(scope="module")
def copies(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs whose scores these tests may write."""
    folder = tmp_path_factory.mktemp("analysis")
    return {kind: open_run(Path(shutil.copytree(run.path, folder / kind))) for kind, run in runs.items()}


@pytest.mark.slow
def test_a_path_and_a_run_give_the_same_scores_and_page(copies: dict[str, Run]) -> None:
    run = copies["classifier"]
    of_run, of_path = copper_tf.evaluate(run), copper_tf.evaluate(str(run.path))
    # As text, since scores that are undefined are NaN.
    assert str(of_run.to_dict()) == str(of_path.to_dict()) and of_path.page == run.path / "report" / "evaluation.html"
    assert of_path.page.is_file()
    kept = copper_tf.Evaluation.read(run.path / "scores" / "evaluation.json")
    assert kept.splits["test"].confusion == of_run.splits["test"].confusion and kept.page is None


def test_a_comparison_is_written_once(copies: dict[str, Run], tmp_path: Path) -> None:
    paths = [copies[kind].path for kind in ("classifier", "segmenter")]
    result = copper_tf.compare(*paths, output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["format"] == "copper-comparison 1"
    kept = copper_tf.Comparison.read(tmp_path / "out" / "comparison.json")
    assert str(kept.to_dict()) == str(result.to_dict())
    with pytest.raises(OutputError, match="a comparison that is there already"):
        copper_tf.compare(*paths, output=tmp_path / "out")
    copper_tf.compare(*paths, output=tmp_path / "out", force=True)
    with pytest.raises(SettingError, match="decoding must be one of median, argmax. Received: 'mean'"):
        copper_tf.compare(*paths, decoding="mean")  # type: ignore[arg-type]


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    for verb in (copper_tf.evaluate, copper_tf.trust, copper_tf.baselines):
        with pytest.raises(RunError, match="must be a run folder made by `copper train`"):
            verb(tmp_path)


@pytest.mark.parametrize("verb", ["evaluate", "trust", "baselines", "compare"])
def test_the_command_line_only_calls_the_api(verb: str) -> None:
    tree = ast.parse((ROOT / "copper_tf" / "cli" / f"{verb}.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    ours = {m for m in modules if m.split(".")[0] in ("copper_tf", "tfds_copper", "tuning")}
    assert all(m.startswith(("copper_tf.cli.", "copper_tf.api.")) for m in ours), ours


@pytest.mark.slow
def test_examples_of_the_docstrings_run(copies: dict[str, Run]) -> None:
    names = {"copper_tf": copper_tf, "run": copies["segmenter"].path, "classifier": copies["classifier"].path}
    results = doctest.testmod(analysis, extraglobs=names)
    assert results.failed == 0 and results.attempted >= 10
