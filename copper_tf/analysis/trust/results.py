"""The results of the trust tests, as types: ``scores/trust.json``."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import ClassVar, Literal

from tfds_copper.results import Result, transient

__all__ = ["Outcome", "Trust", "TrustTestResult", "Verdict"]

Outcome = Literal["passed", "failed", "unknown"]
Verdict = Literal["supported", "not supported", "undecided"]


@dataclasses.dataclass(frozen=True)
class TrustTestResult:
    """One test of a run's maps with its outcome.

    Attributes:
        name: of the test.
        title: what pages call it.
        value: what was measured.
        passes: the value from which on it passes.
        fails: the value from which on it fails.
        low_is_good: whether small values pass.
        decisive: whether the verdict depends on it.
        outcome: ``"passed"``, ``"failed"``, or ``"unknown"`` between both limits and without a value.
        meaning: one sentence for a materials scientist.
    """

    name: str
    title: str
    value: float
    passes: float
    fails: float
    low_is_good: bool
    decisive: bool
    outcome: Outcome
    meaning: str

    @property
    def limits(self) -> tuple[str, str]:
        """Where it passes and where it fails, as text."""
        passes, fails = ("≤", "≥") if self.low_is_good else ("≥", "≤")
        if math.isclose(self.passes, self.fails):
            fails = ">" if self.low_is_good else "<"
        return f"{passes} {self.passes:g}", f"{fails} {self.fails:.4g}"


@dataclasses.dataclass(frozen=True)
class Trust(Result):
    """Whether the maps of a run can be believed, as `copper_tf.trust` gives it.

    Attributes:
        verdict: ``"supported"``, ``"not supported"`` or ``"undecided"``.
        reasons: the sentences that the verdict rests on.
        basis: what such a verdict can't say.
        tests: every test with its outcome.
        values: everything that was measured, by name.
        splits: the splits whose pictures were mapped.
        pictures: number of pictures.
        normalisation: how the run normalises pictures.
        others: folders of the runs of other seeds that it was compared with.
        page: the page that shows it; no part of the JSON.
    """

    NAME: ClassVar[str] = "trust"
    FORMAT: ClassVar[str] = "copper-trust 1"

    verdict: Verdict
    reasons: tuple[str, ...]
    basis: str
    tests: tuple[TrustTestResult, ...]
    values: dict[str, float]
    splits: tuple[str, ...]
    pictures: int
    normalisation: str
    others: tuple[str, ...]
    page: Path | None = transient()
