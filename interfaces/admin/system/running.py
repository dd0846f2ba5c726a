"""What runs: processes, read models with their lag, and a rebuild that was begun on the command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from domain.log_position import position_text
from interfaces.admin.operations import Call, context_of, run
from interfaces.admin.page import see_other
from interfaces.admin.request import PanelRequest
from projections.engine.states import ProjectionState, states
from projections.read_models.jobs.process import RunningProcess, running_processes
from projections.rebuild.progress import RebuildProgress, rebuild_progress

_ANY = "job"
"""The projection whose snapshot is opened: what is asked here belongs to none."""

_PAGE = "/admin/system"


async def resume(asked: PanelRequest) -> Response:
    """Let a projection that stopped try its event again."""
    name = str(asked.request.path_params["name"])
    await run(asked, Call("resume_projection", {"projection": name}, body={}))
    return see_other(f"{_PAGE}?done=resume_projection")


async def running(asked: PanelRequest, operation: str) -> Mapping[str, Any]:
    """For those who may use the operation."""
    async with context_of(asked, operation).snapshot(_ANY) as read:
        projections = await states(read.connection)
        building = await rebuild_progress(read.connection)
        processes = await running_processes(read.connection)
    return {
        "rebuild": None if building is None else _rebuild(building),
        "generation": projections[0].generation if projections else 0,
        "projections": [_projection(each) for each in projections],
        "processes": _processes(asked, processes),
    }


def _rebuild(each: RebuildProgress) -> Mapping[str, Any]:
    return {
        "generation": each.generation,
        "percent": each.percent,
        "position": position_text(each.position),
        "head": position_text(each.head),
        "runs": each.runs,
    }


def _projection(each: ProjectionState) -> Mapping[str, Any]:
    return {
        "name": each.name,
        "position": position_text(each.position),
        "behind": each.behind,
        "seconds": round(each.seconds),
        "ok": each.stopped_at is None and each.behind >= 0,
        "resumes": each.stopped_at is not None and each.behind >= 0,
        "error": "" if each.stopped_at is None else f"{position_text(each.stopped_at)}: {each.error}",
    }


def _processes(asked: PanelRequest, processes: Sequence[RunningProcess]) -> Sequence[Mapping[str, str]]:
    return [
        {
            "role": each.role,
            "host": f"{each.host}, {each.pid}",
            "version": each.version,
            "zones": each.zones,
            "since": asked.language.moment(each.started_at),
        }
        for each in processes
    ]
