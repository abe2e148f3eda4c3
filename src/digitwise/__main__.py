"""``python -m digitwise``."""

import sys

from digitwise.cli.main import main

sys.exit(main())
