"""The ledger: seals over the event log, their verification, and signed checkpoints."""
