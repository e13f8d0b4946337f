"""JSON Schemas as clients see them."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from serve_app.json_schema import self_contained
from serve_app.operations import OPERATIONS, Operation
from tests.serve_app.samples import REPLIES


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_schemas_are_valid_and_hold_no_references(operation: Operation):
    taken = self_contained(operation.request, mode="validation")
    given = self_contained(operation.reply, mode="serialization")

    for schema in (taken, given):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert "$ref" not in json.dumps(schema)
        assert "$defs" not in json.dumps(schema)


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_a_reply_as_sent_fits_its_schema(name: str):
    reply = REPLIES[name]

    jsonschema.validate(
        json.loads(reply.model_dump_json(by_alias=True)), self_contained(type(reply), mode="serialization")
    )


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_example_fits_the_schema_and_an_unknown_field_does_not(operation: Operation):
    schema = self_contained(operation.request, mode="validation")

    jsonschema.validate(operation.example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**operation.example, "sesion_id": "x"}, schema)


def test_bounds_are_in_the_words_of_json_schema():
    schema = self_contained(next(op for op in OPERATIONS if op.name == "get_task").request, mode="validation")

    assert schema["properties"]["wait_s"]["minimum"] == 0
    assert schema["properties"]["wait_s"]["maximum"] == 20


def test_fields_can_be_left_out():
    add = next(op for op in OPERATIONS if op.name == "add_agent_to_session")

    schema = self_contained(add.request, mode="validation", without=add.path_fields)

    assert set(schema["properties"]) == {"agent_role", "reason"}
    assert schema["required"] == ["agent_role"]
