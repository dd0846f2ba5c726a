"""Schedules and opening hours of providers."""
