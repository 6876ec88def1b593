"""What `copper report` hands on: the results of all runs of one dataset, gathered into one JSON and a few pictures."""

from __future__ import annotations

from copper_tf.dossier.gathering import DOSSIER, gather
from copper_tf.dossier.members import Member, members

__all__ = ["DOSSIER", "Member", "gather", "members"]
