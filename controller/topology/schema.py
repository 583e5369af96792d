"""
The JSON Schema of topology.yaml, for editors: generated from the model, so that it cannot say anything else.

It knows two things that the model does not: ``x-…`` keys, and that any value may hold variables.
"""

from __future__ import annotations

import json
from typing import Any

from controller.model.topology import Topology

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "topology.schema.json"

_EXTENSIBLE = ("Host", "Network", "Container", "Store")
_VARIABLE = r"\$[A-Za-z_{]"
"""A value with a variable in it: what it becomes is not for an editor to judge."""

_REFERENCE = {"$ref": "#/$defs/Variable"}
_DATA = frozenset(("default", "examples", "enum", "propertyNames"))
"""Keys of a schema whose values hold no schema of a value."""

_CONSTRAINTS = frozenset(("pattern", "enum", "const", "minimum", "maximum", "minLength", "maxLength"))


def topology_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of topology.yaml."""
    schema = Topology.model_json_schema(mode="validation")
    for name in _EXTENSIBLE:
        schema["$defs"][name]["patternProperties"] = {"^x-": {"description": "Yours; ignored."}}
    schema["patternProperties"] = {"^x-": {"description": "Yours: a place for anchors."}}
    schema["title"] = "ovctl topology"
    result = {"$schema": DIALECT, "$id": ID, **_with_variables(schema)}
    result["$defs"] = {**result["$defs"], "Variable": _variable()}
    return result


def schema_text() -> str:
    """Return the schema as the text of schemas/topology.schema.json, newline included."""
    return json.dumps(topology_schema(), indent=2, ensure_ascii=False) + "\n"


def _variable() -> dict[str, Any]:
    return {
        "title": "Variable",
        "description": "Text with a variable in it: $NAME, ${NAME:-default}, ${NAME:?message}, ${NAME:+other}.",
        "type": "string",
        "pattern": _VARIABLE,
    }


def _with_variables(node: Any) -> Any:
    """Return *node*, a schema, with a variable allowed wherever a scalar is held to a type or a form."""
    if isinstance(node, list):
        return [_with_variables(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: node[key] if key in _DATA else _with_variables(node[key]) for key in node}
    if "anyOf" in result:
        result["anyOf"] = _flat(result["anyOf"])
    if "patternProperties" in node and "additionalProperties" not in node:
        result["additionalProperties"] = False
    kind = node.get("type")
    if kind in ("integer", "boolean", "number") or (kind == "string" and _CONSTRAINTS & node.keys()):
        said = {key: result.pop(key) for key in list(result) if key in _CONSTRAINTS or key == "type"}
        return {**result, "anyOf": [said, _REFERENCE]}
    return result


def _flat(choices: list[Any]) -> list[Any]:
    """Return *choices* without choices within choices; where any text is right, a variable needs no mention."""
    flat: list[Any] = []
    for choice in choices:
        flat += [part for part in (choice["anyOf"] if choice.keys() == {"anyOf"} else [choice]) if part not in flat]
    return [choice for choice in flat if choice != _REFERENCE or {"type": "string"} not in flat]
