"""Files that git, editors, images and commit hooks read agree with the project."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.http.operations.problem_type import problem_types

ROOT = Path(__file__).parents[1]


def ignored(*paths: str) -> set[str]:
    """Those of the paths that git would not take, whether they exist or not."""
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    asked = subprocess.run(command, cwd=ROOT, input="\n".join(paths), capture_output=True, text=True, check=False)
    if asked.returncode == 128:
        pytest.skip("this is no working copy of git")
    return set(asked.stdout.split())


def test_settings_stay_out_of_git_and_their_examples_do_not() -> None:
    settings = {".env", ".env.prod", ".env.docker", ".env.docker.sentry"}
    examples = {f"{name}.example" for name in settings}
    assert ignored(*settings, *examples) == settings


def test_wheels_stay_out_of_git() -> None:
    assert ignored("daybook-0.1.0-py3-none-any.whl", "pyproject.toml") == {"daybook-0.1.0-py3-none-any.whl"}


def test_settings_stay_out_of_images() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert ".env*" in lines
    assert not [line for line in lines if line.startswith("!")]


def test_commit_hooks_run_every_check_of_make_lint() -> None:
    recipes = re.findall(r"^lint-\w+:\n\t(.*)\n", (ROOT / "Makefile").read_text(), re.MULTILINE)
    checks = set(re.findall(r"\$\(BIN\)/([\w-]+(?: format)?)", "\n".join(recipes)))
    hooks = re.findall(r"entry: \.venv/bin/([\w-]+(?: format)?)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert checks == set(hooks)


def test_every_target_of_make_has_a_rule() -> None:
    text = (ROOT / "Makefile").read_text()
    declared = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert declared is not None
    names = {name for name in declared[1].split() if re.fullmatch(r"[a-z-]+", name)}
    documented = {name for page in ROOT.glob("docs/*.md") for name in re.findall(r"`make ([a-z-]+)", page.read_text())}
    rules = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    assert names | documented <= rules


def test_the_bill_of_materials_lists_what_the_image_installs(tmp_path: Path) -> None:
    written = tmp_path / "sbom.json"
    subprocess.run(["make", "--silent", "sbom", f"ARGS={written}"], cwd=ROOT, check=True)
    names = {each["name"] for each in json.loads(written.read_text(encoding="utf-8"))["components"]}
    assert {"fastapi", "psycopg", "gunicorn"} <= names
    assert not {"pytest", "mypy"} & names


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ("ALTER TABLE log.seal ADD COLUMN more text;", True),
        ("ALTER TABLE log.seal DROP COLUMN at;", False),
        ("ALTER TABLE log.seal RENAME COLUMN at TO sealed_at;", False),
        ("ALTER TABLE log.seal ALTER COLUMN at TYPE text;", False),
        ("ALTER TABLE log.seal ADD COLUMN more text NOT NULL;", False),
    ],
)
def test_a_migration_that_running_processes_do_not_survive_is_found(
    tmp_path: Path, statement: str, is_allowed: bool
) -> None:
    migration = tmp_path / "0099_change.sql"
    migration.write_text(statement, encoding="utf-8")
    command = [Path(sys.executable).with_name("squawk"), "--config", "infrastructure/migrations/squawk.toml", migration]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (asked.returncode == 0) is is_allowed, asked.stdout


def test_problems_that_nginx_answers_are_those_of_the_api() -> None:
    text = (ROOT / "docker/nginx/daybook.conf.template").read_text(encoding="utf-8")
    answered = [json.loads(body) for body in re.findall(r"return \d+ '(\{.*\})';", text)]
    known = problem_types()
    assert len(answered) == text.count("default_type application/problem+json")
    for problem in answered:
        told = known[problem["type"].removeprefix("/problems/")]
        assert (told["title"], told["status"]) == (problem["title"], problem["status"])


def test_commits_that_blame_skips_are_named_in_full() -> None:
    lines = (ROOT / ".git-blame-ignore-revs").read_text().splitlines()
    commits = [line for line in lines if line and not line.startswith("#")]
    assert commits
    assert all(re.fullmatch(r"[0-9a-f]{40}", each) for each in commits)
