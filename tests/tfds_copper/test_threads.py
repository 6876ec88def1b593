"""Work on many pictures by threads: in order, a little ahead, and nothing after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tfds_copper import threads
from tfds_copper.threads import map_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    def late(k: int) -> int:
        time.sleep(0.002 * (5 - k % 5))
        return k * k

    assert list(map_ahead(late, range(40))) == [k * k for k in range(40)]
    assert list(map_ahead(late, [])) == []


def test_only_a_few_are_worked_out_before_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all records of a large folder would lie in memory while the first is written."""
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    taken: list[int] = []

    def items() -> Iterator[int]:
        for k in range(1000):
            taken.append(k)
            yield k

    results = map_ahead(str, items())
    assert next(results) == "0"
    assert len(taken) <= 8
    results.close()
    assert len(taken) <= 8


def test_a_failure_is_raised_in_its_place_and_ends_the_work() -> None:
    begun = []

    def work(k: int) -> int:
        begun.append(k)
        if k == 5:
            raise ValueError("the fifth")
        return k

    results = map_ahead(work, range(10_000))
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="the fifth"):
        next(results)
    assert max(begun) < 100
    assert threading.active_count() < 10


@pytest.mark.parametrize("cores", [None, 1, 64])
def test_any_number_of_processors_will_do(monkeypatch: pytest.MonkeyPatch, cores: int | None) -> None:
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    assert list(map_ahead(abs, range(-20, 0))) == list(range(20, 0, -1))
