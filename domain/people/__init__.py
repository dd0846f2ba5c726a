"""Who: accounts, e-mail addresses, customers."""
