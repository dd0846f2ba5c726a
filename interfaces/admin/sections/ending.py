"""What a form asks that ends something: what becomes of the appointments that lie ahead."""

from application.ending import AheadChoice
from interfaces.admin.sections.section import Input, InputKind

ENDING = (
    Input("appointments", InputKind.CHOICE, ("", *(str(each) for each in AheadChoice)), in_query=True),
    Input("reason", InputKind.AREA, in_query=True),
)
