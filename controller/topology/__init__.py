"""
From topology.yaml to a frozen ``Topology``: reading, interpolation, validation, the rules, the JSON Schema.

Everything that is wrong with a file is said at once, each mistake with its place, a fact and a hint. Nothing here knows
hosts, engines or the store: a topology is judged by itself.
"""
