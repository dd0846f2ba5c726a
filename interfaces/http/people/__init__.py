"""Routes of accounts, customers, registration, export and erasure."""
