"""A report by the API: the example of its docstring runs, and what it returns is what it wrote."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest

from copper_tf.api import reports
from copper_tf.reports.full.results import REPORT, Report
from tfds_copper.errors import RunError, SettingError


@pytest.mark.slow
def test_the_example_runs_and_what_is_returned_was_written(
    runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # No browser, so that the example doesn't wait for a PDF.
    monkeypatch.setenv("PATH", "/nowhere")
    names: dict[str, Any] = {kind: run.path for kind, run in runs.items()}
    (example,) = doctest.DocTestFinder(recurse=False).find(reports.report, globs=names)
    runner = doctest.DocTestRunner()
    assert runner.run(example, clear_globs=False).attempted >= 3 and runner.summarize().failed == 0
    result = example.globs["report"]
    # As text, since NaN equals nothing.
    assert json.dumps(Report.read(tmp_path / "report" / REPORT).to_dict()) == json.dumps(result.to_dict())
    assert result.page.is_file() and result.card.is_file() and result.pdf is None and "no PDF" in result.pdf_problem
    assert result.sentence in result.card.read_text() and result.newly_evaluated == ()


def test_a_run_can_be_given_by_itself_and_is_refused_where_it_is_none(runs: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="license must be an SPDX identifier.*Received: 'do what you like'"):
        reports.report(runs["segmenter"], tmp_path / "r", license="do what you like")
    with pytest.raises(RunError, match="Received: no run there"):
        reports.report(str(tmp_path), tmp_path / "r")
