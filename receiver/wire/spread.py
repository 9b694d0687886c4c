"""Refuse requests whose rows would be far larger than the request.

What is told once for many items (a resource, a scope, a metric's name) stands in the row of each
of them, so that a kilobyte of gzip could become gigabytes of rows.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...pipeline.core.errors import Permanent
from .node import Rows
from .records import Attributes

# Exporters send some hundred items a request (the SDKs' default is 512).
MOST_ITEMS = 262_144
MOST_SPREAD_BYTES = 256 << 20

Sizes = npt.NDArray[np.float64]


def attribute_bytes(attributes: Attributes, owners: int) -> Sizes:
    """Say how many bytes of text each owner's attributes hold."""
    pairs = attributes.pairs
    sizes = np.zeros(pairs.num_rows)
    for name in ("key", "string", "json"):
        sizes += text_bytes(pairs.column(name))
    summed = np.bincount(attributes.owner, sizes[attributes.pair], minlength=owners)
    return summed.astype(np.float64)


def text_bytes(texts: pa.Array) -> Sizes:
    """Say how many bytes each text holds."""
    sizes: Sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy().astype(np.float64)
    return sizes


def check_count(request: Rows, requests: int) -> None:
    """Check that no request has too many items, before columns are made of them.

    A point of an exponential histogram, two bytes on the wire, takes 600 bytes while it is read.
    ``request`` says for each item which request it is in.

    Raises:
        Permanent: ``too_large``; at least one request has.

    """
    items = int(np.bincount(request, minlength=requests).max(initial=0))
    if items > MOST_ITEMS:
        raise Permanent(
            f"the request has {items} items; at most {MOST_ITEMS} are taken in one. "
            "Send them in several requests.",
            reason="too_large",
        )


def check_spread(request: Rows, shared_bytes: Sizes, requests: int) -> None:
    """Check that no request has too many items, or repeats too much in them.

    ``request`` says for each item which request it is in, ``shared_bytes`` how many bytes of
    what it shares with others will stand in its row.

    Raises:
        Permanent: ``too_large``; at least one request does.

    """
    check_count(request, requests)
    spread = int(np.bincount(request, shared_bytes, minlength=requests).max(initial=0))
    if spread > MOST_SPREAD_BYTES:
        raise Permanent(
            f"resource, scope and metric names would stand in the request's rows with {spread} "
            f"bytes; at most {MOST_SPREAD_BYTES} are taken. Send fewer items in one request, or "
            "shorter resource attributes.",
            reason="too_large",
        )
