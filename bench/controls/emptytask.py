"""The control of `jobs`: a worker with Daybook's settings, whose tasks do nothing."""

from __future__ import annotations

from celery import Celery

from infrastructure.settings import Settings
from interfaces.worker.celery_app import QUEUES
from interfaces.worker.main import celery_of


def app_of(settings: Settings) -> Celery:
    """Daybook's, with two tasks more: one that does nothing, and one that asks for many of those."""
    app = celery_of(settings)

    @app.task(name="empty")
    def empty(*_: str) -> None:
        """Nothing."""

    @app.task(name="spread", queue="sweep")
    def spread(count: int) -> None:
        for _ in range(count):
            app.send_task("empty", ["0" * 36, "0" * 36], queue="jobs")

    return app


if __name__ == "__main__":
    app_of(Settings()).Worker(concurrency=2, queues=",".join(QUEUES), loglevel="WARNING", quiet=True).start()
