"""The command line: `delegator <command>`. `main.py` is the entry; each group of commands has a file of its own."""
