"""The control: FastAPI with the same token check, body model and answer bytes, and nothing behind it."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import ConfigDict

from application.access import Caller
from domain.errors import Unauthenticated
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.settings import Settings
from interfaces.http.booking.appointment_schemas import BookAppointmentBody

app = FastAPI(openapi_url=None)
app.state.answer = b"{}"
tokens = AccessTokens(Settings().secret_key.get_secret_value())


class Said(BookAppointmentBody):
    """As FastAPI gives bodies to models: JSON is read before, so ids come as text."""

    model_config = ConfigDict(strict=False)


async def bearer(request: Request) -> Caller:
    """Who asks."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "bearer":
            return tokens.verify(token)
    except Unauthenticated:
        pass
    raise HTTPException(401)


@app.put("/answer", status_code=204)
async def keep(request: Request) -> None:
    """What the others answer with from now on."""
    app.state.answer = await request.body()


@app.get("/v1/availability")
async def starts() -> Response:
    return Response(app.state.answer, media_type="application/json")


@app.post("/v1/appointments", status_code=201)
async def book(body: Said, caller: Annotated[Caller, Depends(bearer)]) -> Response:  # noqa: ARG001
    return Response(app.state.answer, 201, media_type="application/json")
