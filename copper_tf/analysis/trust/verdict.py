"""What each trust test asks, where it passes and fails, and the verdict that all of them give; plain Python."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from copper_tf.config import MIN_BINARITY
from copper_tf.statistics.chords import FAR, LIMIT

__all__ = [
    "BASIS",
    "EXAMPLES",
    "FAILED",
    "NOT_SUPPORTED",
    "PASSED",
    "SUPPORTED",
    "TESTS",
    "TRUST",
    "UNDECIDED",
    "UNKNOWN",
    "Test",
    "judge",
    "verdict",
]

# The names of what is written: scores/trust.json and scores/trust.npz.
TRUST, EXAMPLES = "trust", "trust.npz"
OUTCOMES = PASSED, FAILED, UNKNOWN = ("passed", "failed", "unknown")
SUPPORTED, NOT_SUPPORTED, UNDECIDED = ("supported", "not supported", "undecided")

BASIS = (
    "By image statistics, not by adhesion: the tests ask whether the maps behave as maps of two kinds of surface "
    "would. Whether the areas found hold better is for adhesion measurements to say."
)


@dataclasses.dataclass(frozen=True)
class Test:
    """One test of a run's maps.

    Attributes:
        name: of its value.
        title: what to call it.
        passes: the value from which on it passes.
        fails: the value from which on it fails; in between, or at `passes` itself where both are one, it is open.
        good: what it means to a materials scientist where it passes.
        bad: the same where it fails.
        missing: why it has no value where it has none.
        decisive: the verdict hangs on it.
    """

    name: str
    title: str
    passes: float
    fails: float
    good: str
    bad: str
    missing: str
    decisive: bool = False

    @property
    def low_is_good(self) -> bool:
        """Whether small values pass."""
        return self.passes <= self.fails

    def outcome(self, value: float) -> str:
        """``"passed"``, ``"failed"``, or ``"unknown"`` between both limits and for NaN."""
        sign = 1 if self.low_is_good else -1
        if sign * value <= sign * self.passes:
            return PASSED
        return FAILED if sign * value >= sign * self.fails else UNKNOWN

    def meaning(self, value: float) -> str:
        """One sentence for a materials scientist."""
        if not math.isfinite(value):
            return f"Not known: {self.missing}."
        told = {PASSED: self.good, FAILED: self.bad}
        return told.get(self.outcome(value), "The value lies between both limits: it speaks neither for nor against.")


_ENDS = "the pictures tested hold none of the first or of the last t, or none of the same bit depth"

# NMSE, binarity, chimera and receptive field decide. Each limit stands between what local networks reach on simulated
# pictures and what one reaches that recognises t from the whole picture and then paints: of the mass that is pasted
# over, .04 to .16 is not missed against .50 to .95; where the map is lowest .01 to .03 changes against .09 to .11;
# shifted by 1 px .01 to .02 of the potency moves; other contrast and brightness move m by .01.
TESTS = (
    Test(
        "nmse", "potency against g: NMSE", 0.5, 0.95,
        "The potency follows g on pictures that the model has not learnt from, far better than a constant would.",
        "The potency follows g no better than a constant: there is nothing in these maps to believe.",
        "g is the same for all pictures tested", True,
    ),
    Test(
        "binarity", "binarity B, middle labels", 0.6, MIN_BINARITY,
        "At the middle labels the maps say rough here and smooth there, as a surface of two phases would look.",
        "At the middle labels the maps are grey: a mean that fits, but no areas that could be rough or smooth.",
        "no picture of the middle labels was tested, or its map is all 0 or all 1", True,
    ),
    Test(
        "additivity", "chimera: additivity error", 0.02, 0.03,
        "Half a picture of the first t joined to half of one of the last gets the mean of both: each place is judged "
        "by its own texture.",
        "Half a picture of the first t joined to half of one of the last doesn't get the mean of both: the model "
        "recognises whole pictures and paints areas that fit.",
        _ENDS, True,
    ),
    Test(
        "reach_ratio", "receptive field over mean chord", LIMIT, FAR,
        "The model sees little more than one area of its maps at a time: it has to judge by the texture.",
        "The model sees much more than one area of its maps at a time: it can tell t from the neighbourhood and draw "
        "any areas with the right mean. Train with a smaller d.",
        "the maps have one phase only, which has no chord", True,
    ),
    Test(
        "side_auc", "chimera: ROC-AUC of the side", 0.95, 0.8,
        "In the joined pictures the map tells the side of the first t from that of the last.",
        "In the joined pictures the map doesn't tell the side of the first t from that of the last.",
        "the maps of whole pictures of both ends can't be told apart so well either: these ends are no pure phases",
    ),
    Test(
        "side_kept", "chimera: share of the difference kept", 0.95, 0.8,
        "A map tells the two ends apart as well within one joined picture as between two whole pictures.",
        "Within one joined picture the map tells the two ends apart much less well than between two whole pictures: it "
        "leans on the rest of the picture.",
        _ENDS,
    ),
    Test(
        "deletion_error", "deletion: share of the mass not missed", 0.2, 0.4,
        "Where texture of the last t is pasted over the best areas, the potency falls by what these areas had: the map "
        "shows what the potency is made of.",
        "Where texture of the last t is pasted over the best areas, the potency doesn't fall by what these areas had: "
        "the map is not what the potency is made of.",
        "there is no mass to remove, or no picture of the last t",
    ),
    Test(
        "deletion_control", "deletion where the map is lowest", 0.035, 0.07,
        "Pasting over the worst areas instead changes next to nothing, as it should.",
        "Pasting over the worst areas, which should change nothing, changes the potency: something else than the areas "
        "counts.",
        "no picture of the last t was tested",
    ),
    Test(
        "shift", "shift by 1 px", 0.05, 0.1,
        "Moved by one pixel, a surface keeps its map.",
        "Moved by one pixel, a surface changes its map: borders of areas are sure to a few pixels only.",
        "no picture was large enough",
    ),
    Test(
        "gain", "contrast changed by a tenth", 0.03, 0.1,
        "A little more or less contrast leaves the potency as it is.",
        "A little more or less contrast changes the potency: keep the microscope's settings, or train with more gain.",
        "no picture was tested",
    ),
    Test(
        "offset", "brightness changed by a tenth of the spread", 0.03, 0.1,
        "A little more or less brightness leaves the potency as it is.",
        "A little more or less brightness changes the potency: keep the microscope's settings, or train with more "
        "offset.",
        "no picture was tested",
    ),
    Test(
        "seed_correlation", "agreement of other seeds", 0.8, 0.5,
        "Trained anew from other random weights, the model draws the same areas.",
        "Trained anew from other random weights, the model draws other areas: they are not in the data.",
        "no run of another seed was given (copper trust RUN OTHER_RUN)",
    ),
)  # fmt: skip


def judge(values: Mapping[str, float]) -> list[dict[str, Any]]:
    """Every test with its value, limits, outcome and meaning, as ``scores/trust.json`` keeps them.

    Args:
        values: by name of the test; a missing one is NaN.
    """
    found = []
    for test in TESTS:
        value = float(values.get(test.name, math.nan))
        found.append(
            {
                "name": test.name,
                "title": test.title,
                "value": value,
                "passes": test.passes,
                "fails": test.fails,
                "low_is_good": test.low_is_good,
                "decisive": test.decisive,
                "outcome": test.outcome(value),
                "meaning": test.meaning(value),
            }
        )
    return found


def verdict(judged: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """What all tests together say of the maps, and why.

    Not supported where one decisive test fails, supported where all of them pass, else undecided; the other tests
    qualify it.

    Args:
        judged: from `judge`.

    Returns:
        The verdict, and the sentences of what it hangs on: the decisive tests that failed, else those that are open,
        else all; then any other test that failed.
    """

    def told(decisive: bool, outcome: str) -> list[str]:
        chosen = (t for t in judged if t["decisive"] is decisive and t["outcome"] == outcome)
        return [f"{t['title']}: {t['meaning']}" for t in chosen]

    minor = told(False, FAILED)
    if failed := told(True, FAILED):
        return NOT_SUPPORTED, failed + minor
    if unknown := told(True, UNKNOWN):
        return UNDECIDED, unknown + minor
    return SUPPORTED, told(True, PASSED) + minor
