"""Memory of a training step: what is computed, sizes as text, and one step that is really measured."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from copper_tf.config import PAPER, Config, default_config
from tests.conftest import ROOT
from tfds_copper.errors import SettingError
from tuning.memory import CPU, GPU, bytes_text, largest_batch, memory, parse_bytes, peak_bytes
from tuning.memory_probe import fitted, probe
from tuning.step_trace import step_trace

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
    rounded, exact = (memory(_config("classifier", crop=crop), 3, "float32") for crop in (125, 128))
    assert rounded == exact


@pytest.mark.parametrize("kind", _KINDS)
def test_halves_need_less(kind: str) -> None:
    full, half = (memory(_config(kind), 3, policy) for policy in _POLICIES)
    assert half.total < full.total
    assert half.activations < 0.65 * full.activations
    assert half.weights == full.weights and half.optimizer == 2 * half.weights


@pytest.mark.parametrize("kind", _KINDS)
def test_activations_grow_with_the_batch_and_not_with_the_weights(kind: str) -> None:
    one, four = (memory(_config(kind, batch_size=batch), 3, "float32") for batch in (1, 4))
    assert four.activations == 4 * one.activations
    assert four.weights == one.weights


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("policy", _POLICIES)
@pytest.mark.parametrize("padding", ("reflect", "zero"))
def test_every_tensor_of_a_step_goes_in_the_end(kind: str, policy: str, padding: str) -> None:
    events = step_trace(_config(kind, padding=padding, N=2, d=3), policy)
    assert sum(e.size if e.allocated else -e.size for e in events) == 0
    assert sum(1 if e.allocated else -1 for e in events) == 0


def test_the_parts_make_the_whole() -> None:
    found = memory(_config("segmenter"), 3, "mixed_bfloat16")
    parts = (found.activations, found.gradients, found.workspace, found.weights, found.optimizer, found.overhead)
    assert found.total == sum(parts) == peak_bytes(_config("segmenter"), 3, "mixed_bfloat16")
    assert min(parts) > 0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("classifier", {}),
        ("classifier", {"n": 1, "N": 2, "d": 3, "head": "coral"}),
        ("classifier", {"head": "corn", "c": 12}),
        ("classifier", {"head": "soft", "padding": "zero"}),
        ("segmenter", {}),
        ("segmenter", {"n": 3, "N": 2, "c": 8, "d": 1}),
    ],
)
def test_parameters_are_those_of_the_model(kind: str, settings: dict[str, Any]) -> None:
    from copper_tf.models.factory import build

    config = _config(kind, **settings)
    found = memory(config, 5, "float32")
    assert found.parameters == build(config, 5).count_params()
    assert found.weights == 4 * found.parameters


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
    [("12GB", 12 * 10**9), ("12 GiB", 12 * 2**30), ("500mb", 5 * 10**8), ("1.5MiB", 3 * 2**19), ("1024", 1024)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ("", "GB", "12 Gb/s", "-3GB", "0", "1e9", "12 parsecs"))
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"^max_memory must be a size above 0 such as 12GB.* Received: '"):
        parse_bytes(text, "max_memory")


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


@pytest.mark.slow
def test_a_step_takes_what_was_predicted() -> None:
    config = default_config("segmenter", PAPER, crop=192, margin=20, c=16, d=2, batch_size=8)
    predicted, measured = peak_bytes(config, 3, "mixed_bfloat16"), probe(config, 3, "mixed_bfloat16")
    assert predicted > 4e8
    assert 0.85 < predicted / measured < 1.25
