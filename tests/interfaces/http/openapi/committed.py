"""The OpenAPI document as it is committed: to make it takes seconds; test_openapi.py holds it against the routes."""

import json
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[4] / "docs/openapi.json").read_text(encoding="utf-8"))
