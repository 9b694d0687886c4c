"""Put together what is fuzzed: for each target its corpus, its damage and the law it must keep."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from agentpond.pipeline.core.signal import Encoding, Signal
from agentpond.pipeline.engine.frame import encode, seal_of

from ..receiver.wire.reference import OFFICIAL
from . import corpus, damage_json, damage_protobuf, dense, laws, log_laws, shrink
from .damage import damaged, in_place

Damage = Callable[[Sequence[bytes], random.Random], bytes]
Law = Callable[[bytes], None]
Smaller = Callable[[bytes], Iterator[bytes]]

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads bytes, and what must hold whatever they are.

    ``peak_bytes`` is what judging one input may add to the peak of the process's memory,
    besides ``peak_factor`` bytes for each byte of it.
    """

    name: str
    corpus: Callable[[], Sequence[bytes]]
    damage: Damage
    law: Law
    smaller: Smaller = shrink.shorter
    peak_bytes: int = 32 * _MIB
    peak_factor: int = 128


def mutant(target: Target, seed: int, number: int) -> bytes:
    """Give input ``number`` of a seed; every tenth of the first ones is the corpus as it is."""
    sound = _corpus(target)
    dice = random.Random(f"{target.name}:{seed}:{number}")  # noqa: S311 - to repeat, not to hide
    if number % 10 == 0 and number // 10 < len(sound):
        return sound[number // 10]
    return target.damage(sound, dice)


def targets() -> dict[str, Target]:
    """Give all targets by name."""
    found = [
        *(_protobuf(signal) for signal in Signal),
        *(_json(signal) for signal in Signal),
        *(_together(signal, encoding) for encoding in Encoding for signal in Signal),
        *(_telling(encoding) for encoding in Encoding),
        *(_dense(encoding) for encoding in Encoding),
        Target("gzip", corpus.gzipped, _any_damage, laws.gzip_is_inflated_as_zlib_inflates_it),
        Target(
            "log",
            _segments,
            _damaged_segment,
            log_laws.a_damaged_log_gives_what_is_whole_and_goes_on,
            shrink.shorter_behind_first,
        ),
        Target("frames", _frames, _damaged_frames, log_laws.bytes_scan_to_the_end),
    ]
    return {target.name: target for target in found}


@lru_cache(maxsize=64)
def _corpus(target: Target) -> Sequence[bytes]:
    return target.corpus()


def _protobuf(signal: Signal) -> Target:
    return Target(
        f"protobuf-{signal}",
        partial(corpus.bodies, signal, Encoding.PROTOBUF),
        partial(_damaged_protobuf, signal),
        partial(laws.protobuf_is_read_as_the_official_classes_read_it, signal),
        shrink.shorter_protobuf,
    )


def _json(signal: Signal) -> Target:
    return Target(
        f"json-{signal}",
        partial(corpus.bodies, signal, Encoding.JSON),
        _damaged_json,
        partial(laws.json_is_read_as_the_official_classes_read_it, signal),
        shrink.shorter_json,
    )


def _together(signal: Signal, encoding: Encoding) -> Target:
    return Target(
        f"together-{encoding}-{signal}",
        lambda: [join([body]) for body in corpus.bodies(signal, encoding)],
        partial(_several, signal, encoding),
        lambda body: laws.requests_are_judged_together_as_alone(signal, encoding, parted(body)),
        peak_bytes=64 * _MIB,
    )


def _dense(encoding: Encoding) -> Target:
    most = 400_000 if encoding is Encoding.PROTOBUF else 150_000
    return Target(
        f"dense-{encoding}",
        lambda: [dense.body(encoding, shape, 1000) for shape in dense.SHAPES],
        lambda _sound, dice: dense.body(
            encoding, dice.choice(dense.SHAPES), dice.randrange(1000, most)
        ),
        partial(dense.is_decoded_or_refused, encoding),
        # 262,144 points of exponential histograms at 600 bytes each: `receiver/wire/spread.py`.
        peak_bytes=192 * _MIB,
    )


def _telling(encoding: Encoding) -> Target:
    return Target(
        f"tell-{encoding}",
        lambda: [body for signal in Signal for body in corpus.bodies(signal, encoding)],
        _damaged_json if encoding is Encoding.JSON else partial(_damaged_protobuf, Signal.LOGS),
        partial(laws.a_signal_is_told_or_not, encoding),
    )


def join(bodies: Sequence[bytes]) -> bytes:
    """Write several bodies as one input."""
    return b"".join(len(body).to_bytes(4, "little") + body for body in bodies)


def parted(joined: bytes) -> list[bytes]:
    """Read several bodies from one input; what is left over at its end is no body."""
    bodies, at = [], 0
    while at + 4 <= len(joined):
        size = int.from_bytes(joined[at : at + 4], "little")
        bodies.append(joined[at + 4 : at + 4 + size])
        at += 4 + size
    return bodies


def _any_damage(sound: Sequence[bytes], dice: random.Random) -> bytes:
    return damaged(dice.choice(sound), sound, dice)


def _damaged_protobuf(signal: Signal, sound: Sequence[bytes], dice: random.Random) -> bytes:
    body = dice.choice(sound)
    if dice.random() < 0.25:
        return damaged(body, sound, dice)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        body = damage_protobuf.broken(body, OFFICIAL[signal].DESCRIPTOR, sound, dice)
    return body


def _damaged_json(sound: Sequence[bytes], dice: random.Random) -> bytes:
    body = dice.choice(sound)
    if dice.random() < 0.85:
        body = damage_json.broken(body, sound, dice)
    return damaged(body, sound, dice) if dice.random() < 0.25 else body


def _several(
    signal: Signal, encoding: Encoding, joined: Sequence[bytes], dice: random.Random
) -> bytes:
    sound = [parted(one)[0] for one in joined]
    damage = _damaged_json if encoding is Encoding.JSON else partial(_damaged_protobuf, signal)
    count = dice.choice((1, 2, 3, 5))
    return join(
        [damage(sound, dice) if dice.random() < 0.5 else dice.choice(sound) for _ in range(count)]
    )


def _segments() -> list[bytes]:
    return [bytes([at | log_laws.IN_PLACE]) + data for at, (_, data) in enumerate(log_laws.files())]


def _damaged_segment(sound: Sequence[bytes], dice: random.Random) -> bytes:
    one = dice.choice(sound)
    if dice.random() < 0.7:
        return one[:1] + in_place(one[1:], dice)
    which = bytes([one[0] & ~log_laws.IN_PLACE])
    others = [other[1:] for other in sound]
    return which + (dice.choice(others) if dice.random() < 0.02 else damaged(one[1:], others, dice))


def _frames() -> list[bytes]:
    return [b"".join(encode(entry, seal_of(log_laws.LOG_ID))) for entry in log_laws.entries()]


def _damaged_frames(sound: Sequence[bytes], dice: random.Random) -> bytes:
    some = [dice.choice(sound) for _ in range(dice.choice((1, 2, 4)))]
    return damaged(b"".join(some), sound, dice)
