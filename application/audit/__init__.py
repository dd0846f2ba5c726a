"""What auditors ask for: the verification of the whole ledger."""
