"""How long requests take now, beside the time that they take while the process has little else to do."""

WEIGHT = 0.05  # of a new measurement, once there are many
KINDS = 256  # methods with beginnings of paths


class ServiceTimes:
    """Seconds from admission to the end of the answer, by kind of request: a method and the beginning of a path."""

    def __init__(self) -> None:
        self._usual: dict[str, tuple[float, int]] = {}  # mean seconds, measurements
        self._took = self._would_take = 0.0

    def note(self, kind: str, seconds: float, *, alone: bool) -> None:
        """A request has ended. `alone`: it began while (almost) no other was being answered."""
        usual, count = self._usual.get(kind, (0.0, 0))
        if alone:
            count += 1
            usual += (seconds - usual) * max(1 / count, WEIGHT)
            if count == 1 and len(self._usual) >= KINDS:
                self._usual.clear()
            self._usual[kind] = usual, count
        if count:
            self._took += seconds
            self._would_take += usual

    def slowdown(self) -> float:
        """How many times as long as alone the requests took that ended since the last call; 0 if nobody knows."""
        found = self._took / self._would_take if self._would_take else 0.0
        self._took = self._would_take = 0.0
        return found


def kind_of(method: str, path: str) -> str:
    """The kind of a request: ids in paths make no difference."""
    parts = path.split("/", 5)
    return f"{method} {parts[2] if len(parts) > 2 else path} {parts[4] if len(parts) > 4 else ''} {len(parts)}"
