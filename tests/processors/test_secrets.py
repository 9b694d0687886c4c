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
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [REDACTED:secret]"),
    ("aws_secret_access_key: wJalrXUtnFEMIxKMDENG", "aws_secret_access_key: [REDACTED:secret]"),
    ("password = hunter2hunter2", "password = [REDACTED:secret]"),
    ("passwd: hunter2, x", "passwd: [REDACTED:password], x"),
    ("password: correct\nuser: me", "password: [REDACTED:password]\nuser: me"),
    ("client_secret: abc123def456", "client_secret: [REDACTED:secret]"),
    ("ANTHROPIC_AUTH_TOKEN: abcdefabcdef1234", "ANTHROPIC_AUTH_TOKEN: [REDACTED:secret]"),
    ("a: 1\nsecret: abcdef0123456789\nb: 2", "a: 1\nsecret: [REDACTED:secret]\nb: 2"),
    ("token: 9f8e7d6c5b4a39281706,", "token: [REDACTED:secret],"),
    ("DB_PASS=hunter2secret", "DB_PASS=[REDACTED:secret]"),
    ("MYSQL_PASS='hunter2'", "MYSQL_PASS='[REDACTED:secret]'"),
    ('"password": "$ecret12345"', '"password": "[REDACTED:secret]"'),
    ('"password":"{abc}def", "b": 1', '"password":"[REDACTED:secret]", "b": 1'),
    (r'{"password":"ab\"cdSECRET", "b": "c"}', '{"password":"[REDACTED:secret]", "b": "c"}'),
    (r'{"password":"ab\\"cdSECRET99"}', '{"password":"[REDACTED:secret]"}'),
    (r'{"password":"it\'s\na", "b": "c"}', '{"password":"[REDACTED:secret]", "b": "c"}'),
    (
        r"{\"password\":\"ab\\\"cd\", \"b\": \"c\"}",
        r"{\"password\":\"[REDACTED:secret]\", \"b\": \"c\"}",
    ),
    ("Cookie: session=abcdef0123", "Cookie: [REDACTED:cookie]"),
    ("-H 'Set-Cookie: sid=s%3Aabcdef; Path=/' x", "-H 'Set-Cookie: [REDACTED:cookie]' x"),
    ("curl -s -u admin:S3cretPw! https://x", "curl -s -u admin:[REDACTED:password] https://x"),
    (
        "curl -u a:hunter2 --proxy-user 'b:hunter3' x",
        "curl -u a:[REDACTED:password] --proxy-user 'b:[REDACTED:password]' x",
    ),
    ("sshpass -p hunter2 ssh host", "sshpass -p [REDACTED:password] ssh host"),
    ("mysql -u root -pS3cretPw db", "mysql -u root -p[REDACTED:password] db"),
    ("https://user:p@ss@host/x", "https://user:[REDACTED:url-password]@host/x"),
    ("glsa_" + "a1" * 16 + "_0123abcd", "[REDACTED:grafana-token]"),
    ("hvs." + "CAESIJ" * 5, "[REDACTED:vault-token]"),
    ("shpat_" + "0123456789abcdef" * 2, "[REDACTED:shopify-token]"),
    ("lin_api_" + "a1" * 20, "[REDACTED:linear-key]"),
    ("dckr_pat_" + "a1" * 13, "[REDACTED:docker-token]"),
    ("ATATT3xFfGF0" + "a1" * 13, "[REDACTED:atlassian-token]"),
    ("NRAK-" + "AB1" * 9, "[REDACTED:newrelic-key]"),
    ("tvly-" + "a1" * 13, "[REDACTED:tavily-key]"),
    ("r8_" + "a1" * 18, "[REDACTED:replicate-token]"),
    ("npm_" + "a1" * 18, "[REDACTED:npm-token]"),
    ("pypi-" + "a1" * 30, "[REDACTED:pypi-token]"),
    ("hf_" + "a1" * 17, "[REDACTED:huggingface-token]"),
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
    "the token: a9 word",
    "token: CancellationToken, secret: Uint8Array, password: Optional[str]",
    "def f(password: bytes = None, token: int64)",
    "token = config.tokens2024.first(1)",
    "token: https://host1.example/a2",
    "total_token: 12345678",
    "secret: /run/secrets/token_2024_01",
    'self.password = "$DB_PASSWORD1"',
    '"password": "${PASSWORD_1}"',
    '"password": "{password}"',
    "pass=1234 fail=0, bypass=true",
    "docker run -u 1000:1000 -p 8080:80 mysql",
    "the cookie: a = b",
    "as in `sshpass -p`, `mysql -p` and `password=`, or `curl -u`",
    "git clone https://host:8080/a b@c",
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
