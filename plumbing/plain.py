"""Text from elsewhere (a client id, a header, the name of a process), without commands to the terminal."""

from typing import TextIO


def plain(text: str) -> str:
    """One line of it. What cannot be printed is escaped: `\\x1b[31m` is shown, not red."""
    if text.isprintable():
        return text
    text = text.expandtabs(4)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain_lines(text: str) -> str:
    """All its lines."""
    return "\n".join(map(plain, text.split("\n")))


class PlainOutput:
    """An output such as sys.stdout, to which only plain lines are written."""

    def __init__(self, output: TextIO):
        self._output = output

    def write(self, text: str) -> int:
        self._output.write(plain_lines(text))
        return len(text)

    def __getattr__(self, name: str):
        return getattr(self._output, name)
