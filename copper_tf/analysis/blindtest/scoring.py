"""Scores a blind test: answers against the truth, beside the grades of models for the same pictures."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from copper_tf.analysis.blindtest.agreement import agreement
from copper_tf.analysis.blindtest.answers import AnswerLog, RoundState, rater_logs
from copper_tf.analysis.blindtest.folder import ROUNDS, BlindTest, Key, read_key
from copper_tf.analysis.blindtest.results import (
    RATER,
    BlindTestResult,
    GraderResult,
    ModelDifferences,
    PairedDifference,
    PictureTable,
    PracticeResult,
    RoundAgreement,
    UnfinishedRound,
)
from copper_tf.analysis.blindtest.verdicts import ALL_RATERS, verdicts
from copper_tf.analysis.comparison import Grader, compare
from copper_tf.analysis.evaluation_results import GradeScores
from copper_tf.analysis.grading import grade_scores
from copper_tf.statistics.scores import Rows
from copper_tf.utils.tables import write_tables
from tfds_copper.errors import InputError

__all__ = ["RESULTS", "read_result", "score"]

RESULTS = "results.json"
_SCORES = ("accuracy", "within_one", "mae", "qwk")

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Submission:
    """A submitted round of a rater."""

    log: AnswerLog
    round: str
    state: RoundState


def _submissions(test: BlindTest, logs: Sequence[AnswerLog], damaged: Sequence[InputError]) -> list[_Submission]:
    rounds = [_Submission(log, name, log.round(name)) for log in logs for name in log.test.rounds]
    submissions = [submission for submission in rounds if submission.state.submitted]
    if not submissions:
        raise InputError(
            f"{test.path}: a round must be submitted before it is scored. Received: {len(logs)} unfinished"
            + (f", {len(damaged)} damaged, such as {damaged[0]}" if damaged else "")
        )
    return submissions


def _unfinished(logs: Sequence[AnswerLog]) -> Iterable[UnfinishedRound]:
    """The rounds that are not scored."""
    for log in logs:
        for name in log.test.rounds:
            state = log.round(name)
            if not state.submitted:
                yield UnfinishedRound(log.rater, name, state.started, len(state.answers), log.test.pictures)


def _graders(test: BlindTest, key: Key, submissions: Sequence[_Submission]) -> tuple[list[Grader], list[Grader]]:
    """(models, raters) as graders of the same pictures; a rater once for each round."""
    pictures = {name: np.array(getattr(key.pictures, name)) for name in ("file", "sheet", "label")}
    shared: Row = {
        "settings": {}, "fingerprint": key.fingerprint, "pictures": pictures, "times": test.labels.times
    }  # fmt: skip

    def grader(name: str, kind: str, decoding: str, paths: Sequence[str], grades: Sequence[int]) -> Grader:
        return Grader(
            name=name, kind=kind, decoding=decoding, paths=tuple(paths), grades=np.array(grades)[:, None], **shared
        )

    models = [grader(m.name, m.kind, m.decoding, m.paths, m.grades) for m in key.models]
    raters = [
        grader(s.log.rater, RATER, s.round, [str(s.log.file)], [s.state.answers[k] for k in range(test.pictures)])
        for s in submissions
    ]
    return models, raters


def _together(raters: Sequence[Grader]) -> list[Grader]:
    """For each round that at least two have submitted: all of them as one grader, whose score is their mean."""
    together = []
    for name in ROUNDS:
        of_round = [rater for rater in raters if rater.decoding == name]
        if len(of_round) > 1:
            grades = np.concatenate([rater.grades for rater in of_round], axis=1)
            paths = tuple(rater.paths[0] for rater in of_round)
            together.append(
                dataclasses.replace(of_round[0], name=ALL_RATERS, kind="raters", paths=paths, grades=grades)
            )
    return together


def _scores(grader: Grader, seed: int) -> GradeScores:
    return grade_scores({**grader.pictures, "grade": grader.grades[:, 0]}, len(grader.times), seed)


def _pace(state: RoundState) -> Row:
    seconds = np.array(list(state.seconds.values()))
    changed = sum(n > 0 for n in state.changes.values())
    return {"median_seconds": float(np.median(seconds)), "total_seconds": float(seconds.sum()), "changed": changed}


def _grader_results(
    models: Sequence[Grader], raters: Sequence[Grader], submissions: Sequence[_Submission], seed: int
) -> Iterable[GraderResult]:
    paces: list[Row] = [*(_pace(submission.state) for submission in submissions), *({} for _ in models)]
    for grader, pace in zip([*raters, *models], paces, strict=True):
        yield GraderResult(
            name=grader.name,
            kind=grader.kind,
            method=grader.decoding,
            grades=tuple(grader.grades[:, 0].tolist()),
            **vars(_scores(grader, seed)),
            **pace,
        )


def _practice(test: BlindTest, log: AnswerLog) -> PracticeResult:
    correct = [test.practice[event.picture] == event.label for event in log.practice_answers()]
    return PracticeResult(log.rater, len(correct), float(np.mean(correct)) if correct else None)


def _differences(graders: Sequence[Grader], seed: int) -> tuple[PairedDifference, ...]:
    """Every grader but the first minus the first."""
    return tuple(PairedDifference(**vars(row)) for row in compare(graders, seed).differences)


def _map_effect(raters: Sequence[Grader], seed: int) -> Iterable[PairedDifference]:
    """With the map minus without it, for each rater who submitted both rounds and for those raters together."""
    first, second = ({rater.name: rater for rater in raters if rater.decoding == name} for name in ROUNDS)
    both = [(first[name], second[name]) for name in first if name in second]
    pairs = list(both)
    if len(both) > 1:
        without, with_map = _together([rater for pair in both for rater in pair])
        pairs.append((without, with_map))
    for without, with_map in pairs:
        single = without.grades.shape[1] == 1
        changed = int(np.sum(without.grades != with_map.grades)) if single else None
        yield dataclasses.replace(_differences([without, with_map], seed)[0], changed=changed)


def _agreements(raters: Sequence[Grader], pictures: Rows, labels: int, seed: int) -> Iterable[RoundAgreement]:
    """Of each round that at least two have submitted."""
    for name in ROUNDS:
        of_round = [rater for rater in raters if rater.decoding == name]
        if len(of_round) > 1:
            grades = np.concatenate([rater.grades for rater in of_round], axis=1)
            yield agreement(name, pictures, [rater.name for rater in of_round], grades, labels, seed)


def _answer_rows(test: BlindTest, key: Key, submissions: Sequence[_Submission]) -> Iterable[Row]:
    """One row for each picture, rater and round, in the order in which the rater saw them."""
    times, pictures = test.labels.times, key.pictures
    for submission in submissions:
        rater, name, state = submission.log.rater, submission.round, submission.state
        for position, number in enumerate(test.order(rater, name), start=1):
            label, answer = pictures.label[number], state.answers[number]
            row = {"rater": rater, "round": name, "position": position, "file": pictures.file[number]}
            row |= {"sheet": pictures.sheet[number], "t": times[label], "answer t": times[answer]}
            row |= {"steps off": answer - label, "seconds": state.seconds[number], "changes": state.changes[number]}
            yield row | {f"{model.name} t": times[model.grades[number]] for model in key.models}


def _score_rows(graders: Sequence[GraderResult]) -> Iterable[Row]:
    """One row for each grader: scores with their intervals."""
    for grader in graders:
        row: Row = {"name": grader.name, "kind": grader.kind, "method": grader.method}
        for name in _SCORES:
            low, high = grader.intervals[name] or (np.nan, np.nan)
            row |= {name: grader.scores[name], f"{name} 95% low": low, f"{name} 95% high": high}
        pace = {name: getattr(grader, name) for name in ("median_seconds", "total_seconds", "changed")}
        yield row | {name: "" if value is None else value for name, value in pace.items()}


def score(test: BlindTest) -> BlindTestResult:
    """Scores every submitted round, and writes ``results/``: ``results.json``, ``answers.csv`` and ``scores.csv``.

    Damaged files of answers are named and left out. Intervals come from a bootstrap over whole sheets where these are
    known, see `comparison.compare`. The models and their grades are those that the test was prepared with.

    Args:
        test: with its key.

    Returns:
        What was written to ``results.json``.

    Raises:
        InputError: if no round was submitted, or the key is missing.
    """
    damaged = list[InputError]()
    key, logs = read_key(test), rater_logs(test, damaged.append)
    submissions = _submissions(test, logs, damaged)
    seed, times = test.settings.seed, test.labels.times
    models, raters = _graders(test, key, submissions)
    graders = tuple(_grader_results(models, raters, submissions, seed))
    joint = [*raters, *_together(raters)]
    differences = tuple(ModelDifferences(m.name, m.decoding, _differences([m, *joint], seed)) for m in models)
    map_effect = tuple(_map_effect(raters, seed))
    result = BlindTestResult(
        path=str(test.path),
        created=key.created,
        scored=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        settings=test.settings,
        labels=test.labels,
        dataset=key.dataset,
        fingerprint=key.fingerprint,
        caveats=key.caveats,
        practice_pictures=len(test.practice),
        pictures=PictureTable(**vars(key.pictures), t=tuple(times[k] for k in key.pictures.label)),
        graders=graders,
        differences=differences,
        map_effect=map_effect,
        agreement=tuple(_agreements(raters, raters[0].pictures, len(times), seed)),
        practice=tuple(_practice(test, log) for log in logs),
        unfinished=tuple(_unfinished(logs)),
        verdicts=verdicts(graders, differences, map_effect),
        damaged=tuple(map(str, damaged)),
    )
    write_tables(test.results_folder / "answers.csv", _answer_rows(test, key, submissions), [])
    write_tables(test.results_folder / "scores.csv", _score_rows(graders), [])
    result.write(test.results_folder / RESULTS)
    return result


def read_result(test: BlindTest) -> BlindTestResult:
    """Reads what `score` wrote.

    Raises:
        InputError: if the test is not scored yet.
        RunError: if it was scored by another version.
    """
    file = test.results_folder / RESULTS
    if not file.is_file():
        raise InputError(f"{file}: must be written by `copper blindtest {test.path} --score`. Received: no such file")
    return BlindTestResult.read(file)
