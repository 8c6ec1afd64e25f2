"""`python -m accelsel`."""

from accelsel.cli.main import main

main()
