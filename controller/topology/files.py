"""
The files that a topology is made of, on disk: which one a path means, what is in it as text.

What is wrong with a file is told by fact and hint, never by its content or by a path: a path may hold a variable.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from controller.topology.syntax import place_in

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 << 20
"""Size from which a file is refused unread: 20,000 containers take 10 MiB."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_PATTERN = frozenset("*?[")


class UnreadableError(Exception):
    """
    A file that cannot be read as text.

    Args:
        fact: What is wrong.
        hint: What to do about it.
        at: 1-based line and column in the file, (0, 0) for the file as a whole.
    """

    def __init__(self, fact: str, hint: str, at: tuple[int, int] = (0, 0)) -> None:
        super().__init__(fact)
        self.fact = fact
        self.hint = hint
        self.at = at


def read_bytes(path: Path, *, absent: str, folder: str, most: int = MAX_BYTES) -> bytes:
    """
    Return the content of the file at *path*.

    Args:
        absent: Hint for when there is no such file.
        folder: Hint for when it is a directory.
        most: Size in bytes from which it is refused unread.

    Raises:
        UnreadableError: it cannot be read, or is larger than *most*.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = b"" if size > most else file.read(most + 1)
    except FileNotFoundError:
        raise UnreadableError("no such file", absent) from None
    except IsADirectoryError:
        raise UnreadableError("is a directory", folder) from None
    except PermissionError:
        raise UnreadableError("may not be read", "check its owner and mode") from None
    except (OSError, ValueError) as error:
        fact = (getattr(error, "strerror", None) or str(error)).lower()
        raise UnreadableError(fact, "check the path") from None
    if size > most or len(data) > most:
        limit = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
        raise UnreadableError(f"is larger than {limit}", "is this the right file?")
    return data


def decode(data: bytes) -> str:
    """
    Return *data* as text, without a byte order mark.

    Raises:
        UnreadableError: it is not UTF-8.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            if name == "utf-8":
                data = data[len(mark) :]
                break
            raise UnreadableError(f"the file is {name}, not UTF-8", "save it as UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        good = data[: error.start].decode()
        place = place_in(good, len(good), "")
        fact = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise UnreadableError(fact, "save the file as UTF-8", (place.line, place.column)) from None


def locate(text: str, beside: Path, main: Path) -> Path:
    """
    Return the file that *text* means where it stands in the file *beside*; it need not exist.

    Args:
        main: The file that was asked for. A relative path without ``..`` stays in its directory, or in that of
            *beside*: a link that leads elsewhere has to be written out.

    Raises:
        UnreadableError: it is no path that is taken.
    """
    if not text or "\0" in text:
        raise UnreadableError("the path is empty, or no path", "write the path of a file")
    if text.startswith("~"):
        raise UnreadableError("~ stands for no directory here", "write an absolute path, or one relative to this file")
    if _PATTERN & set(text):
        raise UnreadableError("patterns are not taken", "name each file, without *, ? and [ in it")
    path = beside.parent / text
    if not text.startswith("/") and ".." not in text.split("/"):
        real = os.path.realpath(path)
        homes = {os.path.realpath(file.parent) for file in (beside, main)}
        if not any(os.path.commonpath((home, real)) == home for home in homes):
            hint = "write the path that it leads to, absolute or with .."
            raise UnreadableError("a symbolic link leads out of the directory of this file", hint)
    return path
