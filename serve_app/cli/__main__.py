"""`python -m serve_app.cli` is `delegator`: for places where the script is not on PATH."""

import sys

from serve_app.cli.main import main

sys.exit(main())
