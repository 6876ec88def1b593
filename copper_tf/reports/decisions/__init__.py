"""The pages of decisions from score tables: groups compared, strength calibrated, microscopes gauged, drift charted."""
