"""The metric files of many processes: what dead ones counted is kept, and their files are not."""

import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from infrastructure.observability.metric_files import MetricFiles
from infrastructure.observability.metric_folder import fresh_folder

COUNTS = """
from prometheus_client import Counter, Gauge, Histogram
Counter("bookings", "Bookings", ["kind"]).labels("haircut").inc(2)
Histogram("seconds", "Seconds", buckets=(1, 2)).observe(1.5)
Gauge("lag", "Lag", multiprocess_mode="mostrecent").set(7)
"""


def count(folder: Path) -> None:
    """A process that counts, and ends."""
    subprocess.run([sys.executable, "-c", COUNTS], env={"PROMETHEUS_MULTIPROC_DIR": str(folder)}, check=True)


def told(files: MetricFiles) -> list[str]:
    registry = CollectorRegistry()
    registry.register(files)
    return [line for line in generate_latest(registry).decode().splitlines() if line[:1] != "#"]


def test_counts_of_dead_processes_are_kept_and_their_files_are_not(tmp_path: Path) -> None:
    files, sizes = MetricFiles(tmp_path), set[int]()
    for n in range(1, 6):
        count(tmp_path)
        lines = told(files)
        assert f'bookings_total{{kind="haircut"}} {2.0 * n}' in lines
        assert f'seconds_bucket{{le="2.0"}} {1.0 * n}' in lines
        assert f"seconds_sum {1.5 * n}" in lines
        assert not [line for line in lines if line.startswith("lag")], "a gauge ends with its process"
        sizes.add(sum(file.stat().st_size for file in tmp_path.iterdir()))
    assert len(sizes) == 1, "files do not grow with the number of processes"


def test_files_of_dead_processes_do_not_pile_up_while_nobody_asks(tmp_path: Path) -> None:
    files, numbers = MetricFiles(tmp_path), set[int]()
    for _ in range(4):
        count(tmp_path)
        files.merge_dead()
        numbers.add(len([*tmp_path.iterdir()]))
    assert len(numbers) == 1
    assert 'bookings_total{kind="haircut"} 8.0' in told(files)


def test_folders_of_dead_processes_are_removed_at_the_next_start(tmp_path: Path) -> None:
    said = "from pathlib import Path; from infrastructure.observability.metric_folder import *; import os\n"
    said += f"print(fresh_folder(Path({str(tmp_path)!r})), flush=True); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=False)
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    folder = fresh_folder(tmp_path)
    try:
        assert not left.exists()
        assert folder.is_dir()
    finally:
        folder.rmdir()
