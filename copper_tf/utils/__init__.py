"""Drawing by Pillow, and tables as CSV or workbooks."""
