"""Put a document together, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.assembly import Assembly
from controller.topology.defaults import lend
from controller.topology.file_keys import DEFAULTS

if TYPE_CHECKING:
    from controller.topology.tree import Tree


def assemble(main: Tree) -> Tree:
    """
    Return what *main*, the mapping that a file holds, says with its defaults under what they hold for.

    It raises nothing: what is wrong stands among the problems of the tree.
    """
    assembly = Assembly(main)
    if DEFAULTS in assembly.root:
        lend(assembly)
    return assembly.tree()
