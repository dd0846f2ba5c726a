"""Route of merging: two records of one person become one."""

from uuid import UUID

from fastapi import Response

from application.people.merge import MergeCustomer, merge_customer
from interfaces.http.framework.fields import Body
from interfaces.http.framework.needs import Needs
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response
from interfaces.http.framework.routing import Router
from interfaces.http.people.customer import CustomerResponse, noted_response

router = Router("/v1/customers/{customer_id}/merge", "customers")


class MergeCustomerBody(Body):
    """`into`: the customer whose record stays."""

    into: UUID


@router.post("", "merge_customer", CustomerResponse, needs=Needs(version=True))
async def merge(request: RequestContext, customer_id: UUID, body: MergeCustomerBody) -> Response:
    """Merge a guest into another record of the same person. The answer is the record that stays."""
    command = MergeCustomer(**request.command(), customer_id=customer_id, into=body.into)
    return command_response(await merge_customer(command, request.ports.store), noted_response)
