"""What is kept of a trial."""

from __future__ import annotations

from tuning.trials import _seconds_each


def test_the_seconds_of_a_picture_are_known_of_one_alone() -> None:
    assert _seconds_each([10.0, 13.0]) == 3
    # The first one, which pays for starting, counts no more where there are others.
    assert _seconds_each([10.0, 13.0, 14.0, 15.0, 16.0]) == 1
