"""Routes for operators and auditors: health, jobs, the ledger, problem types."""
