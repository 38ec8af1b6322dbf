"""`python -m yivideo` is the command `yivideo`."""

from yivideo.cli import main

if __name__ == "__main__":
    main()
