"""A map's mean as a grade: by validation pictures alone, in order, with ties and gaps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.grading import class_levels, decode, grade_scores, map_grades
from copper_tf.reports.evaluation.page import render_evaluation


def test_the_nearest_level_is_the_grade() -> None:
    levels = np.array([0.9, 0.5, 0.1])
    np.testing.assert_array_equal(decode(np.array([1.0, 0.71, 0.69, 0.29, 0.0]), levels), [0, 0, 1, 2, 2])


def test_means_that_do_not_fall_are_pooled_by_their_pictures() -> None:
    label = np.array([0, 1, 1, 1, 2, 3])
    levels = class_levels(np.array([0.9, 0.4, 0.4, 0.4, 0.6, 0.1]), label, 4)
    np.testing.assert_allclose(levels, [0.9, 0.45, 0.45, 0.1])
    # Both share a level: the earlier of an even number is given, the middle one of an odd number.
    assert decode(np.array([0.5]), levels) == 1
    assert decode(np.array([0.5]), np.array([0.9, 0.5, 0.5, 0.5, 0.1])) == 2


def test_a_map_that_rises_or_is_flat_tells_nothing() -> None:
    label = np.repeat(np.arange(5), 4)
    for potency in (label / 4, np.full(20, 0.3)):
        grades = map_grades({"split": np.array(["validation"] * 20), "label": label, "potency": potency}, 5)
        np.testing.assert_array_equal(grades, 2)


def test_a_label_without_validation_pictures_is_never_given() -> None:
    levels = class_levels(np.array([0.9, 0.1]), np.array([0, 2]), 3)
    assert np.isnan(levels[1])
    assert set(decode(np.linspace(0, 1, 50), levels)) == {0, 2}


def test_test_pictures_do_not_decide() -> None:
    draw = np.random.default_rng(0)
    label = np.tile(np.arange(6), 10)
    split = np.array((["validation"] * 30) + ["test"] * 30)
    potency = 1 - label / 5 + draw.normal(0, 0.02, 60)
    pictures = {"split": split, "label": label, "potency": potency}
    grades = map_grades(pictures, 6)
    assert (grades == label).mean() > 0.95
    moved = {**pictures, "label": np.where(split == "test", 5 - label, label)}
    np.testing.assert_array_equal(map_grades(moved, 6), grades)
    stretched = {**pictures, "potency": 0.3 * potency + 0.2}
    np.testing.assert_array_equal(map_grades(stretched, 6), grades)
    shuffled = {**pictures, "label": np.where(split == "test", label, draw.permutation(label))}
    assert (map_grades(shuffled, 6) == label).mean() < 0.5


def test_grades_have_intervals_over_sheets() -> None:
    label = np.repeat(np.arange(3), 8)
    grade = np.where(np.arange(24) % 4 == 0, np.minimum(label + 1, 2), label)
    pictures = {"label": label, "grade": grade, "sheet": [f"s{k // 4}" for k in range(24)], "file": list("x" * 24)}
    result = grade_scores(pictures, 3)
    assert (result.groups, result.resampled, result.pictures) == (6, "sheets", 24)
    assert result.scores["accuracy"] == pytest.approx(np.mean(label == grade))
    low, high = result.intervals["mae"] or (math.nan, math.nan)
    assert low <= result.scores["mae"] <= high and np.trace(result.confusion) == np.sum(label == grade)


def test_evaluation_grades_maps_and_the_page_shows_it(runs: dict[str, Any]) -> None:
    run = runs["segmenter"]
    evaluation = run.read(Evaluation)
    pictures = evaluation.pictures.arrays()
    np.testing.assert_array_equal(pictures["map_grade"], map_grades(pictures, len(run.labels.times)))
    test = pictures["split"] == "test"
    right = np.mean(pictures["map_grade"][test] == pictures["label"][test])
    assert evaluation.map_grading and evaluation.map_grading.scores["accuracy"] == pytest.approx(right)
    assert "The map as a grader" in render_evaluation(run).read_text()
    assert runs["classifier"].read(Evaluation).map_grading is None
    assert "The map as a grader" not in render_evaluation(runs["classifier"]).read_text()
