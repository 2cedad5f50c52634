"""``python -m hubbub``: the same as the command ``hubbub``."""

from hubbub.cli.main import main

main()
