"""Personal data: field encryption, a key for each person, and erasure."""
