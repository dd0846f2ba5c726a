"""All dashboards. `python -m docker.grafana.boards` writes the files that Grafana reads."""

from pathlib import Path

from docker.grafana import bookings, bookings_and_money, jobs_and_mail, log_and_projections, service
from docker.grafana.board import written

FOLDER = Path(__file__).parent / "dashboards"
ALL = (service.BOARD, log_and_projections.BOARD, jobs_and_mail.BOARD, bookings.BOARD, bookings_and_money.BOARD)

if __name__ == "__main__":
    for each in ALL:
        (FOLDER / f"{each.uid}.json").write_text(written(each), encoding="utf-8")
