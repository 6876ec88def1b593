"""Which precision to train in, decided by looking at the machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from copper_tf.config import Config

if TYPE_CHECKING:
    import keras

__all__ = ["has_gpu", "policy_of", "processor_has_bfloat16", "resolve_policy"]

# A processor's bfloat16 kernels take so many channels at a time. Of other numbers it computes convolutions without
# them, 2 to 4 times as slowly as in float32.
_CHANNELS = 16
FLOAT32 = "float32"
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")


def has_gpu() -> bool:
    """Whether TensorFlow may use a GPU: one that is hidden from it does not count."""
    import tensorflow as tf

    return bool(tf.config.get_visible_devices("GPU"))


def processor_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 in hardware; without that it is slower than float32."""
    if not cpuinfo.is_file():
        return False
    for line in cpuinfo.read_text(errors="replace").splitlines():
        if line.startswith(("flags", "Features")):
            return any(flag in line.split() for flag in _BFLOAT16_FLAGS)
    return False


def policy_of(model: keras.Model) -> str:
    """The Keras dtype policy that a network was built in; its last layers are float32 under each."""
    return min({layer.dtype_policy.name for layer in model.layers} - {FLOAT32}, default=FLOAT32)


def resolve_policy(config: Config) -> str:
    """The Keras dtype policy that a network is trained in on this machine.

    Args:
        config: whose setting ``policy`` is ``"auto"`` or the name of a policy.

    Returns:
        ``"float32"``, ``"mixed_bfloat16"`` or ``"mixed_float16"``.
    """
    if config.training.policy != "auto":
        return config.training.policy
    if has_gpu():
        return "mixed_float16"
    suits = config.model.c % _CHANNELS == 0 and processor_has_bfloat16()
    return "mixed_bfloat16" if suits else FLOAT32
