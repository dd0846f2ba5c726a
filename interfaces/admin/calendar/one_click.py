"""Forms that are sent with one click, and come back to where they were sent from."""

from collections.abc import Mapping
from typing import Any

from interfaces.admin.sections.card import form_values
from interfaces.admin.sections.section import PanelForm, Section

TODAY = "/admin/today"


def one_click(section: Section, form: PanelForm, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A form that comes back to Today; the way to one, where it asks something."""
    path = f"{section.path}/{row['id']}/{form.path}"
    if form.inputs:
        return {"operation": form.operation, "href": f"{path}?next={TODAY}", "dangerous": form.dangerous}
    return {**form_values(form, path, row, ()), "next": TODAY}
