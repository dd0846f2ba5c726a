"""The generated parts of the documents agree with the code: routes, problems, modules, the OpenAPI document."""

import pytest

from tests.documents import renewed


@pytest.mark.parametrize(("path", "text"), [pytest.param(*pair, id=pair[0].name) for pair in renewed().items()])
def test_a_document_is_as_the_code_has_it(path, text: str) -> None:
    assert path.read_text() == text, "run `make documents`"
