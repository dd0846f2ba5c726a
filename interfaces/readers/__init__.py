"""The operator's command line for read models."""
