"""The feed: its messages read from the log, one tail for all streams of a process, sinks."""
