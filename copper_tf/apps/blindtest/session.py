"""One rater at one page: where she is, what a key does; without any web, so that it can be tested without one."""

from __future__ import annotations

import time
from collections.abc import Callable

from copper_tf.analysis.blindtest.answers import AnswerBook, Round

__all__ = ["DONE", "PRACTICE", "READY", "ROUND", "Sitting"]

# The stages, in their order; READY and ROUND come once for each round.
PRACTICE, READY, ROUND, DONE = "practice", "ready", "round", "done"


class Sitting:
    """What one page shows and what happens on it. Goes on where the rater's answers end.

    Args:
        book: of the rater.
        clock: seconds that only go forward.

    Attributes:
        stage: one of the stages.
        round: name of the round, of the next one while `READY`.
        place: which picture is shown, counted in the rater's own order.
        choice: the label chosen in practice and not yet checked.
        revealed: whether the truth of the practice picture is shown.
        paused: whether the picture is hidden and no time counts.
        reviewing: whether the end of the round is reached: no picture is shown, and it can be submitted.
    """

    def __init__(self, book: AnswerBook, clock: Callable[[], float] = time.monotonic) -> None:
        self.book, self.test, self._clock = book, book.test, clock
        self.choice: int | None = None
        self.revealed = self.paused = self.reviewing = False
        self.place, self.turn = 0, 1
        self._since: float | None = None
        self.stage, self.round = self._where()
        if self.stage == PRACTICE:
            done = book.practised()
            self.turn = max((int(e["turn"]) for e in done), default=1)
            self.place = sum(int(e["turn"]) == self.turn for e in done)
            if self.place >= len(self.order):
                self.stage = READY
        elif self.stage == ROUND:
            self.place = self.first_open
            self.reviewing = not self.open
        self._show()

    def _where(self) -> tuple[str, str]:
        states = {name: self.book.round(name) for name in self.test.rounds}
        for name, state in states.items():
            if state.submitted:
                continue
            if state.started:
                return ROUND, name
            return (PRACTICE if name == self.test.rounds[0] else READY), name
        return DONE, self.test.rounds[-1]

    @property
    def order(self) -> list[int]:
        """The numbers of the pictures of this stage, in this rater's order."""
        what = f"practice {self.turn}" if self.stage == PRACTICE else self.round
        return self.test.order(self.book.rater, what)

    @property
    def number(self) -> int:
        """The number in the test of the picture that is shown."""
        return self.order[self.place]

    @property
    def state(self) -> Round:
        """What is saved of this round."""
        return self.book.round(self.round)

    @property
    def truth(self) -> int | None:
        """The true label of a practice picture that was answered; of a test picture nothing is known here."""
        return self.test.practice[self.number] if self.stage == PRACTICE and self.revealed else None

    @property
    def chosen(self) -> int | None:
        """The label that is chosen for the picture that is shown."""
        return self.choice if self.stage == PRACTICE else self.state.answers.get(self.number)

    @property
    def first_open(self) -> int:
        """The place of the first picture without an answer; the last place where all have one."""
        answered = self.state.answers
        return next((k for k, number in enumerate(self.order) if number not in answered), len(self.order) - 1)

    @property
    def open(self) -> int:
        """How many pictures have no answer."""
        return len(self.order) - len(self.state.answers)

    def choose(self, label: int) -> None:
        """Takes an answer; in a round it is saved at once."""
        if self.paused or self.reviewing or not 0 <= label < len(self.test.labels.times):
            return
        if self.stage == PRACTICE and not self.revealed:
            self.choice = label
        elif self.stage == ROUND and label != self.chosen:
            self.book.answer(self.round, self.number, label, self._taken())

    def _step(self, by: int) -> None:
        # The first step starts in the middle.
        if self.stage not in (PRACTICE, ROUND):
            return
        last = len(self.test.labels.times) - 1
        here = self.chosen
        self.choose(last // 2 if here is None else min(max(here + by, 0), last))

    def earlier(self) -> None:
        """Moves the choice to the label before."""
        self._step(-1)

    def later(self) -> None:
        """Moves the choice to the label after."""
        self._step(1)

    def forward(self) -> None:
        """Enter: checks a practice answer, or goes to the next picture."""
        if self.paused:
            return
        if self.stage == PRACTICE:
            self._practise()
        elif self.stage == ROUND:
            self.go(self.first_open if self.reviewing and self.open else self.place + 1)

    def back(self) -> None:
        """Goes to the picture before, or from the end of the round to its last picture."""
        self.go(self.place if self.reviewing else self.place - 1)

    def _practise(self) -> None:
        if self.choice is None:
            return
        if not self.revealed:
            self.revealed = True
            self.book.practise(self.turn, self.number, self.choice)
            return
        self.choice, self.revealed = None, False
        if self.place + 1 < len(self.order):
            self.place += 1
        else:
            self.stage = READY

    def go(self, place: int) -> None:
        """Shows another picture of the round, or beyond the last one the end of the round."""
        if self.stage != ROUND or self.paused or place < 0:
            return
        self._leave()
        self.reviewing = place >= len(self.order)
        self.place = min(place, len(self.order) - 1)
        self._show()

    def pause(self, paused: bool) -> None:
        """Hides the picture, or shows it again."""
        if paused == self.paused:
            return
        if paused:
            self._leave()
        self.paused = paused
        self._show()

    def practise_again(self) -> None:
        """Goes through the practice pictures once more, in another order."""
        if self.stage == READY and self.round == self.test.rounds[0]:
            self.stage, self.turn, self.place = PRACTICE, self.turn + 1, 0

    def end_practice(self) -> None:
        """Leaves the practice before its end."""
        if self.stage == PRACTICE:
            self.stage, self.choice, self.revealed = READY, None, False

    def start(self) -> None:
        """Begins the round that is ready."""
        if self.stage == READY:
            self.book.start(self.round)
            self.stage, self.place = ROUND, 0
            self._show()

    def submit(self) -> None:
        """Closes the round.

        Raises:
            SettingError: if pictures are without an answer.
        """
        if self.stage == ROUND and not self.paused:
            self._leave()
            self.book.submit(self.round)
            self.stage, self.round = self._where()
            self.place, self.reviewing = 0, False

    def _show(self) -> None:
        shown = self.stage == ROUND and not self.paused and not self.reviewing
        self._since = self._clock() if shown else None

    def _taken(self) -> float:
        """Seconds since the picture was shown or last answered."""
        now, since = self._clock(), self._since
        self._since = now
        return 0.0 if since is None else now - since

    def _leave(self) -> None:
        if self._since is not None:
            self.book.look(self.round, self.number, self._taken())
            self._since = None
