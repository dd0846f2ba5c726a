"""The calendar: a day or a week with a column for each provider, and the day at a glance."""
