"""What each trust test asks, where it passes and fails, and the verdict that all of them give."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from copper_tf.analysis.trust.results import Outcome, TrustTestResult, Verdict
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
    "UNDECIDED",
    "UNKNOWN",
    "TrustTest",
    "judge",
    "verdict",
]

# Pictures for the page, in scores/.
EXAMPLES = "trust.npz"
PASSED: Outcome = "passed"
FAILED: Outcome = "failed"
UNKNOWN: Outcome = "unknown"
SUPPORTED: Verdict = "supported"
NOT_SUPPORTED: Verdict = "not supported"
UNDECIDED: Verdict = "undecided"

BASIS = (
    "By image statistics, not by adhesion: the tests ask whether the maps behave as maps of two kinds of surface "
    "should. Whether the areas adhere better is for adhesion measurements to say."
)


@dataclasses.dataclass(frozen=True)
class TrustTest:
    """One test of a run's maps.

    Attributes:
        name: of its value.
        title: what to call it.
        passes: the value from which on it passes.
        fails: the value from which on it fails; between the two its outcome is unknown.
        good: what it means to a materials scientist where it passes.
        bad: the same where it fails.
        missing: why it has no value where it has none.
        decisive: whether the verdict depends on it.
        spared: whether the verdict does without it where it has no value.
    """

    name: str
    title: str
    passes: float
    fails: float
    good: str
    bad: str
    missing: str
    decisive: bool = False
    spared: bool = False

    @property
    def low_is_good(self) -> bool:
        """Whether small values pass."""
        return self.passes <= self.fails

    def outcome(self, value: float) -> Outcome:
        """``"passed"``, ``"failed"``, or ``"unknown"`` between both limits and for NaN."""
        sign = 1 if self.low_is_good else -1
        if sign * value <= sign * self.passes:
            return PASSED
        return FAILED if sign * value >= sign * self.fails else UNKNOWN

    def meaning(self, value: float) -> str:
        """One sentence for a materials scientist."""
        if not math.isfinite(value):
            return f"Not known: {self.missing}."
        meanings = {PASSED: self.good, FAILED: self.bad}
        return meanings.get(self.outcome(value), "The value lies between both limits, so it says neither yes nor no.")


_ENDS = "the pictures tested hold none of the first or of the last t, or none of the same bit depth"

# NMSE, binarity, phases, mixture, chimera, reach and deletion decide. Each limit stands between what local networks
# reach on simulated and real pictures and what one reaches that recognises t from the whole picture and then paints:
# the mean of both halves is missed by .01 to .03 against .32 to .39; the mass that is pasted over by .03 to .26
# against .50 to .95, and by .44 to .75 where another texture was found; where the map is lowest .01 to .04 changes
# against .09 to .11; shifted by 1 px .01 to .06 of the potency moves; other contrast and brightness move m by .01.
# Evidence inside areas drifts by .01 to .19, and by .17 to .47 where the surface changes by degrees; no mixture of
# two explains 0 to .02 of what t changes in the texture of surfaces of two phases, and .04 to .25 where they change
# by degrees (benchmarks/maps/unknown_law.py, mixture.py).
TESTS = (
    TrustTest(
        "nmse", "potency against g: NMSE", 0.5, 0.95,
        "On new pictures the potency follows g far better than a constant would.",
        "On new pictures the potency follows g no better than a constant would: these maps show nothing.",
        "g is the same for all pictures tested", True,
    ),
    TrustTest(
        "binarity", "binarity B", 0.6, MIN_BINARITY,
        "The maps are rough in some places and smooth in others, like a surface of two phases.",
        "The maps are grey: their mean fits, but they show no rough and smooth areas.",
        "every map is all 0 or all 1", True,
    ),
    TrustTest(
        "phase_drift", "evidence inside areas that follows t", 0.25, 0.36,
        "Inside the rough and the smooth areas the surface looks the same to the model at every t: t changes how much "
        "there is of each, as on a surface of two phases.",
        "Inside the areas, too, the surface changes with t: it changes by degrees, everywhere at once, and the areas "
        "of these maps are cut out of its scatter.",
        "fewer than two labels show areas of both kinds", True,
    ),
    TrustTest(
        "mixture", "change of texture that no mixture of two explains", 0.025, 0.04,
        "The texture of every label is a mixture of the same two textures, as on a surface of two phases.",
        "The texture changes with t as no mixture of two textures does: the surface changes by degrees, everywhere at "
        "once, and the areas of these maps are cut out of its scatter.",
        "fewer than three labels have two sheets, or the fine texture doesn't follow t", True, True,
    ),
    TrustTest(
        "additivity", "joined pictures: error of the mean", 0.04, 0.1,
        "Half a picture of the first t joined to half of one of the last gets the mean of both: each place is judged "
        "by its own texture.",
        "Half a picture of the first t joined to half of one of the last doesn't get the mean of both: the model "
        "recognises whole pictures and paints areas that fit.",
        _ENDS, True,
    ),
    TrustTest(
        "reach_ratio", "measured reach over mean chord", LIMIT, FAR,
        "What lies farther from a place than one area of the maps is wide hardly changes the map there: the model "
        "judges by texture.",
        "What lies several areas away from a place changes the map there: the model can recognise t from the "
        "neighbourhood and draw any areas with the right mean. Train with a smaller d.",
        "the maps have one phase only, which has no chord", True,
    ),
    TrustTest(
        "side_auc", "joined pictures: ROC-AUC of the side", 0.95, 0.8,
        "In the joined pictures the map separates the side of the first t from that of the last.",
        "In the joined pictures the map doesn't separate the side of the first t from that of the last.",
        "the maps of whole pictures of both ends don't differ enough either: these ends are not pure phases",
    ),
    TrustTest(
        "side_kept", "joined pictures: share of the difference kept", 0.95, 0.8,
        "A map separates the two ends as well within one joined picture as between two whole pictures.",
        "Within one joined picture the map separates the two ends much less well than between two whole pictures: it "
        "depends on the rest of the picture.",
        _ENDS,
    ),
    TrustTest(
        "deletion_error", "pasted texture: how far the fall of the potency is off", 0.3, 0.4,
        "Where texture of the last t is pasted over the best areas, the potency falls by what these areas contributed: "
        "the map shows what the potency is made of.",
        "Where texture of the last t is pasted over the best areas, the potency doesn't fall by what these areas "
        "contributed: the map doesn't show what the potency is made of.",
        "the best areas contribute nothing, or there is no picture of the last t", True,
    ),
    TrustTest(
        "deletion_control", "pasted texture where the map is lowest", 0.035, 0.07,
        "Pasting over the worst areas instead changes next to nothing, as it should.",
        "Pasting over the worst areas, which should change nothing, changes the potency: something other than "
        "the areas counts.",
        "no picture of the last t was tested",
    ),
    TrustTest(
        "shift", "shift by 1 px", 0.05, 0.1,
        "A shift by one pixel leaves the map as it is.",
        "A shift by one pixel changes the map: borders of areas are accurate to a few pixels only.",
        "no picture was large enough",
    ),
    TrustTest(
        "gain", "contrast changed by a tenth", 0.03, 0.1,
        "A little more or less contrast leaves the potency as it is.",
        "A little more or less contrast changes the potency: keep the microscope's settings, or train with a larger "
        "gain.",
        "no picture was tested",
    ),
    TrustTest(
        "offset", "brightness changed by a tenth of the spread", 0.03, 0.1,
        "A little more or less brightness leaves the potency as it is.",
        "A little more or less brightness changes the potency: keep the microscope's settings, or train with a larger "
        "offset.",
        "no picture was tested",
    ),
    TrustTest(
        "seed_correlation", "agreement of other seeds", 0.8, 0.5,
        "Trained from other random weights, the model draws the same areas.",
        "Trained from other random weights, the model draws other areas: they are not in the data.",
        "no run of another seed was given (copper trust RUN OTHER_RUN)",
    ),
)  # fmt: skip


def judge(values: Mapping[str, float]) -> tuple[TrustTestResult, ...]:
    """Every test with its value, limits, outcome and meaning.

    Args:
        values: by name of the test; a missing one is NaN.
    """
    results = []
    for test in TESTS:
        value = float(values.get(test.name, math.nan))
        results.append(
            TrustTestResult(
                name=test.name,
                title=test.title,
                value=value,
                passes=test.passes,
                fails=test.fails,
                low_is_good=test.low_is_good,
                decisive=test.decisive and not (test.spared and math.isnan(value)),
                outcome=test.outcome(value),
                meaning=test.meaning(value),
            )
        )
    return tuple(results)


def verdict(results: Sequence[TrustTestResult]) -> tuple[Verdict, tuple[str, ...]]:
    """What all tests together say of the maps, and why.

    Not supported where one decisive test fails, supported where all of them pass, else undecided; the other tests
    qualify it.

    Args:
        results: from `judge`.

    Returns:
        The verdict, and the sentences that it rests on: the decisive tests that failed, else those without an outcome,
        else all; then any other test that failed.
    """

    def sentences(decisive: bool, outcome: Outcome) -> tuple[str, ...]:
        chosen = (r for r in results if r.decisive is decisive and r.outcome == outcome)
        return tuple(f"{r.title}: {r.meaning}" for r in chosen)

    minor = sentences(False, FAILED)
    if failed := sentences(True, FAILED):
        return NOT_SUPPORTED, failed + minor
    if unknown := sentences(True, UNKNOWN):
        return UNDECIDED, unknown + minor
    return SUPPORTED, sentences(True, PASSED) + minor
