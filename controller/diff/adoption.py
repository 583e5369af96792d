"""What is recorded of an object that is adopted: what its owner label would say, had we made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.diff.container import image_below
from controller.model.adoption import Adopted
from controller.model.container_fields import FIELDS, Default
from controller.model.desired import container_fields, driver_options, network_fields
from controller.model.identity import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.model.engine_words import Comparable
    from controller.model.network import Network
    from controller.model.observed import ContainerState, EngineState, NetworkState
    from controller.model.topology import Container


def adopted_container(container: Container, found: ContainerState, engine: EngineState) -> Adopted:
    """
    Return what is recorded of *found*, which others made and *container* declares.

    Declared fields count as declared at its creation. So does what it has beyond: an undeclared field that is not at
    its default was asked for by whoever made it, and is a difference. Where the engine alone knows the default, it
    gets the benefit of the doubt.
    """
    fields = {name: digest(value) for name, value in container_fields(container).items()}
    image = image_below(container, found, engine)
    for row in FIELDS:
        # what an update can set is compared in any case
        if row.declared(container) or row.default is Default.ENGINE or row.update is not None:
            continue
        has = _said(found.fields[row.name], row.fills)
        if has != row.wanted(container, image.fields):
            fields[row.name] = digest(has)
    return Adopted("container", found.name, fields)


def adopted_network(network: Network, found: NetworkState) -> Adopted:
    """Return what is recorded of *found*, which others made and *network* declares; options beyond are differences."""
    fields = {name: digest(value) for name, value in network_fields(network).items()}
    if set(found.options) - set(driver_options(network)):
        fields["driver_opts"] = digest(dict(found.options))
    return Adopted("network", found.name, fields)


def _said(observed: Comparable, fills: Callable[[str], bool]) -> Comparable:
    """Return *observed* without what an engine may have added by itself."""
    return tuple(item for item in observed if not fills(item)) if isinstance(observed, tuple) else observed
