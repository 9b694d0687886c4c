"""Find the keys of a JSON body that OTLP spells otherwise, which a decoder passes over unseen.

OTLP/JSON has lowerCamelCase keys; what protobuf calls ``trace_id`` is an unknown key, and
unknown keys are ignored (specification, "JSON Protobuf Encoding"). A key is a name in quotes
before a colon: text inside a value cannot look so, because its quotes are escaped, and
attribute keys are values.
"""

import re
from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from ...pipeline.core.signal import Signal
from .descriptors import SOURCES
from .envelope import NAMES

_SNAKE = re.compile(rb'_[a-z]++"\s*+:')
_SNAKE_KEY = re.compile(rb'"([a-z]++(?:_[a-z]++)++)"\s*+:')
_KEY = re.compile(rb'"([^"\\]{1,100})"\s*+:')
_ID = re.compile(rb'Id"\s*+:\s*+"(?:[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{11}=)"')
_STRING_INDEX = re.compile(rb'"(?:key|stringValue)Strindex"\s*+:\s*+"?[1-9]')

# A sender writes all its items alike, so the first ones tell. Bodies that agents sent are searched
# in 0.1 to 2.5 % of the time it takes to decode them; to search them whole would take 3 to 10 %.
_BEFORE_ITEMS_BYTES = 2048
_ITEM_BYTES = 1536
_MOST_SEARCHED_BYTES = 1 << 20


def looks_misspelt(body: bytes, signal: Signal) -> bool:
    """Tell from the first items of a body whether it is worth while to search it."""
    items = body.find(_ITEMS[signal])
    if items < 0:
        return False
    end = items + _ITEM_BYTES
    if _SNAKE.search(body, max(items - _BEFORE_ITEMS_BYTES, 0), end):
        return True
    return body.find(b"=", items, end) >= 0 and _ID.search(body, items, end) is not None


def snake_case_keys(body: bytes) -> Mapping[str, str]:
    """Give the keys of a body that OTLP spells otherwise, each with its right spelling."""
    found = dict.fromkeys(key.decode() for key in _SNAKE_KEY.findall(body, 0, _MOST_SEARCHED_BYTES))
    return {key: _CAMEL[key] for key in found if key in _CAMEL}


def unknown_keys(body: bytes) -> list[str]:
    """Give the keys of a body, in its order, that OTLP has nowhere."""
    found = dict.fromkeys(_KEY.findall(body, 0, _MOST_SEARCHED_BYTES))
    return [key.decode("utf-8", "replace") for key in found if key not in _KNOWN]


def has_base64_ids(body: bytes) -> bool:
    """Tell whether trace or span ids are in base64, as protobuf's own JSON writes them."""
    return _ID.search(body, 0, _MOST_SEARCHED_BYTES) is not None


def has_string_indices(body: bytes) -> bool:
    """Tell whether attributes point into a table of strings that only profiles have."""
    return _STRING_INDEX.search(body, 0, _MOST_SEARCHED_BYTES) is not None


def _fields_of(message: Descriptor) -> Iterator[FieldDescriptor]:
    yield from message.fields
    for nested in message.nested_types:
        yield from _fields_of(nested)


_CAMEL = {
    field.name: field.json_name
    for source in SOURCES
    for message in source.message_types_by_name.values()
    for field in _fields_of(message)
    if "_" in field.name
}


_KNOWN = {
    field.json_name.encode()
    for source in SOURCES
    for message in source.message_types_by_name.values()
    for field in _fields_of(message)
}


def _camel(name: str) -> str:
    return _CAMEL.get(name, name)


_ITEMS = {signal: f'"{_camel(items)}"'.encode() for signal, (_, items) in NAMES.items()}
