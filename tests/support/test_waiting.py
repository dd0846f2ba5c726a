"""No test fails because a machine is slow: clients over the network wait as long as tests/support/waiting.py says."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUESTS = {"AsyncClient", "Client", "get", "post", "put", "patch", "delete", "request", "stream"}


def impatient(source: str) -> Iterator[int]:
    """The lines of calls that wait for httpx's own five seconds, or a number of seconds of their own.

    Calls with a transport stay in the process.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Attribute(ast.Name("httpx"), name), keywords=options) if name in REQUESTS:
                if not {"timeout", "transport"} & {option.arg for option in options}:
                    yield node.lineno
            case ast.Call(ast.Name("urlopen") | ast.Attribute(attr="urlopen"), keywords=options):
                if any(option.arg == "timeout" and isinstance(option.value, ast.Constant) for option in options):
                    yield node.lineno
            case _:
                pass


def test_every_client_over_the_network_waits_long_enough() -> None:
    sources = (ROOT / "tests").rglob("*.py")
    found = {str(path.relative_to(ROOT)): lines for path in sources if (lines := [*impatient(path.read_text())])}
    assert not found, f"say timeout=PATIENCE: {found}"


def test_an_impatient_client_is_found() -> None:
    lines = "httpx.get('http://here')", "httpx.Client(timeout=120)", "urlopen(here, timeout=5)", "urlopen(here)"
    assert list(impatient("\n".join(lines))) == [1, 3]
