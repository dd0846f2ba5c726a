"""`python -m interfaces.cli`: how processes start one another, whatever is on the path."""

from interfaces.cli.main import main

main()
