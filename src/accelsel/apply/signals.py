"""What signals that would end the process do while something must not be left half done."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """They are delivered when the block is left."""
    caught: list[int] = []
    try:
        with _handled(lambda number, _frame: caught.append(number)):
            yield
    finally:
        for number in caught:
            signal.raise_signal(number)


@contextlib.contextmanager
def as_interrupt() -> Iterator[None]:
    """Each raises `KeyboardInterrupt`, so that what was begun is undone on the way out."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(interrupt):
        yield


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """The handler is in place for those that are not ignored; only a main thread may set one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    mine = {n: old for n, old in before.items() if old not in {signal.SIG_IGN, None}}
    try:
        for number in mine:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in mine.items():
            signal.signal(number, old)
