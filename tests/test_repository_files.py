"""Files that git, editors, images and commit hooks read agree with the project."""

import re
import subprocess
from pathlib import Path

import pytest

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


def test_commits_that_blame_skips_are_named_in_full() -> None:
    lines = (ROOT / ".git-blame-ignore-revs").read_text().splitlines()
    commits = [line for line in lines if line and not line.startswith("#")]
    assert commits
    assert all(re.fullmatch(r"[0-9a-f]{40}", each) for each in commits)
