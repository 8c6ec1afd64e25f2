"""`python -m accelsel`."""

import sys

from accelsel.cli.main import main

sys.exit(main())
