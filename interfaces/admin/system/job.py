"""The section of jobs, among them those that have failed for good."""

from interfaces.admin.sections.section import CellKind, Column, Input, InputKind, PanelForm, Section
from projections.read_models.jobs.job_status import JobStatus

_KIND = Column("kind", CellKind.VALUE)
_STATUS = Column("status", CellKind.VALUE)
_PLANNED = Column("planned_at", CellKind.MOMENT)

JOBS = Section(
    name="jobs",
    listing="list_jobs",
    columns=(_PLANNED, _KIND, _STATUS, Column("attempts"), Column("error")),
    filters=(Input("status", InputKind.CHOICE, ("", *(str(each) for each in JobStatus))), Input("kind")),
    narrowing=("subject",),
    card="get_job",
    heading="kind",
    facts=(
        _STATUS,
        _KIND,
        Column("slot"),
        Column("subject"),
        _PLANNED,
        Column("due_at", CellKind.MOMENT),
        Column("attempts"),
        Column("done_at", CellKind.MOMENT),
        Column("outcome", CellKind.VALUE),
        Column("error"),
    ),
    forms=(PanelForm(operation="retry_job"),),
)
