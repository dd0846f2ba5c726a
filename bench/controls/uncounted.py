"""The control of `metrics`: Daybook's command, in whose processes nothing is counted or timed."""

from prometheus_client import Counter, Gauge, Histogram

from interfaces.cli.main import main
from interfaces.http.server import request_metrics


def _nothing(*_: object, **__: object) -> None:
    """Instead of counting."""


if __name__ == "__main__":
    for kind, method in ((Counter, "inc"), (Gauge, "inc"), (Gauge, "dec"), (Gauge, "set"), (Histogram, "observe")):
        setattr(kind, method, _nothing)
    request_metrics.measured = lambda app: app  # before the app is made
    main()
