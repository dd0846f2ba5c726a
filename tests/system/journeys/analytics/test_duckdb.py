"""The questions of docs/analysts.md from DuckDB, which reads the views over the wire."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from infrastructure.database.analysts import grant
from tests.analysts import questions
from tests.conftest import ROOT, Database

VERSION = "1.5.5"
PACKAGES = (f"duckdb=={VERSION}", f"duckdb-extension-postgres-scanner=={VERSION}")
PROGRAM = """
import json, sys
from pathlib import Path
import duckdb, duckdb_extension_postgres_scanner as packaged
wanted = json.load(sys.stdin)
db = duckdb.connect()
(extension,) = Path(packaged.__file__).parent.rglob("*.duckdb_extension")
db.execute(f"LOAD '{extension}'")
db.execute(f"ATTACH '{wanted['dsn']}' AS daybook (TYPE postgres, SCHEMA 'analysis', READ_ONLY)")
db.execute("USE daybook.analysis")
answers = {title: db.execute(sql).fetchall() for title, sql in wanted["sql"].items()}
print(json.dumps(answers, default=str))
"""


@pytest.fixture(scope="session")
def duckdb() -> Path:
    """The Python of an environment with DuckDB, made once."""
    home = ROOT.parent / ".cache/duckdb"
    python = home / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


@pytest.mark.long
def test_the_questions_are_answered_from_duckdb(database: Database, duckdb: Path) -> None:
    login = f"duck_{uuid4().hex[:8]}"
    grant(database.owner, login, None, "secret")
    host, port = (
        psycopg.conninfo.conninfo_to_dict(database.owner)["host"],
        database.owner.rpartition(":")[2].split("/")[0],
    )
    dsn = f"host={host} port={port} dbname={database.name} user={login} password=secret"
    ran = subprocess.run(
        [duckdb, "-c", PROGRAM],
        input=json.dumps({"dsn": dsn, "sql": questions()}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout).keys() == questions().keys()
