"""Scripted raters of the blind test: people whose errors are known, so that one sees whether the test finds them."""

from __future__ import annotations

import dataclasses

import numpy as np

from copper_tf.analysis.blindtest.answers import AnswerLog, rater_logs
from copper_tf.analysis.blindtest.folder import BlindTest, read_key

__all__ = ["RATERS", "Rater", "take"]


@dataclasses.dataclass(frozen=True)
class Rater:
    """How a rater errs: a normal deviate in steps of the label, rounded.

    Attributes:
        name: of the rater.
        first_sd: its standard deviation at the first label.
        last_sd: at the last; linear between.
        bias: its mean.
    """

    name: str
    first_sd: float
    last_sd: float
    bias: float = 0.0

    def answers(self, label: np.ndarray, labels: int, random: np.random.Generator) -> np.ndarray:
        """What the rater says to pictures of these labels.

        Args:
            label: true rank of t of each picture, ``(pictures,)``.
            labels: their number K.
            random: draws the errors.
        """
        sd = self.first_sd + (self.last_sd - self.first_sd) * label / max(labels - 1, 1)
        said = np.rint(label + self.bias + sd * random.standard_normal(label.shape))
        return np.clip(said, 0, labels - 1).astype(int)

    def stated_mae(self, label: np.ndarray, labels: int, draws: int = 2000) -> float:
        """The mean absolute error in steps that these errors come to, by simulation.

        Args:
            label: true rank of t of each picture, ``(pictures,)``.
            labels: their number K.
            draws: how often the test is simulated.
        """
        random = np.random.default_rng(len(self.name))
        many = np.tile(label, (draws, 1))
        return float(np.abs(self.answers(many, labels, random) - many).mean())


# The first errs as the paper's expert does: sure of fresh surfaces, guessing at aged ones.
RATERS = (Rater("Expert", 0.4, 3.0), Rater("Steady", 1.2, 1.2), Rater("Reads low", 1.2, 1.2, bias=-0.8))
_SECONDS = 6.0


def take(test: BlindTest, seed: int = 0) -> None:
    """Lets every rater answer all rounds; what was answered before stays.

    Args:
        test: with its key.
        seed: of the errors.
    """
    label = np.array(read_key(test).pictures.label)
    logs = {log.rater: log for log in rater_logs(test)}
    for number, rater in enumerate(RATERS):
        log = logs.get(rater.name) or AnswerLog.register(test, rater.name)
        said = rater.answers(label, len(test.labels.times), np.random.default_rng((seed, number)))
        for name in test.rounds:
            if log.round(name).submitted:
                continue
            log.start(name)
            for picture in range(test.pictures):
                log.answer(name, picture, int(said[picture]), _SECONDS)
            log.submit(name)
