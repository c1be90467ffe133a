"""python -m careplane: the command line."""

if __name__ == "__main__":  # worker processes import this file too, under another name
    from careplane.app.cli import main

    main()
