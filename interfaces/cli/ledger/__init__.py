"""The commands of `daybook audit` about checkpoints, proofs and archives."""
