"""Show decoded messages as columns: the one face that protobuf and JSON bodies share."""

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[np.int64]


class Node(Protocol):
    """Many messages of one type, column by column.

    A message that is absent shows the defaults of its scalar fields and no children.
    """

    def __len__(self) -> int:
        """Count the messages."""

    def column(self, name: str) -> pa.Array:
        """Give a scalar field of each message; null only for an absent ``optional``/``oneof``."""

    def numbers(self, name: str) -> pa.Array:
        """Give a repeated scalar field as lists."""

    def child(self, name: str) -> Self:
        """Give a singular message field of each message."""

    def told(self, name: str) -> Rows:
        """Give the rows in which a singular message field is present."""

    def children(self, name: str) -> tuple[Rows, Self]:
        """Give a repeated message field end to end, and the row each one belongs to."""

    def attributes(self) -> tuple[Rows, Rows, Self]:
        """Give the repeated field ``attributes`` with each different attribute once.

        Returns for each attribute the row it belongs to, ascending, and which of the
        different ones it is; and the different ones as KeyValue messages.
        """

    def values(self, name: str) -> tuple[pa.Array, Self]:
        """Give a singular AnyValue field with each different value once.

        Returns for each message which of the different values it has (null if it has none),
        and the different values.
        """

    def hex_id(self, name: str, size: int) -> pa.Array:
        """Give an id of ``size`` bytes in lower-case hex; null if it is absent or invalid."""

    def nested(self, name: str) -> tuple[Rows, Rows, Self]:
        """Give the ``values`` of an AnyValue's array or kvlist.

        Returns the rows that hold one, for each value which of those rows it belongs to
        (counted within them), and the values.
        """
