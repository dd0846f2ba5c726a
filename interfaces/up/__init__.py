"""All of Daybook on one machine, started by one command."""
