"""Turn the YAML text of a configuration into a document: plain values with their places."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..pipeline.core.errors import ConfigError, Problem
from .document import Document, KeyPath, Place, dotted
from .syntax import explain, is_secret, place_of

_REFERENCE = re.compile(r"\$\$|\$\{(?P<inside>[^}]*)\}")
_VARIABLE = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_MERGE = "tag:yaml.org,2002:merge"


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Document:
    """Read a configuration file. Raises ConfigError if it cannot be read or is not YAML."""
    file = str(path)
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = f"Write one to start from: agentpond config default > {file}"
        raise ConfigError(Problem("", "there is no such file.", hint, file)) from None
    except OSError as error:
        raise ConfigError(Problem("", f"cannot be read: {error.strerror}.", "", file)) from error
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start} is not)."
        raise ConfigError(Problem("", message, "Save it as UTF-8.", file)) from error
    return parse(text, file, environ)


def parse(text: str, file: str | None = None, environ: Mapping[str, str] = os.environ) -> Document:
    """Turn YAML text into a document. Raises ConfigError if the text is not YAML.

    ``${env:NAME}`` and ``${env:NAME:-default}`` in values are replaced from ``environ``, and
    ``$$`` by a dollar sign. Duplicate keys and missing variables become the document's problems.
    """
    # A fresh YAML for each text: it keeps state from one document to the next.
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except YAMLError as error:
        raise ConfigError(explain(error, text, file)) from error
    reading = _Reading(yaml, file, environ)
    values = reading.value(node, (), ()) if node is not None else None
    return Document(
        values,
        file,
        reading.keys,
        reading.places,
        frozenset(reading.from_environment),
        tuple(reading.problems),
    )


class _Reading:
    """Walk the nodes of one text, noting places and problems on the way."""

    def __init__(self, yaml: YAML, file: str | None, environ: Mapping[str, str]) -> None:
        self._yaml = yaml
        self._file = file
        self._environ = environ
        self.keys: dict[KeyPath, Place] = {}
        self.places: dict[KeyPath, Place] = {}
        self.from_environment: set[KeyPath] = set()
        self.problems: list[Problem] = []

    def value(self, node: Node, path: KeyPath, inside: tuple[int, ...]) -> Any:
        """Give the plain value of a node; ``inside`` are the nodes that hold it."""
        self.places[path] = place_of(node.start_mark)
        if id(node) in inside:
            self._problem(node, path, "refers to itself.", "Write the value out.")
            return None
        inside = (*inside, id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, path, inside)
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return [self.value(item, (*path, at), inside) for at, item in items]
        return self._scalar(node, path) if isinstance(node, ScalarNode) else None

    def _mapping(
        self, node: MappingNode, path: KeyPath, inside: tuple[int, ...]
    ) -> dict[str | int, Any]:
        merged: dict[str | int, Any] = {}
        own: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _MERGE:
                merged = {**self._merge(value_node, path, inside), **merged}
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in own:
                first = self.keys[(*path, key)].line
                self._problem(
                    key_node,
                    (*path, key),
                    f"is here twice; the first one is in line {first}.",
                    "Keep one of the two.",
                )
                continue
            self.keys[(*path, key)] = place_of(key_node.start_mark)
            own[key] = self.value(value_node, (*path, key), inside)
            if own[key] is None:
                # An empty value has no place of its own: its mark is that of the next token.
                self.places[(*path, key)] = self.keys[(*path, key)]
        return {**merged, **own}

    def _merge(self, node: Node, path: KeyPath, inside: tuple[int, ...]) -> dict[str | int, Any]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str | int, Any] = {}
        for each in nodes:
            if isinstance(each, MappingNode) and id(each) not in inside:
                merged = {**self._mapping(each, path, (*inside, id(each))), **merged}
                continue
            self._problem(each, path, "`<<` takes a mapping.", "Write `<<: *name` of a mapping.")
        return merged

    def _key(self, node: Node, path: KeyPath) -> str | None:
        if isinstance(node, ScalarNode):
            return str(node.value)
        self._problem(node, path, "a key must be a word.", "Write `key: value`.")
        return None

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        text = _REFERENCE.sub(lambda match: self._expand(match, node, path), node.value)
        plain = node.style is None
        if text != node.value and plain:
            # What stands in the variable decides the type, as if it stood in the file; quotes
            # keep it text, as they do there.
            tag = self._yaml.resolver.resolve(ScalarNode, text, (True, False))
            node = ScalarNode(tag, text, node.start_mark, node.end_mark)
        elif text != node.value:
            node = ScalarNode(node.ctag, text, node.start_mark, node.end_mark, style=node.style)
        try:
            return self._yaml.constructor.construct_object(node)
        except (YAMLError, ValueError) as error:
            told = getattr(error, "problem", None) or str(error)
            words = "cannot be read" if is_secret(dotted(path)) else told
            self._problem(node, path, f"{words}.", "Write the value plainly, or in quotes.")
            return None

    def _expand(self, match: re.Match[str], node: ScalarNode, path: KeyPath) -> str:
        if match.group() == "$$":
            return "$"
        inside = match["inside"]
        variable = _VARIABLE.fullmatch(inside)
        if variable is None:
            shown = "..." if is_secret(dotted(path)) else inside
            hint = f"Write ${{env:NAME}}, or $${{{shown}}} for the text itself."
            self._problem(node, path, f"`${{{shown}}}` is not understood.", hint)
            return match.group()
        self.from_environment.add(path)
        name, default = variable["name"], variable["default"]
        found = self._environ.get(name)
        if found is None and default is None:
            # A default that stands in an example ends up as somebody's password.
            other = "" if is_secret(name) else f", or write ${{env:{name}:-default}}"
            hint = f"Set it{other}."
            self._problem(node, path, f"the environment variable {name} is not set.", hint)
            return match.group()
        # An empty variable counts as not set where there is a default, as in a shell.
        return found or (found if default is None else default) or ""

    def _problem(self, node: Node, path: KeyPath, message: str, hint: str) -> None:
        place = place_of(node.start_mark)
        self.problems.append(
            Problem(dotted(path), message, hint, self._file, place.line, place.column)
        )
