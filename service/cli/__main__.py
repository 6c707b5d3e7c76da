"""`python -m service.cli`: the console script by another name."""

from service.cli.main import main

main()
