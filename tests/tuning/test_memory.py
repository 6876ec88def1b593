"""Memory of a training step: what is computed, sizes as text, and one step that is really measured."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from copper_tf.config import PAPER, Config, default_config
from copper_tf.models.architecture import network_of
from tests.conftest import ROOT
from tfds_copper.errors import SettingError
from tuning.memory import CPU, GPU, bytes_text, largest_batch, parse_bytes, peak_bytes
from tuning.memory_probe import fitted, probe
from tuning.step_memory import step_memory

_KINDS = ("classifier", "segmenter")
_POLICIES = ("float32", "mixed_bfloat16")


def _config(kind: str, **settings: Any) -> Config:
    margin = {"margin": 0 if kind == "classifier" else 16}
    return default_config(kind, PAPER, **{"crop": 128, "c": 16, "d": 2, "batch_size": 4, **margin, **settings})


def test_it_needs_no_tensorflow() -> None:
    code = "import sys, tuning.memory; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("policy", _POLICIES)
def test_more_of_anything_needs_more(kind: str, policy: str) -> None:
    before = peak_bytes(_config(kind), 3, policy)
    for name, value in {"n": 3, "N": 2, "c": 32, "crop": 160, "batch_size": 8}.items():
        assert peak_bytes(_config(kind, **{name: value}), 3, policy) > before, name


def test_context_counts_and_crops_are_rounded_up_to_the_grid() -> None:
    assert peak_bytes(_config("segmenter", margin=24), 3, "float32") > peak_bytes(_config("segmenter"), 3, "float32")
    rounded, exact = (peak_bytes(_config("classifier", crop=crop), 3, "float32") for crop in (125, 128))
    assert rounded == exact


@pytest.mark.parametrize("kind", _KINDS)
def test_halves_need_less(kind: str) -> None:
    (full, large, _), (half, small, _) = (step_memory(_config(kind), 3, policy) for policy in _POLICIES)
    assert 0.5 < half / full < 0.65
    # A segmenter computes its logit in float32 all the same.
    assert small == (large // 2 if kind == "classifier" else large)


@pytest.mark.parametrize("kind", _KINDS)
def test_maps_grow_with_the_batch_and_weights_do_not(kind: str) -> None:
    weights = 12 * network_of(_config(kind), 3).parameters
    one, four = (step_memory(_config(kind, batch_size=batch), 3, "float32") for batch in (1, 4))
    assert four == (4 * (one[0] - weights) + weights, 4 * one[1], one[2])


def test_a_small_step_by_hand() -> None:
    settings = {"n": 1, "N": 1, "c": 8, "d": 1, "crop": 16, "batch_size": 1, "padding": "zero"}
    config, one = default_config("classifier", PAPER, **settings), 8 * 16 * 16 * 4
    # Fullest as the pool's gradient is made: two convolutions, two norms with a bit (as a float) a number, their sum
    # and its gradient; the pool's map, gradient, and a byte for each winner; the picture.
    maps = 2 + 2 + 2 / 8 + 1 + 1 + 1 / 4 + 1 / 4 + 1 / 16 + 1 / 8
    assert step_memory(config, 2, "float32") == (one * maps + 12 * network_of(config, 2).parameters, one, 0)


def test_a_slow_norm_and_borders_of_small_maps_need_more() -> None:
    def maps(**settings: Any) -> float:
        config = _config("classifier", **settings)
        return step_memory(config, 3, "float32")[0] - 12 * network_of(config, 3).parameters

    assert maps(c=24) / 24 == pytest.approx(maps(c=16) / 16, rel=0.05)
    assert maps(c=12) / 12 > 1.2 * maps(c=16) / 16
    assert maps() == pytest.approx(maps(padding="zero"), rel=0.05)
    assert maps(crop=32) > 1.2 * maps(crop=32, padding="zero")


def test_the_largest_maps_recompute_their_borders() -> None:
    counts = [step_memory(_config("classifier", crop=crop, padding=p), 3, "float32")[2]
              for crop, p in ((32, "reflect"), (64, "reflect"), (128, "reflect"), (128, "zero"))]  # fmt: skip
    # A micrograph has but one channel to copy: the first convolution never does.
    assert counts == [0, 2, 4, 0]


def test_the_largest_batch_fits_and_twice_as_much_does_not() -> None:
    config, limit = _config("segmenter"), 10**9
    batch = largest_batch(config, 3, "float32", limit)
    assert batch in (2, 4, 8, 16, 32)
    assert peak_bytes(config.replace(batch_size=batch), 3, "float32") <= limit
    assert peak_bytes(config.replace(batch_size=2 * batch), 3, "float32") > limit
    assert largest_batch(config, 3, "mixed_bfloat16", limit) >= batch
    assert largest_batch(config, 3, "float32", 10**6) == 0
    assert largest_batch(config, 3, "float32", 10**12) == 64
    assert largest_batch(config, 3, "float32", 10**12, most=20) == 16


@pytest.mark.parametrize(
    ("text", "size"),
    [("12GB", 12 * 10**9), ("12 GiB", 12 * 2**30), ("500mb", 5 * 10**8), ("1.5MiB", 3 * 2**19), ("1024 B", 1024)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ("", "GB", "12 Gb/s", "-3GB", "0", "12", "1024", "12.", "1e9", "12 parsecs"))
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"^memory limit must be a size above 0 with its unit, such as 12GB.*: '"):
        parse_bytes(text)


def test_sizes_are_written() -> None:
    assert [bytes_text(n) for n in (12, 1500, 512e6, 1.2345e9, 12e12)] == [
        "12 B", "1.5 kB", "512 MB", "1.23 GB", "12000 GB",
    ]  # fmt: skip


def test_a_device_is_fitted_to_what_was_measured() -> None:
    assert CPU.measured and not GPU.measured
    config = [_config("segmenter", batch_size=batch) for batch in (1, 2, 4, 8)]
    pairs = [(p, round(1.3 * p + 5e7)) for p in (peak_bytes(c, 3, "float32", GPU) for c in config)]
    device = fitted(GPU, pairs)
    assert device.measured and device.name == GPU.name
    for asked, (_, measured) in zip(config, pairs, strict=True):
        assert peak_bytes(asked, 3, "float32", device) == pytest.approx(measured, rel=0.01)
    assert fitted(GPU, pairs[:1]).measured


def test_recorded_peaks_are_predicted_and_the_results_are_those_of_this_code() -> None:
    from benchmarks.speed import memory as benchmark

    kept, ratios = json.loads(benchmark.RESULTS_FILE.read_text())["configurations"], []
    for row in benchmark.CONFIGURATIONS:
        config, policy = benchmark.config_of(row)
        found, predicted = kept[benchmark.name_of(row)], peak_bytes(config, benchmark.LABELS, policy)
        assert predicted == pytest.approx(found["predicted"], rel=1e-6)
        ratios.append(predicted / found["measured"])
    assert np.median(np.abs(np.array(ratios) - 1)) < 0.06
    assert 0.85 < min(ratios) < max(ratios) < 1.15


@pytest.mark.slow
def test_a_step_takes_what_was_predicted() -> None:
    config = default_config("segmenter", PAPER, crop=192, margin=20, c=16, d=2, batch_size=8)
    predicted, measured = peak_bytes(config, 3, "mixed_bfloat16"), probe(config, 3, "mixed_bfloat16")
    assert predicted > 4e8
    assert 0.85 < predicted / measured < 1.25
