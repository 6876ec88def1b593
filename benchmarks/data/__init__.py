"""Reading and building: information bars, duplicates, time and memory."""
