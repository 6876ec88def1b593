"""Figures and pages, made from results on disk; one folder a page. The only part that renders HTML."""
