"""A session goes through practice and rounds, resumes where it was killed, and counts the time of viewing."""

from __future__ import annotations

from pathlib import Path

from copper_tf.analysis.blindtest.answers import AnswerLog
from copper_tf.analysis.blindtest.folder import ROUNDS
from copper_tf.apps.blindtest.session import DONE, PRACTICE, READY, ROUND, Session
from tests.blindtest_data import LABEL, code_of, write_test

FIRST, SECOND = ROUNDS


class _Clock:
    """Seconds that pass only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_walks_through_practice_and_both_rounds(tmp_path: Path) -> None:
    test = write_test(tmp_path, with_map=True)
    at = Session(AnswerLog.register(test, "Anna"))
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
        assert at.choice == 2
        at.forward()
    assert sorted(seen) == [0, 1, 2, 3] and at.stage == READY
    for name in ROUNDS:
        assert (at.stage, at.round) == (READY, name)
        at.start()
        for _ in range(16):
            at.choose(LABEL[at.number])
            at.forward()
        assert at.truth is None and at.position == 15 and at.unanswered == 0
        at.submit()
    assert at.stage == DONE
    assert [e.label == test.practice[e.picture] for e in at.log.practice_answers()].count(True) == 1
    assert at.log.round(FIRST).answers == at.log.round(SECOND).answers == dict(enumerate(LABEL))


def test_a_session_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    test = write_test(tmp_path)
    log = AnswerLog.register(test, "Anna")
    at = Session(log)
    at.choose(1)
    at.forward()
    assert Session(log).position == 1  # the second practice picture
    at.end_practice()
    at.start()
    for _ in range(7):
        at.choose(3)
        at.forward()
    with log.file.open("ab") as file:
        file.write(b'{"event": "answered", "round": "without map", "pict')  # torn by the kill
    again = Session(AnswerLog.resume(test, "anna", code_of(test, "Anna")))
    assert (again.stage, again.position, again.unanswered) == (ROUND, 7, 9)
    again.choose(2)
    assert Session(log).unanswered == 8 and log.round(FIRST).answers[again.number] == 2
    assert again.order == at.order


def test_time_is_that_of_looking_until_the_last_answer(tmp_path: Path) -> None:
    test, clock = write_test(tmp_path), _Clock()
    at = Session(AnswerLog.register(test, "Anna"), clock)
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
    at.go_to(0)
    clock.now += 7
    at.choose(3)
    state = at.state
    assert state.seconds[second] == 5 and state.changes[second] == 0
    assert state.seconds[first] == 3 + 2 + 10 + 7 and state.changes[first] == 2 and state.answers[first] == 3
