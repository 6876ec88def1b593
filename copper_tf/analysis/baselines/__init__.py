"""Simpler methods beside the nets, on the same splits: what a map or a grade must beat to be worth a network."""
