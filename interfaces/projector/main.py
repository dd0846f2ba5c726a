"""Composition root of the projector role."""
