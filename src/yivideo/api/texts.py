"""Text that may be stored: no half characters, no NUL, no endless lengths."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LONGEST_PATH = 4096
LONGEST_ADDRESS = 2048


def _plain(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("Control characters are not allowed here.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("It holds half a character, which is not text.") from None
    return text


Plain = AfterValidator(_plain)
VideoPath = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PATH), Plain]
Address = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ADDRESS), Plain]
StepName = Annotated[str, StringConstraints(min_length=1, max_length=200), Plain]
Group = Annotated[str, StringConstraints(min_length=1, max_length=100), Plain]
LabelName = Annotated[
    str, StringConstraints(min_length=1, max_length=63, pattern=r"^[^:]+$"), Plain
]
LabelValue = Annotated[str, StringConstraints(max_length=255), Plain]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=200), Plain]
