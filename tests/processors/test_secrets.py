"""Check which texts are masked, which are not, and that masking twice is masking once."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as law
from hypothesis import strategies as st

from agentpond.pipeline.core.columns import entries
from agentpond.pipeline.core.schema import MAP
from agentpond.pipeline.privacy.secrets import HINT, RULES, mask, mask_named, suspected

# The machines are busy: how long an example takes is not what is tested.
PATIENT = law(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRET = [
    ("my sk-ant-api03-abcdefgh123 key", "my [REDACTED:anthropic-key] key"),
    (r'{"c":"x\nsk-proj-abcdefghijklmnopqrst"}', r'{"c":"x\n[REDACTED:openai-key]"}'),
    ("AKIAIOSFODNN7EXAMPLE", "[REDACTED:aws-access-key]"),
    ("ghp_" + "a" * 36, "[REDACTED:github-token]"),
    ("github_pat_" + "b1" * 20, "[REDACTED:github-token]"),
    ("glpat-" + "c" * 20, "[REDACTED:gitlab-token]"),
    ("xoxb-123456789012-abcdef", "[REDACTED:slack-token]"),
    ("AIza" + "d" * 35, "[REDACTED:google-key]"),
    ("sk_live_" + "e" * 24, "[REDACTED:stripe-key]"),
    (
        "a-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----z",
        "a[REDACTED:private-key]z",
    ),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\ncut off", "[REDACTED:private-key]"),
    ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-f;", "t=[REDACTED:jwt];"),
    (
        "-H 'Authorization: Bearer test-token-123' x",
        "-H 'Authorization: Bearer [REDACTED:authorization]' x",
    ),
    ("authorization: Basic dXNlcjpwYXNz==", "authorization: Basic [REDACTED:authorization]"),
    ("x-api-key: abcdef123456", "x-api-key: [REDACTED:secret]"),
    ("postgres://bob:hunter2@db/x", "postgres://bob:[REDACTED:url-password]@db/x"),
    ("export DB_PASSWORD=hunter2; ls", "export DB_PASSWORD=[REDACTED:secret]; ls"),
    ("password=abc", "password=[REDACTED:password]"),
    ("AWS_SECRET_ACCESS_KEY=wJalr/K7MDENG", "AWS_SECRET_ACCESS_KEY=[REDACTED:secret]"),
    ("GITHUB_TOKEN='abc'", "GITHUB_TOKEN='[REDACTED:secret]'"),
    ('{"password": "hunter two", "a": 1}', '{"password": "[REDACTED:secret]", "a": 1}'),
    (r"{\"api_key\":\"abc123456\"}", r"{\"api_key\":\"[REDACTED:secret]\"}"),
    ("curl -s --token abcdef1234 x", "curl -s --token [REDACTED:secret] x"),
    ("https://x.y?api_key=zzzz1234&b=2", "https://x.y?api_key=[REDACTED:secret]&b=2"),
]

HARMLESS = [
    "task-force-of-something-long-here",
    "input_tokens=1234 max_tokens=4096",
    "Authorization: Bearer $TOKEN",
    "export TOKEN=$(cat token)",
    "def f(token: str, api_key: str = None)",
    "git clone https://user@host/x.git",
    "primary_key=12345 cache_key: value1",
    "the secret: be kind",
    "<REDACTED>",
]


@pytest.mark.parametrize(("text", "masked"), SECRET)
def test_a_secret_is_replaced_by_the_name_of_its_kind(text: str, masked: str) -> None:
    texts = pa.array(["nothing here", text, None])

    done = mask(texts)

    assert done.to_pylist() == ["nothing here", masked, None]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_only_looks_like_a_secret_stays(text: str) -> None:
    texts = pa.array([text])

    done = mask(texts)

    assert done.to_pylist() == [text]


@pytest.mark.parametrize("text", [text for text, _ in SECRET])
def test_every_secret_holds_a_hint_even_without_a_gap_before_it(text: str) -> None:
    columns = [pa.array(["harmless"]), pa.array(["abc", text, "xyz"]).slice(0, 2)]

    found = suspected(columns)

    assert found == [False, True]


def test_a_secret_outside_of_the_slice_is_not_suspected() -> None:
    column = pa.array(["password=x", "harmless", "password=y"]).slice(1, 1)

    found = suspected([column])

    assert found == [False]


@PATIENT
@given(st.lists(st.sampled_from([text for text, _ in SECRET] + HARMLESS + [" ", "=", '"', "x"])))
def test_masking_twice_is_masking_once(parts: list[str]) -> None:
    texts = pa.array(["".join(parts), " ".join(parts), "\n".join(parts)])

    once = mask(texts)

    assert mask(once).to_pylist() == once.to_pylist()


@PATIENT
@given(st.lists(st.sampled_from([text for text, _ in SECRET] + HARMLESS), max_size=4))
def test_texts_passed_over_for_want_of_a_hint_hold_no_secret(parts: list[str]) -> None:
    texts = pa.array([" ".join(parts)])

    thorough = mask(texts, RULES, hint=None)

    assert mask(texts, RULES, HINT).to_pylist() == thorough.to_pylist()


def test_a_value_is_masked_because_of_its_key() -> None:
    told = entries(
        pa.array(
            [
                [("db.password", "hush"), ("authorization", "abc"), ("X-Api-Key", "k")],
                [("token_count", "5"), ("auth.api_key_present", "true"), ("secret", "false")],
            ],
            MAP,
        )
    )

    values = mask_named(told)

    assert values.to_pylist() == [*["[REDACTED:secret]"] * 3, "5", "true", "false"]
