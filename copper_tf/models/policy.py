"""Which precision to train in, decided by looking at the machine."""

from __future__ import annotations

from pathlib import Path

__all__ = ["has_gpu", "processor_has_bfloat16", "resolve_policy"]

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


def resolve_policy(policy: str) -> str:
    """The Keras dtype policy that a setting means on this machine.

    Args:
        policy: ``"auto"`` or the name of a policy.

    Returns:
        ``"float32"``, ``"mixed_bfloat16"`` or ``"mixed_float16"``.
    """
    if policy != "auto":
        return policy
    if has_gpu():
        return "mixed_float16"
    return "mixed_bfloat16" if processor_has_bfloat16() else "float32"
