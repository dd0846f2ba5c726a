"""The metrics of several processes, as files in one folder: of dead processes, one file of each kind is kept.

prometheus_client makes files for each process and never merges them, so they grow with each process that is restarted.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from infrastructure.observability.metric_folder import is_running

_FILE = re.compile(r"(?P<kind>counter|histogram|summary|gauge_\w+)_(?P<pid>\d+)\.db")


_LOCK = threading.Lock()  # of this process: what one adds up, no other counts a second time


class MetricFiles(Collector):
    """Collects the metrics of all processes that have written to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        with _LOCK:
            self._merge_dead()
            return list(self._files.collect())  # type: ignore[no-untyped-call]

    def merge_dead(self) -> None:
        """Add the counts of dead processes up in one file of each kind, also while nobody asks for metrics."""
        with _LOCK:
            self._merge_dead()

    def _merge_dead(self) -> None:
        dead = [(file, found["kind"]) for file in self.folder.glob("*.db") if (found := _FILE.fullmatch(file.name))]
        dead = [(file, kind) for file, kind in dead if not is_running(int(file.stem.rpartition("_")[2]))]
        for kind in {kind for _, kind in dead}:
            files = [file for file, each in dead if each == kind]
            if not kind.startswith("gauge"):  # a gauge ends with its process
                self._add_up(kind, files)
            for file in files:
                file.unlink()

    def _add_up(self, kind: str, files: Iterable[Path]) -> None:
        totals: Counter[str] = Counter()
        for file in files:
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
                totals[key] += value
        merged = MmapedDict(str(self.folder / f"{kind}_dead.db"))  # type: ignore[no-untyped-call]
        for key, value in totals.items():
            before, _ = merged.read_value(key)  # type: ignore[no-untyped-call]
            merged.write_value(key, before + value, 0)  # type: ignore[no-untyped-call]
        merged.close()  # type: ignore[no-untyped-call]
