"""When providers are open: schedules, opening hours, holidays."""
