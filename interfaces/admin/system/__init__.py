"""Sections for operators: jobs, webhooks, projections, the ledger, the security log, and the state of the system."""
