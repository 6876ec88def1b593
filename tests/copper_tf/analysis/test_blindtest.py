"""The blind test without its page: what is drawn, what is kept of answers, and statistics that were done by hand."""

from __future__ import annotations

import csv
import json
import math
import multiprocessing
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from copper_tf.analysis.blindtest.agreement import alpha
from copper_tf.analysis.blindtest.answers import AnswerBook, clean_name
from copper_tf.analysis.blindtest.folder import KEY, ROUNDS, TEST, open_test
from copper_tf.analysis.blindtest.prepare import prepare
from copper_tf.analysis.blindtest.sampling import drawn, shuffled
from copper_tf.analysis.blindtest.scoring import score
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import read
from copper_tf.apps.blindtest.session import DONE, PRACTICE, READY, ROUND, Sitting
from copper_tf.inference.predictor import RunPredictor
from tests.blinded import LABEL, MODEL, code_of, made_up, take
from tfds_copper.errors import InputError, OutputError, RunError, SettingError

FIRST, SECOND = ROUNDS


class _Clock:
    """Seconds that pass only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_draw_takes_labels_and_sheets_alike() -> None:
    label = np.repeat([0, 1, 2], 20)
    sheet = np.array([f"{k}-{n // 5}" for k in range(3) for n in range(20)])
    for seed in range(20):
        chosen = drawn(label, sheet, 13, seed)
        assert len(set(chosen.tolist())) == 13
        assert sorted(np.bincount(label[chosen])) == [4, 4, 5]
        # Four of a label come from its four sheets.
        assert all(len(set(sheet[chosen[label[chosen] == k]])) == 4 for k in range(3))
    again = [drawn(label, sheet, 13, 3).tolist() for _ in range(2)]
    assert again[0] == again[1] != drawn(label, sheet, 13, 4).tolist()
    assert sorted(drawn(label, sheet, 99, 0).tolist()) == list(range(60))


def test_orders_are_seeded_and_each_raters_own() -> None:
    a, b = shuffled(16, 0, "anna/without map"), shuffled(16, 0, "ben/without map")
    assert a == shuffled(16, 0, "anna/without map") and sorted(a) == sorted(b) == list(range(16))
    assert len({tuple(o) for o in (a, b, shuffled(16, 0, "anna/with map"), shuffled(16, 1, "anna/without map"))}) == 4


def test_a_test_is_drawn_from_the_splits_it_should(dataset: Any, runs: dict[str, Any], tmp_path: Path) -> None:
    from copper_tf.data.pictures import examples

    graders = [read(runs["classifier"].path), read(runs["segmenter"].path)]
    settings = BlindSettings(pictures=5, practice=4, with_map=True, seed=2)
    test = prepare(tmp_path / "t", dataset, graders, settings, RunPredictor(runs["segmenter"]))
    assert (test.pictures, len(test.practice), test.labels.times) == (5, 4, (0.0, 1.0, 2.0))
    key = json.loads((test.path / KEY).read_text())
    of = {split: {e.file: e for e in examples(dataset, split)} for split in ("train", "test")}
    assert set(key["pictures"]["file"]) <= set(of["test"]) and set(key["practice"]) <= set(of["train"])
    assert [of["train"][f].label for f in key["practice"]] == list(test.practice)
    for number, file in enumerate(key["pictures"]["file"]):
        example = of["test"][file]
        assert (example.label, example.sheet) == (key["pictures"]["label"][number], key["pictures"]["sheet"][number])
        shown = test.pixels("pictures", number)
        assert shown.shape == example.pixels.shape and np.corrcoef(shown.ravel(), example.pixels.ravel())[0, 1] > 0.98
        assert test.pixels("maps", number).shape == (*example.pixels.shape, 3)
        places = [graders[1].pictures["file"].tolist().index(file)]
        assert key["graders"][1]["grades"][number] == graders[1].grades[places[0], 0]
    # What the page reads names no picture, and no label of a test picture.
    told = (test.path / TEST).read_text()
    assert not any(f in told or Path(f).stem in told for f in (*of["train"], *of["test"])) and 'label"' not in told
    with pytest.raises(OutputError, match="a new test needs a folder of its own"):
        prepare(test.path, dataset)


def test_pictures_are_nothing_but_pixels(dataset: Any, tmp_path: Path) -> None:
    test = prepare(tmp_path / "t", dataset, settings=BlindSettings(pictures=3))
    assert len(test.practice) == 6
    for file in test.path.rglob("*.png"):
        assert re.fullmatch(r"\d{4}\.png", file.name)
        with Image.open(file) as image:
            assert image.info == {} and image.mode == "L"
        data = file.read_bytes()
        kinds = re.findall(rb"IHDR|IDAT|IEND|tEXt|zTXt|iTXt|tIME|eXIf|iCCP|pHYs", data)
        assert {kinds[0], kinds[-1]} == {b"IHDR", b"IEND"} and b"tEXt" not in data and b"pHYs" not in data


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pictures": 7}, "pictures must be at most the 6 of the test split. Received: 7"),
        ({"practice": 99}, "practice must be at most the 18 of the train split. Received: 99"),
        ({"with_map": True}, "with_map needs a run whose maps can be shown, a segmenter. Received: none"),
    ],
)
def test_what_cannot_be_drawn_is_said(dataset: Any, tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        prepare(tmp_path / "t", dataset, settings=BlindSettings(**settings))


def test_a_model_of_other_data_is_refused(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> None:
    import dataclasses

    grader = dataclasses.replace(read(runs["classifier"].path), fingerprint="other")
    with pytest.raises(RunError, match="must be of the dataset"):
        prepare(tmp_path / "t", dataset, [grader])


def test_a_sitting_walks_through_practice_and_both_rounds(tmp_path: Path) -> None:
    test = made_up(tmp_path, with_map=True)
    at = Sitting(AnswerBook.enrol(test, "Anna"))
    seen = []
    assert at.stage == PRACTICE and at.truth is None
    for _ in range(4):
        at.forward()  # without a choice nothing happens
        assert not at.revealed
        at.choose(2)
        assert at.truth is None
        at.forward()
        seen.append(at.truth)
        at.choose(0)  # too late
        assert at.chosen == 2
        at.forward()
    assert sorted(seen) == [0, 1, 2, 3] and at.stage == READY
    for name in ROUNDS:
        assert (at.stage, at.round) == (READY, name)
        at.start()
        for _ in range(16):
            at.choose(LABEL[at.number])
            at.forward()
        assert at.truth is None and at.place == 15 and at.open == 0
        at.submit()
    assert at.stage == DONE
    assert [e["label"] == test.practice[e["picture"]] for e in at.book.practised()].count(True) == 1
    assert at.book.round(FIRST).answers == at.book.round(SECOND).answers == dict(enumerate(LABEL))


def test_a_sitting_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    book = AnswerBook.enrol(test, "Anna")
    at = Sitting(book)
    at.choose(1)
    at.forward()
    assert Sitting(book).place == 1  # the second practice picture
    at.end_practice()
    at.start()
    for _ in range(7):
        at.choose(3)
        at.forward()
    with book.file.open("ab") as file:
        file.write(b'{"event": "answered", "round": "without map", "pict')  # torn by the kill
    again = Sitting(AnswerBook.resume(test, "anna", code_of(test, "Anna")))
    assert (again.stage, again.place, again.open) == (ROUND, 7, 9)
    again.choose(2)
    assert Sitting(book).open == 8 and book.round(FIRST).answers[again.number] == 2
    assert again.order == at.order


def test_time_is_that_of_looking_until_the_last_answer(tmp_path: Path) -> None:
    test, clock = made_up(tmp_path), _Clock()
    at = Sitting(AnswerBook.enrol(test, "Anna"), clock)
    at.end_practice()
    at.start()
    first = at.number
    clock.now += 3
    at.choose(1)
    clock.now += 2
    at.choose(1)  # the same again: no change
    at.choose(2)
    clock.now += 10
    at.forward()  # ten seconds after the answer don't count
    clock.now += 4
    at.pause(True)
    clock.now += 1000
    at.choose(0)
    at.forward()
    at.pause(False)
    clock.now += 1
    second = at.number
    at.choose(0)
    at.go(0)
    clock.now += 7
    at.choose(3)
    state = at.state
    assert state.seconds[second] == 5 and state.changes[second] == 0
    assert state.seconds[first] == 3 + 2 + 10 + 7 and state.changes[first] == 2 and state.answers[first] == 3


def test_answers_are_closed_once_they_are_submitted(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    book = AnswerBook.enrol(test, "Anna")
    book.answer(FIRST, 0, 1, 1.0)
    with pytest.raises(SettingError, match="submit needs an answer to every picture. Received: 15 without"):
        book.submit(FIRST)
    for k in range(16):
        book.answer(FIRST, k, 1, 1.0)
    book.submit(FIRST)
    with pytest.raises(SettingError, match="can be changed until they are submitted"):
        book.answer(FIRST, 0, 2, 1.0)
    with pytest.raises(SettingError, match="must be a label of a picture of this test. Received: 4 of 0"):
        book.answer(SECOND, 0, 4, 1.0)
    assert book.round(FIRST).answers[0] == 1


def test_one_rater_is_not_taken_for_another(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    book = AnswerBook.enrol(test, "  Anna   K. ")
    assert book.rater == "Anna K." and re.fullmatch(r"\d{6}", book.code)
    with pytest.raises(InputError, match="this one is taken"):
        AnswerBook.enrol(test, "anna k.")
    with pytest.raises(InputError, match="the code shown when this rater began"):
        AnswerBook.resume(test, "Anna K.", "000000" if book.code != "000000" else "1")
    with pytest.raises(InputError, match="an unknown name"):
        AnswerBook.resume(test, "Ben", "123456")
    assert AnswerBook.resume(test, "ANNA K.", f" {book.code[:3]} {book.code[3:]}").file == book.file
    names = ["../../etc/passwd", "日本", "..", "a/b", "a\\b", "CON", "x" * 60, "%2e%2e", "日 本"]
    files = {AnswerBook.enrol(test, name).file for name in names}
    assert len(files) == len(names) and {f.parent for f in files} == {test.path / "answers"}
    for bad in ("", "   ", "x" * 61, "a\x00b", "=1+1", "\u202eanna"):
        with pytest.raises(SettingError, match="rater must be a name"):
            clean_name(bad)


def _answers(path: str, name: str, start: int) -> None:
    test = open_test(Path(path))
    book = AnswerBook.enrol(test, name) if start < 0 else AnswerBook.resume(test, name, code_of(test, name))
    for turn in range(8):
        for k in range(max(start, 0), 16, 1 if start < 0 else 2):
            book.answer(FIRST, k, (k + turn + len(name)) % 4, 0.01)


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two raters, and two pages of a third one, in processes of their own."""
    test = made_up(tmp_path)
    AnswerBook.enrol(test, "both")
    context = multiprocessing.get_context("spawn")
    jobs = [("a", -1), ("bb", -1), ("both", 0), ("both", 1)]
    workers = [context.Process(target=_answers, args=(str(tmp_path), *job)) for job in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    for name in ("a", "bb", "both"):
        found = AnswerBook.resume(test, name, code_of(test, name)).round(FIRST)
        assert found.answers == {k: (k + 7 + len(name)) % 4 for k in range(16)}
        assert set(found.changes.values()) == {7}


# A rater who is right on 10 pictures, one step late on 4 (0, 1, 4, 5) and two steps late on 2 (8, 9).
LATE = [g + {0: 1, 1: 1, 4: 1, 5: 1, 8: 2, 9: 2}.get(k, 0) for k, g in enumerate(LABEL)]


def test_the_statistics_of_a_scripted_rater_are_those_done_by_hand(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    take(test, "late", LATE)
    found = score(test)
    rater, model = found["graders"]
    # 10 of 16 right; 14 within one; 4 x 1 + 2 x 2 = 8 steps.
    assert rater["scores"]["accuracy"] == 10 / 16 and rater["scores"]["within_one"] == 14 / 16
    assert rater["scores"]["mae"] == 8 / 16
    assert (model["scores"]["accuracy"], model["scores"]["mae"]) == (13 / 16, 3 / 16)
    # QWK: observed squared steps 4 x 1 + 2 x 4 = 12. The rater gives labels 0, 1, 2, 3 a number of times 1, 4, 6, 5:
    # 0 stays at picture 12 alone; 1 at 13 and, late, at 0 and 4; and so on. By chance each true label (4 of 16) meets
    # each answer: 4/16 x sum over answers of their squared distances to 0, 1, 2, 3.
    given = [LATE.count(k) for k in range(4)]
    assert given == [1, 3, 7, 5]
    squares = [0 + 1 + 4 + 9, 1 + 0 + 1 + 4, 4 + 1 + 0 + 1, 9 + 4 + 1 + 0]
    chance = sum(4 / 16 * n * s for n, s in zip(given, squares, strict=True))
    assert chance == (1 * 14 + 3 * 6 + 7 * 6 + 5 * 14) / 4 == 36
    assert rater["scores"]["qwk"] == pytest.approx(1 - 12 / 36)
    assert rater["confusion"] == [[1, 2, 1, 0], [0, 1, 2, 1], [0, 0, 4, 0], [0, 0, 0, 4]]
    # The model alone is right on 1, 4, 8, 9 (the rater late, the model not), the rater alone on 10.
    difference = found["against"][0]["differences"][0]
    assert difference["mcnemar"]["only_first"] == 4 and difference["mcnemar"]["only_second"] == 1
    assert difference["mcnemar"]["p"] == pytest.approx(2 * (1 + 5) / 2**5)
    # Errors differ on 1, 4, 8, 9 by +1, +1, +2, +2 and on 10 by -1: ranks 2, 2, 4.5, 4.5 against 2. Of the 2^5 signs
    # those with a sum of positive ranks of at least 13 or at most 2: 13 (three ways to give the one 2 away), 15; 2, 0.
    assert difference["wilcoxon"]["p"] == pytest.approx(2 * (3 + 1) / 2**5)
    assert difference["scores"]["accuracy"]["difference"] == pytest.approx(-3 / 16)
    assert difference["scores"]["mae"]["difference"] == pytest.approx(5 / 16)
    low, high = rater["intervals"]["accuracy"]
    assert low < 10 / 16 < high and difference["scores"]["accuracy"]["detectable"] > 0.1
    assert (rater["median_seconds"], rater["total_seconds"], rater["changed"]) == (2, 32, 0)


def test_the_bootstrap_takes_whole_sheets(tmp_path: Path) -> None:
    """Sheets that are right or wrong as a whole: the error of a mean of 8, not of 16."""
    test = made_up(tmp_path)
    wrong = [(g + 1) % 4 if n // 2 % 2 else g for n, g in enumerate(LABEL)]
    take(test, "sheets", wrong)
    low, high = score(test)["graders"][0]["intervals"]["accuracy"]
    half = (high - low) / 2
    assert half == pytest.approx(1.96 * math.sqrt(0.25 / 8), rel=0.25)
    assert score(test)["graders"][0]["resampled"] == "sheets"


def test_agreement_is_kappa_and_alpha_done_by_hand(tmp_path: Path) -> None:
    # Two raters, four pictures: variances of the pairs 0, 1/2, 0, 1/2; all eight: mean 1.5, sum of squares 26 - 18 = 8.
    grades = np.array([[0, 0], [1, 2], [2, 2], [2, 3]])
    assert np.sum((grades - 1.5) ** 2) == 8
    assert alpha(grades) == pytest.approx(1 - (1 / 4) / (8 / 7))
    assert alpha(np.array([[1, 1], [3, 3]])) == 1 and math.isnan(alpha(np.ones((3, 2))))
    draw = np.random.default_rng(0)
    assert abs(alpha(draw.integers(0, 4, (4000, 3)))) < 0.03
    test = made_up(tmp_path)
    take(test, "late", LATE)
    take(test, "right", LABEL)
    found = score(test)["agreement"]
    assert [a["round"] for a in found] == [FIRST]
    (pair,) = found[0]["pairs"]
    # Beside one who is always right, agreement is the score of the other.
    assert pair["kappa"] == pytest.approx(1 - 12 / 36) and pair["same"] == 10 / 16
    both = np.array([LATE, LABEL]).T
    expected = 1 - np.mean([(a - b) ** 2 / 2 for a, b in both]) / np.var(both, ddof=1)
    assert found[0]["alpha"] == pytest.approx(expected)


def test_the_map_is_judged_on_the_same_pictures(tmp_path: Path) -> None:
    test = made_up(tmp_path, with_map=True)
    take(test, "late", LATE)
    take(test, "late", MODEL, SECOND)
    take(test, "steady", LABEL)
    take(test, "steady", LABEL, SECOND)
    take(test, "half", LABEL)
    found = score(test)
    late, steady, both = found["with_map"]
    assert (late["name"], steady["name"], both["name"]) == ("late", "steady", "all raters")
    assert late["scores"]["mae"]["difference"] == pytest.approx(3 / 16 - 8 / 16)
    # Late's errors on 1, 4, 8, 9 are mended; 10 is new.
    assert (late["mcnemar"]["only_first"], late["mcnemar"]["only_second"], late["changed"]) == (1, 4, 5)
    assert steady["scores"]["mae"]["difference"] == 0 and steady["mcnemar"]["p"] == 1
    # The mean of those who took both: half's first round has no say.
    assert both["scores"]["mae"]["difference"] == pytest.approx((-5 / 16 + 0) / 2)
    assert found["unfinished"] == [{"name": "half", "round": SECOND, "started": False, "answered": 0, "pictures": 16}]


def test_chance_is_not_found_better_than_a_model(tmp_path: Path) -> None:
    """Control: answers at random score as chance, and a rater who answers as the model does doesn't differ."""
    test = made_up(tmp_path)
    take(test, "dice", np.random.default_rng(1).integers(0, 4, 16).tolist())
    take(test, "echo", MODEL)
    found = score(test)
    dice, echo, _ = found["graders"]
    low, high = dice["intervals"]["qwk"]
    assert low < 0.3 and dice["scores"]["accuracy"] < 0.6 and high < 0.9
    against = found["against"][0]["differences"][1]
    assert against["mcnemar"]["p"] == against["wilcoxon"]["p"] == 1
    assert against["scores"]["mae"]["difference"] == 0 and echo["scores"]["accuracy"] == 13 / 16


def test_the_tables_hold_every_answer(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    take(test, "late", LATE)
    score(test)
    with (test.path / "results" / "answers.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16 and [int(r["place"]) for r in rows] == list(range(1, 17))
    times = test.labels.times
    for row, number in zip(rows, test.order("late", FIRST), strict=True):
        assert float(row["t"]) == times[LABEL[number]] and float(row["answer t"]) == times[LATE[number]]
        assert float(row["net t"]) == times[MODEL[number]] and f"secretname{number:03d}" in row["file"]
        assert int(row["steps off"]) == LATE[number] - LABEL[number]
    with (test.path / "results" / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [r["name"] for r in csv.DictReader(file)] == ["late", "net"]


def test_nothing_is_scored_before_it_is_submitted(tmp_path: Path) -> None:
    test = made_up(tmp_path)
    AnswerBook.enrol(test, "late").answer(FIRST, 0, 1, 1.0)
    with pytest.raises(InputError, match="a round must be submitted before it is scored. Received: 1 unfinished"):
        score(test)
    (test.path / KEY).write_text(json.dumps({"ident": "other"}))
    with pytest.raises(InputError, match="must be the key of this test"):
        score(test)
    (test.path / TEST).write_text("{")
    with pytest.raises(InputError, match="must be a file that `copper blindtest` wrote"):
        open_test(test.path)
