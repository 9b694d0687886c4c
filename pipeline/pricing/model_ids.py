"""Turn a model id as sent into the ids under which a price may be known.

Gateways and clouds dress the maker's id: `us.anthropic.claude-opus-4-5-20251101-v1:0`,
`claude-opus-5[1m]`, `claude-sonnet-4-5@20250929`, `openrouter/anthropic/claude-opus-5`.
"""

import re
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of dress, from the outside in."""

    name: str
    pattern: re.Pattern[str]


_LAYERS = (
    _Layer("context suffix", re.compile(r"\[[^\]]*\]$")),
    _Layer("Bedrock ARN", re.compile(r"^arn:[^/]*/")),
    _Layer("routing prefix", re.compile(r"^(?:us-gov|us|eu|apac|jp|au|global)\.")),
    _Layer(
        "maker's or router's path",
        re.compile(
            r"^(?:(?:publishers/[^/]+/models|models|openrouter|litellm|bedrock|vertex_ai|vertex"
            r"|azure|anthropic|openai|google|mistralai|x-ai|deepseek|z-ai|zai|moonshotai|qwen)/)+"
        ),
    ),
    # A path may lead to an id that has a routing prefix of its own: bedrock/us.anthropic. ...
    _Layer("routing prefix", re.compile(r"^(?:us-gov|us|eu|apac|jp|au|global)\.")),
    _Layer("maker's prefix", re.compile(r"^(?:anthropic|openai)\.")),
    _Layer("Bedrock version", re.compile(r"-v\d+(?::\d+)*(?::\d+k)?$")),
    _Layer("Vertex version", re.compile(r"@[\w-]+$")),
    _Layer("date", re.compile(r"-20\d{2}-?\d{2}-?\d{2}$")),
)

_BEDROCK = re.compile(r"^(?:bedrock/|arn:)|(?:^|[./])(?:anthropic|openai)\.")


def candidates(model: str) -> tuple[str, ...]:
    """Give the ids to look up, from the one as sent to the barest, without repeats."""
    found = [model.strip().lower()]
    for layer in _LAYERS:
        bare = layer.pattern.sub("", found[-1])
        if bare and bare != found[-1]:
            found.append(bare)
    return tuple(name for name in found if name)


def bare_models(models: pa.StringArray) -> pa.StringArray:
    """Give each model's barest id, by which all dressed forms of it are one."""
    coded = models.dictionary_encode()
    bare = [(candidates(str(each)) or ("",))[-1] for each in coded.dictionary]
    return pa.array(bare, pa.string()).take(coded.indices)


def host(model: str) -> str | None:
    """Name the cloud that an id's form belongs to (`aws`); None if it does not tell.

    Bedrock's regional endpoints cost a tenth more than the maker's own list, so the form of
    the id is part of the price.
    """
    return "aws" if _BEDROCK.search(model.strip().lower()) else None
