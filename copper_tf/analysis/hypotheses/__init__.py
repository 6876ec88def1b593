"""Hypotheses compared: their errors ranked, their ageing curves drawn, the law named where the data allow it."""
