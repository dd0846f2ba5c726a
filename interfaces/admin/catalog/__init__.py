"""Sections of providers, services, organizations and tags."""
