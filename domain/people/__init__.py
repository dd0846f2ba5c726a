"""Accounts, admins, customers, e-mail addresses."""
