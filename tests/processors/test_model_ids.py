"""Check that each dressed form of a model id leads to the bare one."""

import pytest

from agentpond.pipeline.pricing.model_ids import candidates, host


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("claude-opus-5", ("claude-opus-5",)),
        ("claude-opus-5[1m]", ("claude-opus-5[1m]", "claude-opus-5")),
        (
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            (
                "us.anthropic.claude-opus-4-5-20251101-v1:0",
                "anthropic.claude-opus-4-5-20251101-v1:0",
                "claude-opus-4-5-20251101-v1:0",
                "claude-opus-4-5-20251101",
                "claude-opus-4-5",
            ),
        ),
        ("claude-sonnet-4-5@20250929", ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5")),
        ("models/gemini-4-argon", ("models/gemini-4-argon", "gemini-4-argon")),
        (
            "openrouter/anthropic/claude-opus-5",
            ("openrouter/anthropic/claude-opus-5", "claude-opus-5"),
        ),
        ("GPT-5.5-2026-04-23 ", ("gpt-5.5-2026-04-23", "gpt-5.5")),
        ("someone/claude-opus-5", ("someone/claude-opus-5",)),
        ("", ()),
        ("[1m]", ("[1m]",)),
    ],
)
def test_dress_comes_off_from_the_outside_in(model: str, names: tuple[str, ...]) -> None:
    found = candidates(model)

    assert found == names


@pytest.mark.parametrize("region", ["us", "us-gov", "eu", "apac", "jp", "au", "global"])
def test_a_routing_prefix_comes_off(region: str) -> None:
    found = candidates(f"{region}.anthropic.claude-opus-5-v1:0")

    assert found[-1] == "claude-opus-5"


def test_an_arn_leads_to_the_model_it_ends_with() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5-v1:0"

    found = candidates(arn)

    assert found[-1] == "claude-opus-5"


@pytest.mark.parametrize(
    ("model", "cloud"),
    [
        ("us.anthropic.claude-opus-5", "aws"),
        ("anthropic.claude-opus-5-v1:0", "aws"),
        ("bedrock/anthropic.claude-opus-5", "aws"),
        ("claude-opus-5", None),
        ("anthropic/claude-opus-5", None),
    ],
)
def test_the_form_of_an_id_tells_the_cloud(model: str, cloud: str | None) -> None:
    found = host(model)

    assert found == cloud
