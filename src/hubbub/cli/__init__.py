"""The command line: `hubbub serve`, `token`, `post`, `tail`, `backup` and `config`. One command a module."""
