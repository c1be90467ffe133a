"""careplane, or python -m careplane: the command line."""


def main() -> None:
    """Worker processes import this file too, under another name, and need nothing of it."""
    from careplane.app import interpreter

    interpreter.hasten()
    from careplane.app.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
