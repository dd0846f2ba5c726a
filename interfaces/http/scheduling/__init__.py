"""Routes of schedules, opening hours and availability."""
