"""python -m careplane: the command line."""

from careplane.app.cli import main

main()
