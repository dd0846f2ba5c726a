"""The folder by which several processes share one metrics port. Never imports prometheus_client."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names it; to be set before prometheus_client is imported."""


def fresh_folder(data: Path) -> Path:
    """An empty folder for the metrics of this process and its children. Removes those that dead ones left.

    Not in the data folder: where the disk is full, a process that writes to such a file is killed.
    """
    place = Path(tempfile.gettempdir())
    prefix = f"daybook-metrics-{hashlib.sha256(bytes(data)).hexdigest()[:12]}-"
    for left in place.glob(f"{prefix}*"):
        if not is_running(int(left.name.removeprefix(prefix))):
            shutil.rmtree(left, ignore_errors=True)
    folder = place / f"{prefix}{os.getpid()}"
    folder.mkdir(mode=0o700)
    return folder


def is_running(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
