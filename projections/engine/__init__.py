"""The projection engine: event feed, checkpoints, leader election, and writing rows."""
