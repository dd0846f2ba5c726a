"""Accounts, customers, guests, and the erasure of a person."""
