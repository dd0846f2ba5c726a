"""Sections of accounts and customers."""
