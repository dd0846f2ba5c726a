"""The operator's command line for accounts."""
