"""The demo town: some forty providers, three hundred customers, and their appointments.

It is made from a seed by the same commands that the API runs: the same seed gives the same town.
"""
