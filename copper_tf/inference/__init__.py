"""Predictions: whole micrographs by tiles, many of them by prefetching, very many by Beam; map files and tables."""
