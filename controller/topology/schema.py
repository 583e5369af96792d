"""
The JSON Schema of topology.yaml, for editors: generated from the model, so that it cannot say anything else.

It knows what the model does not: ``x-…`` keys, that any value may hold variables, and the keys that only files have.
"""

from __future__ import annotations

import json
from typing import Any

from controller.model.topology import Topology
from controller.topology.file_keys import DEFAULTS, DESCRIPTIONS, ENV_FILE, INCLUDE, OWN, OWN_OF_ATTACHMENT, SECTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "topology.schema.json"

_EXTENSIBLE = ("Host", "Network", "Container", "Store", "Volume", "Config", "Secret")
_MODELS = {"hosts": "Host", "networks": "Network", "containers": "Container"}
_VARIABLE = r"\$[A-Za-z_{]"
"""A value with a variable in it: what it becomes is not for an editor to judge."""

_REFERENCE = {"$ref": "#/$defs/Variable"}
_DATA = frozenset(("default", "examples", "enum", "propertyNames"))
"""Keys of a schema whose values hold no schema of a value."""

_CONSTRAINTS = frozenset(("pattern", "enum", "const", "minimum", "maximum", "minLength", "maxLength"))


def topology_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of topology.yaml."""
    schema = Topology.model_json_schema(mode="validation")
    _add_file_keys(schema)
    for name in (*_EXTENSIBLE, "Defaults"):
        schema["$defs"][name]["patternProperties"] = {"^x-": {"description": "Yours; ignored."}}
    schema["patternProperties"] = {"^x-": {"description": "Yours: a place for anchors."}}
    schema["title"] = "ovctl topology"
    result = {"$schema": DIALECT, "$id": ID, **_with_variables(schema)}
    result["$defs"] = {**result["$defs"], "Variable": _variable()}
    return result


def schema_text() -> str:
    """Return the schema as the text of schemas/topology.schema.json, newline included."""
    return json.dumps(topology_schema(), indent=2, ensure_ascii=False) + "\n"


def _add_file_keys(schema: dict[str, Any]) -> None:
    """Add to *schema*, that of the model, the keys that only files have, and lift what they make optional."""
    parts, path = schema["$defs"], {"type": "string", "minLength": 1}
    container = parts["Container"]
    container["properties"][ENV_FILE] = {
        "title": "Env File",
        "description": DESCRIPTIONS[ENV_FILE],
        "anyOf": [path, {"type": "array", "items": path}],
    }
    parts["Defaults"] = {
        "additionalProperties": False,
        "description": DESCRIPTIONS[DEFAULTS],
        "properties": {section: _default_of(section) for section in SECTIONS},
        "title": "Defaults",
        "type": "object",
    }
    parts["Include"] = {
        "additionalProperties": False,
        "description": "A further file.",
        "properties": {"path": {**path, "title": "Path", "description": "Where it is."}},
        "required": ["path"],
        "title": "Include",
        "type": "object",
    }
    schema["properties"][DEFAULTS] = {"$ref": "#/$defs/Defaults", "description": DESCRIPTIONS[DEFAULTS]}
    schema["properties"][INCLUDE] = {
        "title": "Include",
        "description": DESCRIPTIONS[INCLUDE],
        "type": "array",
        "items": {"anyOf": [path, {"$ref": "#/$defs/Include"}]},
    }
    # a default lacks what an entry cannot do without, so the need is told where the entries are; hosts may be in an
    # included file, and what a container lacks may be a default, also one of another file
    lacking = parts["Host"].pop("required")
    for entry in schema["properties"]["hosts"]["patternProperties"].values():
        entry["required"] = lacking
    schema["required"].remove("hosts")
    schema["anyOf"] = [{"required": ["hosts"]}, {"required": [INCLUDE]}]
    containers = schema["properties"]["containers"]
    whole = {"description": containers["description"], "additionalProperties": {"required": container.pop("required")}}
    schema["if"] = {"not": {"anyOf": [{"required": [DEFAULTS]}, {"required": [INCLUDE]}]}}
    schema["then"] = {"properties": {"containers": whole}}


def _default_of(section: str) -> dict[str, Any]:
    """Return the schema of the defaults of *section*: that of an entry, without what each entry says for itself."""
    schema: dict[str, Any] = {
        "$ref": f"#/$defs/{_MODELS[section]}",
        "description": f"What all {section} say unless they say something else themselves.",
        "propertyNames": {"not": {"enum": sorted(OWN[section])}},
    }
    if section == "containers":
        names = {"propertyNames": {"not": {"enum": sorted(OWN_OF_ATTACHMENT)}}}
        networks = {"description": "Networks that the containers are on.", "additionalProperties": names}
        schema["properties"] = {"networks": networks}
    return schema


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
