"""Generated clients are complete, their types fit, and each plays a customer's story on real processes."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from application.access import Role
from tests.support.instances import Instance, a_folder

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
TOOLS = ROOT / ".cache/clients"
BIN, NODE_BIN = TOOLS / "python/bin", TOOLS / "node_modules/.bin"
DOCUMENT = ROOT / "docs/openapi.json"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Installed once, by whichever of the test processes comes first."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "client-tools"], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1) as instance:
        yield instance


def run(*command: str | Path, folder: Path) -> None:
    """Run it in a folder; what it says is the failure's."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def callers(instance: Instance) -> list[str]:
    return [instance.api, instance.token(Role.PROVIDER), instance.token(Role.CUSTOMER)]


def test_a_client_in_python_plays_the_story(instance: Instance, tmp_path: Path) -> None:
    generator = [BIN / "openapi-python-client", "generate", "--path", DOCUMENT, "--meta", "none", "--fail-on-warning"]
    config = ["--config", HERE / "openapi-python-client.yaml", "--output-path", tmp_path / "daybook_client"]
    run(*generator, *config, folder=tmp_path)
    shutil.copy(HERE / "story.py", tmp_path)
    run(BIN / "mypy", "--strict", "--follow-imports=silent", "--no-error-summary", "story.py", folder=tmp_path)
    run(BIN / "python", "story.py", *callers(instance), folder=tmp_path)


@pytest.fixture
def typescript(tmp_path: Path) -> Path:
    """A folder with the tools' packages, and the stories."""
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    for file in (HERE / "package.json", HERE / "tsconfig.json", HERE / "openapi-ts.config.mjs", DOCUMENT):
        shutil.copy(file, tmp_path)
    return tmp_path


def built_and_played(story: str, folder: Path, instance: Instance) -> None:
    shutil.copy(HERE / f"{story}.ts", folder)
    run(NODE_BIN / "tsc", "--project", ".", folder=folder)
    run("node", f"built/{story}.js", *callers(instance), folder=folder)


@needs_node
def test_a_client_over_generated_types_plays_the_story(instance: Instance, typescript: Path) -> None:
    options = ["--output", "schema.d.ts", "--default-non-nullable", "false"]  # fields with a default are optional
    run(NODE_BIN / "openapi-typescript", "openapi.json", *options, folder=typescript)
    built_and_played("story_fetch", typescript, instance)


@needs_node
def test_a_client_of_generated_functions_plays_the_story(instance: Instance, typescript: Path) -> None:
    run(NODE_BIN / "openapi-ts", folder=typescript)
    built_and_played("story_sdk", typescript, instance)


def broken(document: dict[str, Any], how: str) -> Mapping[str, Any]:
    operation = document["paths"]["/v1/appointments/{appointment_id}/cancel"]["post"]
    match how:
        case "a choice in a header":
            header = next(each for each in operation["parameters"] if each["name"] == "If-Match")
            header["schema"] = {"anyOf": [{"type": "string"}, {"const": "*"}]}
        case "no description":
            del operation["description"]
        case "an example that is none":
            document["components"]["schemas"]["Appointment"]["properties"]["price"]["examples"] = ["cheap"]
        case _:
            raise ValueError(how)
    return document


def linted(document: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HERE / "lint", document, TOOLS], capture_output=True, text=True, check=False)


def test_the_linters_find_nothing() -> None:
    ended = linted(DOCUMENT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "how",
    [
        "a choice in a header",
        pytest.param("no description", marks=needs_node),
        pytest.param("an example that is none", marks=needs_node),
    ],
)
def test_a_planted_gap_is_found(how: str, tmp_path: Path) -> None:
    planted = tmp_path / "openapi.json"
    planted.write_text(json.dumps(broken(json.loads(DOCUMENT.read_text(encoding="utf-8")), how)), encoding="utf-8")
    assert linted(planted).returncode != 0
