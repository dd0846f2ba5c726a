"""When can be booked: local time, opening hours, slot grids, availability."""
