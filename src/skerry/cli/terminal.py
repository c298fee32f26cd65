"""The terminal we are on: its size, raw mode, and what is typed."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


def size() -> tuple[int, int]:
    """Rows and columns."""
    columns, rows = os.get_terminal_size(sys.stdout.fileno() if sys.stdout.isatty() else 0)
    return rows, columns


@contextmanager
def raw() -> Iterator[None]:
    """Every key goes through as it is, Ctrl-C too; as it was before, afterwards."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def resizes() -> Iterator[int]:
    """A descriptor that becomes readable when the terminal's size has changed."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def changed(_number: int, _frame: Any) -> None:
        with suppress(BlockingIOError):  # a pipe full of unread changes says enough
            os.write(writing, b"r")

    before = signal.signal(signal.SIGWINCH, changed)
    try:
        yield reading
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reading)
        os.close(writing)


def carry_input(
    send: Callable[[bytes], None], resized: Callable[[], None], *, resize_descriptor: int | None
) -> None:
    """Send what comes on standard input, empty bytes at its end, and say when the size has
    changed. Returns when input and, without a terminal, nothing else can come."""
    watched = [sys.stdin.fileno(), *([] if resize_descriptor is None else [resize_descriptor])]
    while watched:
        ready, _, _ = select.select(watched, [], [])
        if resize_descriptor in ready:
            os.read(watched[-1], 64)
            resized()
        if sys.stdin.fileno() in ready:
            data = os.read(sys.stdin.fileno(), 65536)
            send(data)
            if not data:
                return
