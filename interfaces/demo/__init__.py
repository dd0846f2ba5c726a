"""The demo town: some forty providers, three hundred customers and what has happened between them.

Made through the commands that everybody uses, from a seed: the same seed is the same town.
"""

from interfaces.demo.town import Town, seed

__all__ = ["Town", "seed"]
