"""Put a document together, step by step: what is included, then defaults, then what other files hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.topology.archives import find_archives
from controller.topology.assembly import Assembly
from controller.topology.contents import Contents, read_contents
from controller.topology.defaults import lend
from controller.topology.env_file import add_variables
from controller.topology.file_keys import DEFAULTS, INCLUDE
from controller.topology.include import follow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controller.topology.tree import Tree


def assemble(main: Tree, path: Path, env: Mapping[str, str]) -> tuple[Tree, tuple[Path, ...], Contents]:
    """
    Return what *main*, the mapping that the file at *path* holds, says together with what it names; files; contents.

    It raises nothing: what is wrong stands among the problems of the tree.

    Args:
        env: Variables for interpolation in the values of all files.
    """
    assembly = Assembly(main, path)
    if INCLUDE in assembly.root:
        follow(assembly, env)
    if DEFAULTS in assembly.root:
        lend(assembly)
    add_variables(assembly, env)
    contents = read_contents(assembly, env, find_archives(assembly))
    return assembly.tree(), tuple(assembly.paths), contents
