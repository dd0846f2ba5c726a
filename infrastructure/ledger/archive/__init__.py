"""Archives: events of the log in one file, which an auditor verifies without a server: docs/auditors.md."""
