"""`copper report`: all results of the runs of one dataset as one page, a PDF and a model card."""
