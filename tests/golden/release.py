"""Release 0.1.0, whose logs this release reads and whose processes may read what this release writes."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.instances import ROOT

RELEASE = "f0293bb6cf6ffe4afba30afedc5094839ccba6e8"  # as CHANGELOG.md names it
PACKAGES = ("domain", "application", "infrastructure", "projections", "interfaces")


def unpack_release(folder: Path, *paths: str) -> None:
    """Put these paths of the release into the folder, from the history of this repository; skip without it."""
    git = shutil.which("git")
    archive = git and subprocess.run(
        [git, "-C", str(ROOT), "archive", RELEASE, *paths], capture_output=True, check=False
    )
    if not archive or archive.returncode:
        pytest.skip("the history of this clone does not reach back to release 0.1.0")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        for entry in packed:
            if entry.isfile():  # not extractall: Python before 3.11.4 knows no filter
                (folder / entry.name).parent.mkdir(parents=True, exist_ok=True)
                content = packed.extractfile(entry)
                assert content is not None
                (folder / entry.name).write_bytes(content.read())
