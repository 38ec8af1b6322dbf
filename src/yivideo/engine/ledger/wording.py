"""Texts as databases can keep them."""


def clean(text: str) -> str:
    """``text`` without what is no text: NUL, which PostgreSQL refuses, and halves of characters.

    Half characters come from file names in no known encoding and from JSON's escapes.
    """
    return (
        text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def is_clean(text: str) -> bool:
    """Whether `clean` would change nothing."""
    return clean(text) == text
