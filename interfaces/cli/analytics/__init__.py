"""Commands about the figures of analysts."""
