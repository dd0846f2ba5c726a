"""The default data folder of `daybook up`, beside the project."""

from pathlib import Path

HOME = Path(".local")
