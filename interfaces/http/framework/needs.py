"""The needs of an operation, declared once, at its route; `application/access.py` grants it by its operationId."""

from dataclasses import dataclass, replace
from enum import Enum

from interfaces.http.framework.rate_limit import RateLimited


class IdempotencyKeys(Enum):
    """The use of an Idempotency-Key."""

    REQUIRED = "required"
    ACCEPTED = "accepted"
    NONE = "none"


class Source(Enum):
    """Where answers come from: the event log, rows beside the log (which have no position), the process alone."""

    LOG = "log"
    ROWS = "rows"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Needs:
    """`keys` and `version` (whether If-Match is required): None for what the method usually needs.

    `limit`: the rate limit. `shows_secret`: the answer has a secret and is kept nowhere, so that no
    Idempotency-Key can repeat it. `password`: the caller must send the password again (else 403).
    `expires`: the request can come too late (410). `finds`: a GET without an id in its path can find nothing (404).
    `whole_ledger`: a GET that is refused where the ledger does not verify (409).
    `also`: another operation, whose permission some of the requests need (403).
    """

    keys: IdempotencyKeys | None = None
    version: bool | None = None
    limit: RateLimited | None = None
    shows_secret: bool = False
    password: bool = False
    expires: bool = False
    finds: bool = False
    whole_ledger: bool = False
    also: str = ""

    def of(self, method: str, *, resources: bool = True) -> "Needs":
        """These needs, completed by the usual ones of the method. `resources`: whether the resources are versioned."""
        accepted = resources and method == "POST" and not self.shows_secret
        usual = IdempotencyKeys.ACCEPTED if accepted else IdempotencyKeys.NONE
        changes = resources and method in {"PUT", "PATCH", "DELETE"}
        return replace(
            self,
            keys=self.keys or usual,
            version=changes if self.version is None else self.version,
        )

    @property
    def takes_key(self) -> bool:
        return self.keys in {IdempotencyKeys.REQUIRED, IdempotencyKeys.ACCEPTED}

    @property
    def requires_key(self) -> bool:
        return self.keys is IdempotencyKeys.REQUIRED
