"""Scores, differences and agreement are those calculated by hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from copper_tf.analysis.blindtest.agreement import alpha
from copper_tf.analysis.blindtest.answers import AnswerLog
from copper_tf.analysis.blindtest.folder import DESIGN, KEY, ROUNDS, open_test
from copper_tf.analysis.blindtest.results import BlindTestResult, UnfinishedRound
from copper_tf.analysis.blindtest.scoring import read_result, score
from tests.blindtest_data import LABEL, LATE, MODEL, submit, write_test
from tfds_copper.errors import InputError

FIRST, SECOND = ROUNDS


def test_the_statistics_of_a_scripted_rater_are_those_done_by_hand(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    submit(test, "late", LATE)
    result = score(test)
    rater, model = result.graders
    # 10 of 16 right; 14 within one; 4 x 1 + 2 x 2 = 8 steps.
    assert rater.scores["accuracy"] == 10 / 16 and rater.scores["within_one"] == 14 / 16
    assert rater.scores["mae"] == 8 / 16
    assert (model.scores["accuracy"], model.scores["mae"]) == (13 / 16, 3 / 16)
    # QWK: observed squared steps 4 x 1 + 2 x 4 = 12. The rater gives labels 0, 1, 2, 3 a number of times 1, 4, 6, 5:
    # 0 stays at picture 12 alone; 1 at 13 and, late, at 0 and 4; and so on. By chance each true label (4 of 16) meets
    # each answer: 4/16 x sum over answers of their squared distances to 0, 1, 2, 3.
    given = [LATE.count(k) for k in range(4)]
    assert given == [1, 3, 7, 5]
    squares = [0 + 1 + 4 + 9, 1 + 0 + 1 + 4, 4 + 1 + 0 + 1, 9 + 4 + 1 + 0]
    chance = sum(4 / 16 * n * s for n, s in zip(given, squares, strict=True))
    assert chance == (1 * 14 + 3 * 6 + 7 * 6 + 5 * 14) / 4 == 36
    assert rater.scores["qwk"] == pytest.approx(1 - 12 / 36)
    assert rater.confusion == ((1, 2, 1, 0), (0, 1, 2, 1), (0, 0, 4, 0), (0, 0, 0, 4))
    # The model alone is right on 1, 4, 8, 9 (the rater late, the model not), the rater alone on 10.
    difference = result.differences[0].differences[0]
    assert difference.mcnemar.only_first == 4 and difference.mcnemar.only_second == 1
    assert difference.mcnemar.p == pytest.approx(2 * (1 + 5) / 2**5)
    # Errors differ on 1, 4, 8, 9 by +1, +1, +2, +2 and on 10 by -1: ranks 2, 2, 4.5, 4.5 against 2. Of the 2^5 signs
    # those with a sum of positive ranks of at least 13 or at most 2: 13 (three ways to give the one 2 away), 15; 2, 0.
    assert difference.wilcoxon.p == pytest.approx(2 * (3 + 1) / 2**5)
    assert difference.scores["accuracy"].difference == pytest.approx(-3 / 16)
    assert difference.scores["mae"].difference == pytest.approx(5 / 16)
    low, high = rater.intervals["accuracy"]
    assert low < 10 / 16 < high and difference.scores["accuracy"].detectable > 0.1
    assert (rater.median_seconds, rater.total_seconds, rater.changed) == (2, 32, 0)


def test_the_bootstrap_takes_whole_sheets(tmp_path: Path) -> None:
    """Sheets that are right or wrong as a whole: the error of a mean of 8, not of 16."""
    test = write_test(tmp_path)
    wrong = [(g + 1) % 4 if n // 2 % 2 else g for n, g in enumerate(LABEL)]
    submit(test, "sheets", wrong)
    low, high = score(test).graders[0].intervals["accuracy"]
    half = (high - low) / 2
    assert half == pytest.approx(1.96 * math.sqrt(0.25 / 8), rel=0.25)
    assert score(test).graders[0].resampled == "sheets"


def test_agreement_is_kappa_and_alpha_done_by_hand(tmp_path: Path) -> None:
    # Two raters, four pictures: variances of the pairs 0, 1/2, 0, 1/2; all eight: mean 1.5, sum of squares 26 - 18 = 8.
    grades = np.array([[0, 0], [1, 2], [2, 2], [2, 3]])
    assert np.sum((grades - 1.5) ** 2) == 8
    assert alpha(grades) == pytest.approx(1 - (1 / 4) / (8 / 7))
    assert alpha(np.array([[1, 1], [3, 3]])) == 1 and math.isnan(alpha(np.ones((3, 2))))
    generator = np.random.default_rng(0)
    assert abs(alpha(generator.integers(0, 4, (4000, 3)))) < 0.03
    test = write_test(tmp_path)
    submit(test, "late", LATE)
    submit(test, "right", LABEL)
    rounds = score(test).agreement
    assert [part.round for part in rounds] == [FIRST]
    (pair,) = rounds[0].pairs
    # Beside one who is always right, agreement is the score of the other.
    assert pair.kappa == pytest.approx(1 - 12 / 36) and pair.same == 10 / 16
    both = np.array([LATE, LABEL]).T
    expected = 1 - np.mean([(a - b) ** 2 / 2 for a, b in both]) / np.var(both, ddof=1)
    assert rounds[0].alpha == pytest.approx(expected)


def test_the_map_is_judged_on_the_same_pictures(tmp_path: Path) -> None:
    test = write_test(tmp_path, with_map=True)
    submit(test, "late", LATE)
    submit(test, "late", MODEL, SECOND)
    submit(test, "steady", LABEL)
    submit(test, "steady", LABEL, SECOND)
    submit(test, "half", LABEL)
    result = score(test)
    late, steady, both = result.map_effect
    assert (late.name, steady.name, both.name) == ("late", "steady", "all raters")
    assert late.scores["mae"].difference == pytest.approx(3 / 16 - 8 / 16)
    # Late's errors on 1, 4, 8, 9 are mended; 10 is new.
    assert (late.mcnemar.only_first, late.mcnemar.only_second, late.changed) == (1, 4, 5)
    assert steady.scores["mae"].difference == 0 and steady.mcnemar.p == 1
    # The mean of those who took both: half's first round has no say.
    assert both.scores["mae"].difference == pytest.approx((-5 / 16 + 0) / 2)
    assert result.unfinished == (UnfinishedRound("half", SECOND, False, 0, 16),)


def test_chance_is_not_found_better_than_a_model(tmp_path: Path) -> None:
    """Control: answers at random score as chance, and a rater who answers as the model does doesn't differ."""
    test = write_test(tmp_path)
    submit(test, "dice", np.random.default_rng(1).integers(0, 4, 16).tolist())
    submit(test, "echo", MODEL)
    result = score(test)
    dice, echo, _ = result.graders
    low, high = dice.intervals["qwk"]
    assert low < 0.3 and dice.scores["accuracy"] < 0.6 and high < 0.9
    against = result.differences[0].differences[1]
    assert against.mcnemar.p == against.wilcoxon.p == 1
    assert against.scores["mae"].difference == 0 and echo.scores["accuracy"] == 13 / 16


def test_the_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    test = write_test(tmp_path, with_map=True)
    with pytest.raises(InputError, match="must be written by `copper blindtest .* --score`. Received: no such file"):
        read_result(test)
    for rater, grades in (("late", LATE), ("right", LABEL)):
        submit(test, rater, grades)
        submit(test, rater, MODEL, SECOND)
    result = score(test)
    assert read_result(test) == result and BlindTestResult.from_dict(result.to_dict()) == result
    assert result.verdicts[0].startswith("On the same pictures the raters err on average by")
    assert result.verdicts[1].startswith("With the potency map beside the picture the raters err")


def test_the_tables_hold_every_answer(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    submit(test, "late", LATE)
    score(test)
    with (test.path / "results" / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16 and [int(r["position"]) for r in rows] == list(range(1, 17))
    times = test.labels.times
    for row, number in zip(rows, test.order("late", FIRST), strict=True):
        assert float(row["t"]) == times[LABEL[number]] and float(row["answer t"]) == times[LATE[number]]
        assert float(row["net t"]) == times[MODEL[number]] and f"secretname{number:03d}" in row["file"]
        assert int(row["steps off"]) == LATE[number] - LABEL[number]
    with (test.path / "results" / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [r["name"] for r in csv.DictReader(file)] == ["late", "net"]


def test_nothing_is_scored_before_it_is_submitted(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    AnswerLog.register(test, "late").answer(FIRST, 0, 1, 1.0)
    with pytest.raises(InputError, match="a round must be submitted before it is scored. Received: 1 unfinished"):
        score(test)
    key = json.loads((test.path / KEY).read_text())
    (test.path / KEY).write_text(json.dumps(key | {"ident": "other"}))
    with pytest.raises(InputError, match="must be the key of this test"):
        score(test)
    (test.path / DESIGN).write_text("{")
    with pytest.raises(InputError, match="test.json: must be JSON"):
        open_test(test.path)
