"""The paper's two networks as descriptions: the residual classifier (Figure 4) and the sum-skip U-Net (Figure 6)."""

from __future__ import annotations

import functools

from copper_tf.config import DECODERS, HEADS, Config, ModelSettings
from copper_tf.models.builder import NetworkBuilder
from copper_tf.models.network import Activation, Conv1x1, GlobalAverage, Layer, Network

__all__ = ["FEATURES", "classifier_network", "network_of", "segmenter_network"]

# The layer whose output is averaged over the picture; tiled prediction averages it over tiles instead.
FEATURES = "features"
# Standard deviation of the first weights of the logit: it starts near 0, a mask of 1/2. The sums of a deep network are
# large, and a sigmoid that starts at its end stays there.
_LOGIT_STDDEV = 0.05


def _encoder(network: NetworkBuilder) -> tuple[Layer, list[Layer]]:
    """A stem, then d stages each followed by a 2x2 max pool: the last map, and each stage's from before its pool."""
    network.group = "picture"
    x = network.input()
    network.group = "stem"
    x, skips = network.unit(x, "stem"), []
    for level in range(network.d):
        network.group = f"down{level}"
        x = network.stage(x, f"down{level}")
        skips.append(x)
        network.group = f"down{level + 1}"
        x = network.max_pool(x, f"down{level}_pool")
    return x, skips


def classifier_network(
    *, n: int, N: int, c: int, d: int, labels: int, padding: str = "reflect", head: str = "softmax"
) -> Network:
    """The classifier, with D = d n N + 1 convolutions.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages.
        labels: number K of labels.
        padding: ``"reflect"`` or ``"zero"``.
        head: a name in `HEADS`.

    Returns:
        A network from ``(batch, height, width, 1)``, sides multiples of 2^d, to ``(batch, K)``.

    Raises:
        SettingError: if the head is unknown.
    """
    network = NetworkBuilder(n, N, c, d, padding)
    x, _ = _encoder(network)
    x = network.add_layer(Activation(FEATURES, (x,), d, c))
    network.group = "average"
    x = network.add_layer(GlobalAverage("average", (x,), d, c, "", True))
    network.group = "head"
    HEADS[head].build(network, x, labels)
    return Network("classifier", tuple(network.layers))


def segmenter_network(
    *, n: int, N: int, c: int, d: int, padding: str = "reflect", decoder: str = "unet"
) -> Network:  # fmt: skip
    """The segmenter M of Eq. 2a: a potency map as large as the picture.

    Args:
        n: convolutions in a residual block.
        N: residual blocks in a stage.
        c: channels, the same everywhere.
        d: stages down, and as many up.
        padding: ``"reflect"`` or ``"zero"``.
        decoder: a name in `DECODERS`.

    Returns:
        A network from ``(batch, height, width, 1)``, sides multiples of 2^d, to a mask of the same shape in [0, 1].

    Raises:
        SettingError: if the decoder is unknown.
    """
    network = NetworkBuilder(n, N, c, d, padding)
    x, skips = _encoder(network)
    network.group = "decoder"
    x = DECODERS[decoder](network, x, skips)
    network.group = "mask"
    # In float32: a float16 mask of a whole micrograph overflows when it is averaged.
    x = network.add_layer(Conv1x1("logit", (x,), 0, 1, stddev=_LOGIT_STDDEV, float32=True))
    network.add_layer(Activation("mask", (x,), 0, 1, activation="sigmoid"))
    return Network("segmenter", tuple(network.layers))


@functools.lru_cache(1024)
def _network(kind: str, m: ModelSettings, labels: int, part: object) -> Network:
    """The network, once for all that ask; `part` is the head or decoder that the name stands for at the moment."""
    shared = {"n": m.n, "N": m.N, "c": m.c, "d": m.d}
    if kind == "classifier":
        return classifier_network(**shared, padding=m.padding, labels=labels, head=m.head)
    return segmenter_network(**shared, padding=m.padding, decoder=m.decoder)


def network_of(config: Config, labels: int = 2) -> Network:
    """The network of a config.

    Args:
        config: the run's config.
        labels: number K of labels, which only the weights of a classifier's head depend on.

    Raises:
        SettingError: if the config names an unknown head or decoder.
    """
    m = config.model
    return _network(config.kind, m, labels, HEADS[m.head] if config.kind == "classifier" else DECODERS[m.decoder])
