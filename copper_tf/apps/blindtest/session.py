"""The session of a rater on a page: its state and what each action does, independent of the web."""

from __future__ import annotations

import time
from collections.abc import Callable

from copper_tf.analysis.blindtest.answers import AnswerLog, RoundState

__all__ = ["DONE", "PRACTICE", "READY", "ROUND", "Session"]

# The stages, in their order; READY and ROUND come once for each round.
PRACTICE, READY, ROUND, DONE = "practice", "ready", "round", "done"


class Session:
    """What one page shows and does; it resumes where the rater's answers end.

    Args:
        log: the answers of the rater.
        clock: seconds that only increase.

    Attributes:
        stage: one of the stages.
        round: name of the round, of the next one while `READY`.
        position: of the current picture in the order of this rater.
        repetition: of the practice, from 1.
        practice_choice: the label chosen in practice, not checked yet.
        revealed: whether the true label of the practice picture is shown.
        paused: whether the picture is hidden and no time is counted.
        reviewing: whether the rater is past the last picture, where the round can be submitted.
    """

    def __init__(self, log: AnswerLog, clock: Callable[[], float] = time.monotonic) -> None:
        self.log, self.test, self._clock = log, log.test, clock
        self.practice_choice: int | None = None
        self.revealed = self.paused = self.reviewing = False
        self.position, self.repetition = 0, 1
        self._since: float | None = None
        self.stage, self.round = self._resume()
        if self.stage == PRACTICE:
            answers = log.practice_answers()
            self.repetition = max((answer.repetition for answer in answers), default=1)
            self.position = sum(answer.repetition == self.repetition for answer in answers)
            if self.position >= len(self.order):
                self.stage = READY
        elif self.stage == ROUND:
            self.position = self.first_unanswered
            self.reviewing = not self.unanswered
        self._start_clock()

    def _resume(self) -> tuple[str, str]:
        states = {name: self.log.round(name) for name in self.test.rounds}
        for name, state in states.items():
            if state.submitted:
                continue
            if state.started:
                return ROUND, name
            return (PRACTICE if name == self.test.rounds[0] else READY), name
        return DONE, self.test.rounds[-1]

    @property
    def order(self) -> list[int]:
        """The numbers of the pictures of this stage, in the order of this rater."""
        series = f"practice {self.repetition}" if self.stage == PRACTICE else self.round
        return self.test.order(self.log.rater, series)

    @property
    def number(self) -> int:
        """The number of the current picture in the test."""
        return self.order[self.position]

    @property
    def state(self) -> RoundState:
        """The saved state of this round."""
        return self.log.round(self.round)

    @property
    def truth(self) -> int | None:
        """The true label of an answered practice picture; None for a test picture, whose label is unknown here."""
        return self.test.practice[self.number] if self.stage == PRACTICE and self.revealed else None

    @property
    def choice(self) -> int | None:
        """The label chosen for the current picture."""
        return self.practice_choice if self.stage == PRACTICE else self.state.answers.get(self.number)

    @property
    def first_unanswered(self) -> int:
        """The position of the first picture without an answer; the last position where all have one."""
        answered = self.state.answers
        return next((k for k, number in enumerate(self.order) if number not in answered), len(self.order) - 1)

    @property
    def unanswered(self) -> int:
        """The number of pictures without an answer."""
        return len(self.order) - len(self.state.answers)

    def choose(self, label: int) -> None:
        """Chooses a label; in a round it is saved at once."""
        if self.paused or self.reviewing or not 0 <= label < len(self.test.labels.times):
            return
        if self.stage == PRACTICE and not self.revealed:
            self.practice_choice = label
        elif self.stage == ROUND and label != self.choice:
            self.log.answer(self.round, self.number, label, self._elapsed())

    def _step(self, by: int) -> None:
        # Without a choice, the first step goes to the middle label.
        if self.stage not in (PRACTICE, ROUND):
            return
        last = len(self.test.labels.times) - 1
        current = self.choice
        self.choose(last // 2 if current is None else min(max(current + by, 0), last))

    def previous_label(self) -> None:
        """Moves the choice to the previous label."""
        self._step(-1)

    def next_label(self) -> None:
        """Moves the choice to the next label."""
        self._step(1)

    def forward(self) -> None:
        """Checks a practice answer, or goes to the next picture."""
        if self.paused:
            return
        if self.stage == PRACTICE:
            self._practise()
        elif self.stage == ROUND:
            self.go_to(self.first_unanswered if self.reviewing and self.unanswered else self.position + 1)

    def back(self) -> None:
        """Goes to the previous picture, or from the end of the round to its last picture."""
        self.go_to(self.position if self.reviewing else self.position - 1)

    def _practise(self) -> None:
        if self.practice_choice is None:
            return
        if not self.revealed:
            self.log.practise(self.repetition, self.number, self.practice_choice)
            self.revealed = True
            return
        self.practice_choice, self.revealed = None, False
        if self.position + 1 < len(self.order):
            self.position += 1
        else:
            self.stage = READY

    def go_to(self, position: int) -> None:
        """Shows another picture of the round, or past the last one the end of the round."""
        if self.stage != ROUND or self.paused or position < 0:
            return
        self._save_time()
        self.reviewing = position >= len(self.order)
        self.position = min(position, len(self.order) - 1)
        self._start_clock()

    def pause(self, paused: bool) -> None:
        """Hides the picture and stops the clock, or resumes."""
        if paused == self.paused:
            return
        if paused:
            self._save_time()
        self.paused = paused
        self._start_clock()

    def practise_again(self) -> None:
        """Repeats the practice in another order."""
        if self.stage == READY and self.round == self.test.rounds[0]:
            self.stage, self.repetition, self.position = PRACTICE, self.repetition + 1, 0

    def end_practice(self) -> None:
        """Ends the practice early."""
        if self.stage == PRACTICE:
            self.stage, self.practice_choice, self.revealed = READY, None, False

    def start(self) -> None:
        """Starts the next round."""
        if self.stage == READY:
            self.log.start(self.round)
            self.stage, self.position = ROUND, 0
            self._start_clock()

    def submit(self) -> None:
        """Closes the round.

        Raises:
            SettingError: if pictures are without an answer.
        """
        if self.stage == ROUND and not self.paused:
            self._save_time()
            self.log.submit(self.round)
            self.stage, self.round = self._resume()
            self.position, self.reviewing = 0, False

    def _start_clock(self) -> None:
        shown = self.stage == ROUND and not self.paused and not self.reviewing
        self._since = self._clock() if shown else None

    def _elapsed(self) -> float:
        """Seconds since the picture was shown or last answered."""
        now, since = self._clock(), self._since
        self._since = now
        return 0.0 if since is None else now - since

    def _save_time(self) -> None:
        if self._since is not None:
            self.log.view(self.round, self.number, self._elapsed())
            self._since = None
