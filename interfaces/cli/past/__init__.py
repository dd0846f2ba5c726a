"""The commands of `daybook audit` about free times of the past, and about who opened whose card."""
