"""Commands that look at a running Daybook and say what to do."""
