"""The sum-skip U-Net (paper, section 3.4 and Figure 6) and the registry of its decoders."""

from __future__ import annotations

from collections.abc import Callable

import keras

from copper_tf.models.blocks import Policy, descend, picture_input, stage
from copper_tf.models.layers import BilinearUpsampling

__all__ = ["DECODERS", "build_segmenter", "register_decoder"]

# Standard deviation of the weights that the logit starts from.
_LOGIT_START = 0.05

Decoder = Callable[..., keras.KerasTensor]
DECODERS: dict[str, Decoder] = {}


def register_decoder(name: str) -> Callable[[Decoder], Decoder]:
    """Registers a decoder: a function of (bottom map, skips, n, N, c, padding, policy) that returns the top map."""

    def add(decoder: Decoder) -> Decoder:
        DECODERS[name] = decoder
        return decoder

    return add


@register_decoder("unet")
def unet_decoder(
    x: keras.KerasTensor, skips: list[keras.KerasTensor], *, n: int, N: int, c: int, padding: str, policy: Policy
) -> keras.KerasTensor:
    """The exact mirror of the way down: bilinear x2, **sum** with the map of equal size, N residual blocks."""
    for level in reversed(range(len(skips))):
        x = BilinearUpsampling(dtype=policy, name=f"up{level}_bilinear")(x)
        x = keras.layers.Add(dtype=policy, name=f"up{level}_skip")([x, skips[level]])
        x = stage(x, n, N, c, padding, policy, f"up{level}")
    return x


def build_segmenter(
    *, n: int, N: int, c: int, d: int, padding: str = "reflect", decoder: str = "unet", policy: str = "float32"
) -> keras.Model:
    """The segmenter M of Eq. 2a: a potency map as large as the picture.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages down, and as many up.
        padding: ``"reflect"`` or ``"zero"``.
        decoder: a name in `DECODERS`.
        policy: Keras dtype policy; the mask is float32 under each.

    Returns:
        A functional model from ``(batch, height, width, 1)``, sides multiples of 2^d, to a mask of the same shape in
        [0, 1], float32.

    Raises:
        ValueError: if the decoder is unknown.
    """
    if decoder not in DECODERS:
        raise ValueError(f"decoder must be one of {', '.join(DECODERS)}. Received: {decoder!r}")
    picture = picture_input()
    down = Policy(policy)
    x, skips = descend(picture, n, N, c, d, padding, down)
    x = DECODERS[decoder](x, skips, n=n, N=N, c=c, padding=padding, policy=down)
    # Logit and sigmoid in float32: a float16 mask of a whole micrograph overflows when it is averaged.
    # It starts near 0, a mask of 1/2: the sums of a deep network are large, and a sigmoid that starts at its end stays.
    start = keras.initializers.RandomNormal(stddev=_LOGIT_START)
    logit = keras.layers.Conv2D(1, 1, kernel_initializer=start, dtype="float32", name="logit")(x)
    mask = keras.layers.Activation("sigmoid", dtype="float32", name="mask")(logit)
    return keras.Model(picture, mask, name="segmenter")
