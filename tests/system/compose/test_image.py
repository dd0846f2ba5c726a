"""The image: its size, what is not in it, and that it runs as any user without writing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.system.compose.deployment import ROOT, copied

OWN = 130  # MB of the layers that Daybook adds to python:3.13-slim, which has some 120: 250 MB together
NOT_THERE = re.compile(r"(^|/)(\.env(\.[^/]+)?|secrets/[^/]+|\.git|postgres|initdb|valkey-server|gcc|strip|uv)$")
PACKAGES = "/opt/daybook/lib/python3.13/site-packages"
MARKS = "SECRET_KEY", "MASTER_KEY", "DB_PASS"
LANGUAGES = {each.name for each in (ROOT / "infrastructure/templates/mail").iterdir() if each.is_dir()}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str]) -> Iterator[str]:
    """Built in a folder that has been prepared, so that its secrets and environment files are there."""
    folder, name = tmp_path_factory.mktemp("image"), f"daybook-image-{uuid4().hex[:8]}"
    copied(folder)
    subprocess.run(["docker/prepare", "--host", "localhost"], cwd=folder, check=True, capture_output=True)
    secrets.update({each.name: each.read_text(encoding="utf-8") for each in (folder / "docker/secrets").iterdir()})
    subprocess.run(["docker", "build", "--quiet", "--tag", name, "."], cwd=folder, check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run(["docker", "image", "rm", "--force", name], check=False, capture_output=True)


def told(*command: str) -> str:
    done = subprocess.run(["docker", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def layers(image: str) -> list[str]:
    found: list[str] = json.loads(told("image", "inspect", image))[0]["RootFS"]["Layers"]
    return found


def size(image: str) -> int:
    return int(told("image", "inspect", "--format", "{{.Size}}", image))


def base() -> str:
    return re.findall(r"^FROM (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[-1]


def test_its_own_layers_are_small(image: str) -> None:
    own, below = size(image) - size(base()), size(base())
    assert layers(image)[: len(layers(base()))] == layers(base())
    sys.stderr.write(f"\nown layers {own / 1e6:.0f} MB on a base of {below / 1e6:.0f} MB\n")
    assert own < OWN * 1e6


def test_it_runs_as_another_user_and_writes_nothing(image: str) -> None:
    run = ("run", "--rm", "--network", "none", "--cap-drop", "ALL", "--read-only", "--user", "10001")
    assert told(*run, image, "--version").startswith("Daybook")
    assert json.loads(told(*run, image, "openapi"))["openapi"].startswith("3.")
    assert told(*run, "--entrypoint", "id", image, "-u") == "10001\n"
    writable = told(*run, "--entrypoint", "find", image, "/opt", "/usr/local/share/daybook", "-writable", "-type", "f")
    assert writable == ""


def test_every_language_of_mails_and_pages_is_spoken(image: str) -> None:
    """The build leaves out the locale data of other languages."""
    said = (
        "from babel import Locale; from babel.dates import format_date; from datetime import date\n"
        "for name in ('en', 'en_GB', 'en_001', 'ru', 'ru_UA'):\n"
        "    print(format_date(date(2026, 11, 28), 'full', Locale.parse(name)))"
    )
    found = told("run", "--rm", "--entrypoint", "python", image, "-c", said).splitlines()
    assert found[0] == "Saturday, November 28, 2026"
    assert found[3].startswith("суббота, 28 ноября 2026")
    listed = told("run", "--rm", "--entrypoint", "ls", image, f"{PACKAGES}/babel/locale-data").split()
    locales = {name.removesuffix(".dat") for name in listed if name.endswith(".dat")}
    assert {name.partition("_")[0] for name in locales} == {"root"} | LANGUAGES


def test_what_the_roles_import_is_compiled(image: str) -> None:
    """Nobody can write bytecode at run time, so a module without it would be compiled at each start."""
    run = ("run", "--rm", "--read-only", "--env", "PYTHONVERBOSE=1", "--entrypoint", "sh", image, "-c")
    for command in ("worker --help", "openapi", "migrate --help"):
        lines = told(*run, f"daybook {command} 2>&1 >/dev/null").splitlines()
        ours = [line for line in lines if line.startswith("# code object from") and f"{PACKAGES}/" in line]
        compiled = [line for line in ours if ".pyc" in line]
        assert len(compiled) > 50
        late = [line for line in ours if line not in compiled]
        assert len(late) < 10, late


def test_no_layer_holds_a_secret(image: str, secrets: dict[str, str], tmp_path: Path) -> None:
    values = {value.encode() for value in secrets.values() if len(value) > 20}
    assert len(values) > 10
    archive = tmp_path / "image.tar"
    told("save", "--output", str(archive), image)
    seen = 0
    for name, content in files(archive):
        assert not NOT_THERE.search(name), name
        assert not [value for value in values if value in content], name
        seen += name.startswith("opt/daybook/")
    assert seen > 2_000
    history = told("history", "--no-trunc", image) + told("image", "inspect", image)
    assert not [value for value in values if value.decode() in history]
    assert not [mark for mark in MARKS if f"{mark}=" in history]


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of each layer; the image's own configuration among them."""
    with tarfile.open(archive) as image:
        for layer in image:
            stream = image.extractfile(layer) if layer.isfile() else None
            if stream is None:
                continue
            try:
                with tarfile.open(fileobj=stream, mode="r:*") as inner:
                    for member in inner:
                        content = inner.extractfile(member) if member.isfile() else None
                        if content is not None:
                            yield member.name, content.read()
            except tarfile.ReadError:
                stream.seek(0)
                yield layer.name, stream.read()
