"""Answers against the truth, beside the model's grades of the very same pictures; JSON and CSV."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.blindtest.agreement import agreement
from copper_tf.analysis.blindtest.answers import AnswerBook, Round, raters
from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest, read_key
from copper_tf.analysis.comparison import Grader, compare
from copper_tf.analysis.grading import grade_block
from copper_tf.statistics.scores import Rows
from copper_tf.utils.tables import write_tables
from tfds_copper.errors import InputError
from tfds_copper.files import write_json

__all__ = ["ALL", "RESULTS", "results_folder", "score"]

RESULTS = "results.json"
# What the raters are called where their mean is meant.
ALL = "all raters"
_SCORES = ("accuracy", "within_one", "mae", "qwk")

Row = dict[str, Any]


def results_folder(test: BlindTest) -> Path:
    """Where the results of a test go."""
    return test.path / "results"


def _finished(books: Sequence[AnswerBook]) -> list[tuple[AnswerBook, str, Round]]:
    """Every submitted round of every rater."""
    rounds = [(book, name, book.round(name)) for book in books for name in book.test.rounds]
    return [(book, name, found) for book, name, found in rounds if found.submitted]


def _unfinished(books: Sequence[AnswerBook]) -> list[Row]:
    """Who isn't counted yet, and why."""
    rows = []
    for book in books:
        for name in book.test.rounds:
            found = book.round(name)
            if not found.submitted:
                answered = {"answered": len(found.answers), "pictures": book.test.pictures}
                rows.append({"name": book.rater, "round": name, "started": found.started, **answered})
    return rows


def _graders(test: BlindTest, key: Row, done: Sequence[tuple[AnswerBook, str, Round]]) -> tuple[list[Any], list[Any]]:
    """(models, raters) as graders of the same pictures; a rater once for each round."""
    pictures = {name: np.array(key["pictures"][name]) for name in ("file", "sheet", "label")}
    shared: Row = {"settings": {}, "fingerprint": key["fingerprint"], "pictures": pictures, "times": test.labels.times}

    def made(name: str, kind: str, decoding: str, paths: Sequence[str], grades: Sequence[int]) -> Grader:
        return Grader(
            name=name, kind=kind, decoding=decoding, paths=tuple(paths), grades=np.array(grades)[:, None], **shared
        )

    models = [made(m["name"], m["kind"], m["decoding"], m["paths"], m["grades"]) for m in key["graders"]]
    people = [
        made(book.rater, "rater", name, [str(book.file)], [found.answers[k] for k in range(test.pictures)])
        for book, name, found in done
    ]
    return models, people


def _together(people: Sequence[Grader]) -> list[Grader]:
    """For each round that at least two have taken: all of them as one, whose score is their mean."""
    joined = []
    for name in ROUNDS:
        of_round = [p for p in people if p.decoding == name]
        if len(of_round) > 1:
            first = of_round[0]
            grades = np.concatenate([p.grades for p in of_round], axis=1)
            paths = tuple(p.paths[0] for p in of_round)
            joined.append(
                Grader(ALL, "raters", name, paths, {}, first.fingerprint, first.pictures, grades, first.times)
            )
    return joined


def _block(grader: Grader, seed: int) -> Row:
    """The scores of one grader, as they stand in the JSON of an evaluation."""
    pictures = {**grader.pictures, "grade": grader.grades[:, 0]}
    return grade_block(pictures, len(grader.times), seed)


def _pace(found: Round) -> Row:
    seconds = np.array(list(found.seconds.values()))
    return {"median_seconds": float(np.median(seconds)), "total_seconds": float(seconds.sum())} | {
        "changed": sum(n > 0 for n in found.changes.values())
    }


def _practised(test: BlindTest, book: AnswerBook) -> Row:
    """How much a rater has practised, and how well."""
    right = [test.practice[int(e["picture"])] == int(e["label"]) for e in book.practised()]
    return {"name": book.rater, "pictures": len(right), "accuracy": float(np.mean(right)) if right else None}


def _with_map(people: Sequence[Grader], seed: int) -> list[Row]:
    """What the map changes, for each rater who took both rounds and for those raters together."""
    first, second = ({p.name: p for p in people if p.decoding == name} for name in ROUNDS)
    both = [(first[name], second[name]) for name in first if name in second]
    pairs = list(both)
    if len(both) > 1:
        pairs.append(tuple(_together([p for pair in both for p in pair])))  # type: ignore[arg-type]
    rows = []
    for without, seen in pairs:
        difference = compare([without, seen], seed)["differences"][0]
        changed = int(np.sum(without.grades != seen.grades)) if without.grades.shape[1] == 1 else None
        rows.append({**difference, "changed": changed})
    return rows


def _agreements(people: Sequence[Grader], pictures: Rows, labels: int, seed: int) -> list[Row]:
    """Of each round that at least two have taken."""
    rows = []
    for name in ROUNDS:
        of_round = [p for p in people if p.decoding == name]
        if len(of_round) > 1:
            grades = np.concatenate([p.grades for p in of_round], axis=1)
            rows.append({"round": name} | agreement(pictures, [p.name for p in of_round], grades, labels, seed))
    return rows


def _answer_rows(test: BlindTest, key: Row, done: Sequence[tuple[AnswerBook, str, Round]]) -> list[Row]:
    """One row for each picture, rater and round, in the order in which the rater saw them."""
    times, rows = test.labels.times, []
    for book, name, found in done:
        for place, number in enumerate(test.order(book.rater, name), start=1):
            file, sheet, label = (key["pictures"][n][number] for n in ("file", "sheet", "label"))
            row = {"rater": book.rater, "round": name, "place": place, "file": file, "sheet": sheet, "t": times[label]}
            row |= {"answer t": times[found.answers[number]], "steps off": found.answers[number] - label}
            row |= {"seconds": found.seconds[number], "changes": found.changes[number]}
            rows.append(row | {f"{m['name']} t": times[m["grades"][number]] for m in key["graders"]})
    return rows


def _score_rows(graders: Sequence[Row]) -> list[Row]:
    """One row for each grader: scores with their intervals."""
    rows = []
    for grader in graders:
        row: Row = {"name": grader["name"], "kind": grader["kind"], "by": grader["by"]}
        for name in _SCORES:
            low, high = grader["intervals"][name] or (np.nan, np.nan)
            row |= {name: grader["scores"][name], f"{name} 95% low": low, f"{name} 95% high": high}
        rows.append(row | {n: grader.get(n, "") for n in ("median_seconds", "total_seconds", "changed")})
    return rows


def score(test: BlindTest) -> dict[str, Any]:
    """Scores every submitted round, and writes ``results/``: ``results.json``, ``answers.csv`` and ``scores.csv``.

    Intervals come from a bootstrap over whole sheets where these are known, see `comparison.compare`. Models are those
    the test was made with; their grades are those of that day.

    Args:
        test: with its key.

    Returns:
        What was written to ``results.json``.

    Raises:
        InputError: if nobody has submitted anything, or the key is missing.
    """
    key, books = read_key(test), raters(test)
    done = _finished(books)
    if not done:
        raise InputError(
            f"{test.path}: a round must be submitted before it is scored. Received: {len(books)} unfinished"
        )
    models, people = _graders(test, key, done)
    paces = [_pace(found) for _, _, found in done]
    shown = [
        {"name": g.name, "kind": g.kind, "by": g.decoding, "grades": g.grades[:, 0].tolist(), **_block(g, test.seed)}
        | pace
        for g, pace in zip([*people, *models], [*paces, *({} for _ in models)], strict=True)
    ]
    pictures, labels = people[0].pictures, len(test.labels.times)
    against = [{"model": m.name, "by": m.decoding, **_against(m, people, test.seed)} for m in models]
    found: Row = {
        "labels": {"times": list(test.labels.times), "unit": test.labels.unit},
        "test": {**test.settings, "path": str(test.path), "created": key["created"], "practice": len(test.practice)},
        "dataset": {"path": key["dataset"], "fingerprint": key["fingerprint"]},
        "caveats": key["caveats"],
        "scored": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "pictures": {**key["pictures"], "t": [test.labels.times[k] for k in key["pictures"]["label"]]},
        "graders": shown,
        "against": against,
        "with_map": _with_map(people, test.seed),
        "agreement": _agreements(people, pictures, labels, test.seed),
        "practice": [_practised(test, book) for book in books],
        "unfinished": _unfinished(books),
    }
    folder = results_folder(test)
    write_tables(folder / "answers.csv", _answer_rows(test, key, done), [])
    write_tables(folder / "scores.csv", _score_rows(shown), [])
    write_json(folder / RESULTS, found)
    return found


def _against(model: Grader, people: Sequence[Grader], seed: int) -> Row:
    """Every rater's round, and all raters together, minus a model on the same pictures."""
    found = compare([model, *people, *_together(people)], seed)
    return {name: found[name] for name in ("pictures", "groups", "resampled", "differences")}
