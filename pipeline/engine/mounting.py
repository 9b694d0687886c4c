"""Find the receiver whose rims a host wants to have in a server of its own."""

from collections.abc import Mapping

from ..core.component import Mountable, Receiver
from ..core.errors import Permanent


def mountable(receivers: Mapping[str, Receiver], receiver_id: str | None) -> Mountable:
    """Give the receiver that was named, or the only one. Raises Permanent if there is none."""
    choices = {
        name: receiver for name, receiver in receivers.items() if isinstance(receiver, Mountable)
    }
    if receiver_id is None and len(choices) == 1:
        return next(iter(choices.values()))
    if receiver_id is not None and receiver_id in choices:
        return choices[receiver_id]
    asked = "no receiver was named" if receiver_id is None else f"not {receiver_id!r}"
    raise Permanent(
        f"a receiver to mount: {asked}. Name one of: {', '.join(sorted(choices)) or 'none'}.",
        reason="not_mountable",
    )
