"""Scripted raters err as they are built to, and the blind test finds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.paper.raters import RATERS, Rater, take
from copper_tf.analysis.blindtest.answers import rater_logs
from copper_tf.analysis.blindtest.scoring import score
from tests.blindtest_data import LABEL, TIMES, write_test

_MANY = np.repeat(np.arange(16), 200)


def test_a_rater_without_errors_says_the_truth() -> None:
    sure = Rater("Sure", 0.0, 0.0)
    assert (sure.answers(_MANY, 16, np.random.default_rng(0)) == _MANY).all()
    assert sure.stated_mae(_MANY, 16, 2) == 0


def test_the_expert_errs_more_the_older_a_surface_is() -> None:
    said = RATERS[0].answers(_MANY, 16, np.random.default_rng(0))
    off = np.abs(said - _MANY)
    assert off[_MANY == 0].mean() < 0.2 < 1 < off[_MANY == 12].mean()
    assert said.min() >= 0 and said.max() <= 15


def test_a_bias_shows_in_the_mean() -> None:
    biased = Rater("Low", 0.5, 0.5, bias=-2.0)
    middle = _MANY[(_MANY > 4) & (_MANY < 12)]
    off = biased.answers(middle, 16, np.random.default_rng(0)) - middle
    assert -2.1 < off.mean() < -1.9


def test_all_rounds_are_answered_once_and_scored_as_they_were_built(tmp_path: Path) -> None:
    test = write_test(tmp_path / "test")
    take(test)
    before = [log.file.read_bytes() for log in rater_logs(test)]
    take(test)
    assert [log.file.read_bytes() for log in rater_logs(test)] == before
    scored = {grader.name: grader for grader in score(test).graders}
    assert set(scored) == {"net", *(rater.name for rater in RATERS)}
    for rater in RATERS:
        stated = rater.stated_mae(np.array(LABEL), len(TIMES))
        low, high = scored[rater.name].intervals["mae"] or (0.0, 0.0)
        assert low <= stated <= high


def test_a_rater_who_was_stopped_half_way_goes_on(tmp_path: Path) -> None:
    whole, broken = write_test(tmp_path / "whole"), write_test(tmp_path / "broken")
    take(whole)
    log = type(rater_logs(whole)[0]).register(broken, RATERS[0].name)
    log.start(broken.rounds[0])
    log.answer(broken.rounds[0], 0, 3, 1.0)
    take(broken)
    grades = [{g.name: g.grades for g in score(test).graders} for test in (whole, broken)]
    assert grades[0] == grades[1]
