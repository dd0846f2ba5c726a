"""Imports what the roles import while the image is built, so that Python writes the bytecode of these modules alone."""

import importlib
import pkgutil

RINGS = "domain", "application", "infrastructure", "projections", "interfaces"
SCRIPTS = "__main__", "env"  # they run when they are imported
BY_NAME = (  # modules that Celery, gunicorn, uvicorn and SQLAlchemy find by their names
    "alembic.command",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.components",
    "fastapi.staticfiles",
    "fastapi_offline",
    "flower.command",
    "gunicorn.app.wsgiapp",
    "kombu.transport.redis",
    "sqlalchemy.dialects.postgresql.psycopg",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)


def load(name: str) -> None:
    """Import a module, unless it needs packages of an optional feature, which the image does not hold."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] in RINGS:
            raise


for ring in RINGS:
    package = importlib.import_module(ring)
    for module in pkgutil.walk_packages(package.__path__, f"{ring}."):
        if module.name.rpartition(".")[2] not in SCRIPTS:
            load(module.name)
for name in BY_NAME:
    importlib.import_module(name)
