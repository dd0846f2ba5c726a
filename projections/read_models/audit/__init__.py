"""The index of the event log by which auditors search."""
