"""Starting, stopping and examining the running system: what `delegator up`, `down`, `status` and `doctor` do.

Owns processes, ports and folders on this machine. The commands that call it are in `serve_app/cli/`, what runs in the
processes is everybody else's.
"""
