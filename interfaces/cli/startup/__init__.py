"""Startup of `daybook up`: start servers and roles, build the demo data, and report the result."""
