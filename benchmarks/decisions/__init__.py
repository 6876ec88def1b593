"""Decisions from score tables: how often each of the four is wrong, on simulated studies whose truth is known."""
