"""Decisions from score tables: groups of sheets compared, strength calibrated, microscopes gauged, drift charted."""
