"""What the local web pages share: how they are served, and who is let in."""

from __future__ import annotations

from copper_tf.web.serving import HERE, serve

__all__ = ["HERE", "serve"]
