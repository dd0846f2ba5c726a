"""The recipes of docs/recipes.md work: each patch applies to a copy of this tree, whose tests then pass."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.recipes import FOLDER, KINDS, ROOT, count, patched, recipes
from tests.support.instances import clean_environment

MYPY = ".cache/mypy"
MATRIX = "tests/interfaces/http/test_matrix.py"
# What must hold of a tree whatever is added to it.
GUARDS = (
    "tests/golden",
    "tests/test_architecture.py",
    "tests/test_documents.py",
    "tests/test_size_limits.py",
    "tests/interfaces/http/test_openapi.py",
    "tests/interfaces/http/openapi",
    "tests/projections/query",
)
LIMITS = ("tests/test_size_limits.py", "tests/test_architecture.py::test_a_folder_has_at_most_sixteen_modules")
# Recipe -> the row of the matrix that it adds.
ROWS: Mapping[str, str] = {
    "appointment-event": "undo_check_in",
    "metric": "get_metric",
    "organization-read-model": "list_workload",
    "provider-field": "change_provider",
}


def run(folder: Path, *command: str) -> str:
    """What a command said that had to succeed. Its imports come from the folder, not from this tree."""
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(PYTHONPATH=str(folder)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    return done.stdout


def python(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, *arguments)


def tree_of() -> Sequence[str]:
    """The files of this working copy; skips where there is none."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("this is no working copy of git")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def copied(to: Path) -> Path:
    for name in tree_of():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, to / name)
    if (ROOT / MYPY).is_dir():  # with which mypy is quick, since the files keep their times
        shutil.copytree(ROOT / MYPY, to / MYPY)
    return to


@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_applies_to_this_tree(recipe: str) -> None:
    run(ROOT, "git", "apply", "--check", str(FOLDER / f"{recipe}.patch"))


@pytest.mark.parametrize("recipe", recipes())
def test_the_page_counts_every_hunk_of_a_recipe(recipe: str) -> None:
    hunks = [line for line in (FOLDER / f"{recipe}.patch").read_text().splitlines() if line.startswith("@@ ")]
    assert sum(count(recipe, kind) for kind in KINDS) == len(hunks)


def test_every_recipe_has_a_row_of_the_matrix_that_proves_it() -> None:
    assert set(ROWS) == set(recipes())


@pytest.mark.parametrize("recipe", recipes())
def test_the_parts_of_a_tree_with_the_recipe_fit_together(recipe: str, tmp_path: Path) -> None:
    tree = copied(tmp_path)
    run(tree, "git", "apply", str(FOLDER / f"{recipe}.patch"))
    python(tree, "-c", "from projections.registry import PROJECTIONS; from interfaces.http.app import build; build()")
    python(tree, "-m", "pytest", "-q", *LIMITS)  # the tree itself may have grown up to a limit meanwhile


@pytest.mark.parametrize("recipe", recipes())
def test_a_tree_with_the_recipe_passes_its_checks_and_tests(recipe: str, tmp_path: Path) -> None:
    tree = copied(tmp_path)
    run(tree, "git", "apply", str(FOLDER / f"{recipe}.patch"))
    assert python(tree, "-c", "import domain; print(domain.__file__)").startswith(str(tree))
    python(tree, "-m", "tests.golden.test_golden")
    python(tree, "-m", "tests.documents")
    python(tree, "-m", "ruff", "check")
    python(tree, "-m", "ruff", "format", "--check")
    python(tree, "-m", "mypy")
    own = {file.path for file in patched(recipe) if file.path.startswith("tests/") and "/test_" in file.path}
    python(tree, "-m", "pytest", "-q", "-p", "no:randomly", *GUARDS, *sorted(own - {MATRIX}))
    python(tree, "-m", "pytest", "-q", MATRIX, "-k", f"every_route or {ROWS[recipe]}")
