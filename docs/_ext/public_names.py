"""Links types in signatures to the names under which ``import copper_tf`` shows them."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

import copper_tf


def _public(name: str) -> str | None:
    """``copper_tf.Run`` for ``copper_tf.runs.run.Run``, ``Run`` and ``train``."""
    last = name.rpartition(".")[2]
    return f"copper_tf.{last}" if last in copper_tf.__all__ and name != f"copper_tf.{last}" else None


def _resolve(app: Sphinx, env: Any, node: Any, contnode: Any) -> Any:
    """A reference to the public name, where the name as it is written has no page."""
    target = _public(node.get("reftarget", "")) if node.get("refdomain") == "py" else None
    if target is None:
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True}
