"""What a segmenter's maps say of the decay: what borders add, and where that can be known."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copper_tf.analysis.hypotheses.results import CurveFits, FamilyFit
from copper_tf.analysis.hypotheses.verdict import law_sentence
from copper_tf.analysis.law import measure_borders
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import BoundaryBias
from copper_tf.runs.run import Run, open_run

FIT = FamilyFit("power", (0.5,), ((0.4, 0.6),), (1.0, 0.0), (1.0, 0.5, 0.0), 1.0, 2, 1.0, behind=0.0)


@pytest.fixture
def run(runs: dict[str, Any], tmp_path: Path) -> Run:
    """A segmenter of three labels without scores."""
    copied = shutil.copytree(runs["segmenter"].path, tmp_path / "run", ignore=shutil.ignore_patterns("scores"))
    return open_run(copied)


def _rows(*potencies: float) -> list[dict[str, Any]]:
    """Two held-out pictures of each label, and training pictures whose potency tells nothing."""
    splits = {"validation": -0.01, "test": 0.01, "train": 0.5}
    return [
        {"split": split, "label": k, "potency": potency + off}
        for k, potency in enumerate(potencies)
        for split, off in splits.items()
    ]


@pytest.mark.parametrize(
    ("potencies", "known"),
    [((0.98, 0.5, 0.03), True), ((0.9, 0.5, 0.03), False), ((0.98, 0.5, 0.1), False), ((0.03, 0.5, 0.98), False)],
)
def test_borders_are_measured_where_both_ends_show_one_phase(
    potencies: tuple[float, ...], known: bool, run: Run, dataset: Any
) -> None:
    measure_borders(run, _rows(*potencies), [run], dataset)
    assert run.has(BoundaryBias) == known
    assert not known or np.isfinite(run.read(BoundaryBias).excess).all()


def test_an_end_without_held_out_pictures_is_not_taken_for_one_phase(run: Run, dataset: Any) -> None:
    rows = [row for row in _rows(0.98, 0.5, 0.03) if row["label"] != 2 or row["split"] == "train"]
    measure_borders(run, rows, [run], dataset)
    assert not run.has(BoundaryBias)


def test_several_runs_as_one_have_the_mean_of_what_each_has(run: Run, tmp_path: Path) -> None:
    other = open_run(shutil.copytree(run.path, tmp_path / "other"))
    whole = dataclasses.replace(run, path=tmp_path / "whole")
    run.write(BoundaryBias((0.0, 0.1, 0.0)))
    measure_borders(whole, _rows(0.98, 0.5, 0.03), [run, other], None)
    assert not whole.has(BoundaryBias)
    other.write(BoundaryBias((0.0, 0.3, 0.0)))
    measure_borders(whole, _rows(0.98, 0.5, 0.03), [run, other], None)
    assert whole.read(BoundaryBias).excess == pytest.approx((0.0, 0.2, 0.0))


def test_a_member_that_was_evaluated_is_not_measured_again(run: Run, dataset: Any, tmp_path: Path) -> None:
    other = open_run(shutil.copytree(run.path, tmp_path / "other"))
    whole = dataclasses.replace(run, path=tmp_path / "whole")
    run.write(BoundaryBias((0.0, 0.7, 0.0)))
    measure_borders(whole, _rows(0.98, 0.5, 0.03), [run, other], dataset)
    assert run.read(BoundaryBias).excess == (0.0, 0.7, 0.0)
    measured = other.read(BoundaryBias).excess[1]
    assert measured != 0.7 and whole.read(BoundaryBias).excess[1] == pytest.approx((0.7 + measured) / 2)
    # By itself it is.
    measure_borders(run, _rows(0.98, 0.5, 0.03), [run], dataset)
    assert run.read(BoundaryBias).excess[1] == pytest.approx(measured)


def test_the_law_says_where_its_interval_counts_sheets_alone() -> None:
    labels = Labels((0.0, 1.0, 2.0), "h")
    fits = CurveFits("number", (FIT,), ())
    assert "sheets" not in law_sentence(fits, "the held-out pictures", labels)
    assert "counts how sheets differ" in law_sentence(dataclasses.replace(fits, borders=False), "maps", labels)
