"""The projector: follows the log and keeps the read models."""
