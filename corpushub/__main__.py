"""`python -m corpushub` is the `corpushub` program."""

from corpushub.cli import main

main()
