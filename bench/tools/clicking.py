"""People who click through the pages of the admin panel while something else is measured."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from infrastructure.local.programs import HOST

PEOPLE, THINKS = 3, 1.0  # how many, and the seconds that each of them looks at a page


@contextmanager
def clicking(port: int, cookie: str, paths: Sequence[str]) -> Iterator[None]:
    """They click from page to page until the end of the block. Raises what they met."""
    ended, failed = Event(), list[Exception]()

    def click(first: int) -> None:
        number = first
        while not ended.wait(THINKS):
            try:
                _look(port, cookie, paths[number % len(paths)])
            except Exception as error:  # noqa: BLE001  it is raised at the end
                failed.append(error)
                return
            number += 1

    threads = [Thread(target=click, args=(7 * each,)) for each in range(PEOPLE)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


def _look(port: int, cookie: str, path: str) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("GET", path, headers={"cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, f"{path}: {answer.status}"
    answer.read()
    connection.close()
