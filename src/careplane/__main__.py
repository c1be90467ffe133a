"""python -m careplane: the command line."""

from careplane.app.cli import main

if __name__ == "__main__":
    main()
