"""Local time, opening hours, slot grids, booking windows, availability."""
