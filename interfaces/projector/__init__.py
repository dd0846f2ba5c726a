"""The projector: updates the read models from the event log."""
