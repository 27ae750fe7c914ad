"""Redaction: what is hidden, what is not, and the way back. Keys are put together here: none stands in the file."""

import time

import pytest
from helpers import quick
from hypothesis import given
from hypothesis import strategies as st

from labels.redaction import Redacted, Redactor, redact

LONG = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + LONG[:36]
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTYifQ." + LONG
KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n" + LONG + "==\n-----END RSA " + "PRIVATE KEY-----"


def kinds(text: str) -> list[str]:
    return [cut.kind for cut in redact(text).cuts]


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        (f"export AWS_ACCESS_KEY_ID={AWS}", AWS, "aws-key"),
        (f"{AWS},{LONG}", LONG, "aws-secret"),
        ("key=" + "AIza" + LONG[:35], "AIza" + LONG[:35], "google-key"),
        (f"git clone https://x-access-token:{GITHUB}@github.com/a/b", GITHUB, "github-token"),
        ("glpat-" + LONG[:20], "glpat-" + LONG[:20], "gitlab-token"),
        ("xoxb-" + LONG, "xoxb-" + LONG, "slack-token"),
        ("https://hooks.slack.com/services/T00/B00/" + LONG[:24], LONG[:24], "slack-webhook"),
        ("sk-ant-api03-" + LONG, "sk-ant-api03-" + LONG, "anthropic-key"),
        ("sk-proj-" + LONG, "sk-proj-" + LONG, "api-key"),
        ("sk_live_" + LONG[:24], "sk_live_" + LONG[:24], "stripe-key"),
        ("hf_" + "abcdefghij" * 3 + "abcd", "hf_abcdefghij", "huggingface-token"),
        ("hvs." + LONG, "hvs." + LONG, "vault-token"),
        (f"cookie is {JWT} now", JWT, "jwt"),
        (f"Authorization: Bearer {LONG}", LONG, "token"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz", "token"),
        (f"curl -H 'bearer {LONG}'", LONG, "token"),
        ("Set-Cookie: sid=abc123def; Path=/", "sid=abc123def", "cookie"),
        (KEY, "MIIEow", "private-key"),
        (KEY.split("-----END")[0], LONG, "private-key"),
        (KEY.replace("\n", "\\n"), LONG, "private-key"),
        ("postgres://admin:p@ss/w@db/app", "p@ss", "password"),
        ("redis://:hunter2@cache:6379/0", "hunter2", "password"),
        ("PGPASSWORD=letmein psql", "letmein", "password"),
        ('password = "correct horse"', "correct horse", "password"),
        ('{"password": "it\'s \\"fine\\" !"}', "fine", "password"),
        ('{\\"db_password\\": \\"hunter2\\"}', "hunter2", "password"),
        ("db:\n  password: hunter\n  user: x", "hunter", "password"),
        ("Password=%abc123!;Database=y", "%abc123!", "password"),
        ("?user=x&password=abc2&page=3", "abc2", "password"),
        ("deploy --db-password s3same --dry-run", "s3same", "password"),
        ("mysql -u root -pTopSecret1 shop", "TopSecret1", "password"),
        ("sshpass -p 'x1 y' ssh h", "x1", "password"),
        ("curl -u bob:pa55 https://h", "pa55", "password"),
        ('The password is "open sesame".', "open sesame", "password"),
        ("aws_secret_access_key: " + LONG, LONG, "secret"),
        ("API-Key: " + LONG, LONG, "token"),
        ("client_secret='shh-1'", "shh-1", "secret"),
        ("AccountKey=" + LONG * 2 + "==;End", LONG, "azure-key"),
        ("mail to ann.lee+x@mail.example.com!", "ann.lee+x@mail.example.com", "email"),
        ("schreib an jörg@bücher.de", "jörg@bücher.de", "email"),
        ("call +49 (0)30 1234567", "1234567", "phone"),
        ("call 415-555-0132", "415-555-0132", "phone"),
        ("card 4111 1111 1111 1111", "4111 1111 1111 1111", "card"),
        ("IBAN DE89 3704 0044 0532 0130 00", "3704 0044", "iban"),
        ("ssn 123-45-6789", "123-45-6789", "ssn"),
    ],
)
def test_found(text: str, secret: str, kind: str) -> None:
    assert secret in text
    hidden = redact(text)
    assert secret not in hidden.text
    assert kind in hidden.counts, hidden.text
    assert f":{kind}:1]" in hidden.text


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 4096, token_count=123456789012",
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased-12')",
        "password = user_input",
        "login(user=u, password=password)",
        "connect(password=cfg.password, token=os.environ['TOKEN_1234567890'])",
        "Authorization: $TOKEN",
        'password: "${DB_PASSWORD}"',
        "<password>",
        "Password: see the wiki page",
        "the password is required",
        "api_key: <your key here>",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "git@github.com:team/repo.git",
        "npm install left-pad@1.3.0",
        "@app.route('/x')",
        "time 2024-01-02T03:04:05+02:00",
        "id 1700000000000000 took 1234567890123456 ns",
        "+++ b/file.py\n+12 lines\n-3 lines",
        "10.0.0.1:8080 -> 192.168.0.12:443",
        "https://example.com:8080/a@b",
        "secretName: my-app-tls",
        "kubectl get secret checkout-tls -o yaml",
        "bearer of bad news: unauthorized",
        "public key: -----BEGIN PUBLIC KEY-----",
        "",
    ],
)
def test_left_alone(text: str) -> None:
    assert redact(text) == Redacted(text)


def test_equal_values_have_equal_numbers_and_a_run_has_one_count() -> None:
    redactor = Redactor()
    texts = ["ann@a.org then bob@b.org", "bob@b.org", f"k={AWS}"]
    redactor.learn(texts)
    assert [redactor.redact(text).text for text in texts] == [
        "[PERSONAL:email:1] then [PERSONAL:email:2]",
        "[PERSONAL:email:2]",
        "k=[SECRET:aws-key:1]",
    ]


def test_a_password_is_hidden_before_and_after_the_place_that_calls_it_one() -> None:
    redactor = Redactor()
    texts = ["trying tr0ub4dor now", "password: tr0ub4dor", "echo 'tr0ub4dor' | login xtr0ub4dory"]
    redactor.learn(texts)
    assert all("tr0ub4dor" not in redactor.redact(text).text for text in texts)


def test_ordinary_words_are_not_hidden_elsewhere_because_somebody_used_one_as_a_password() -> None:
    redactor = Redactor()
    texts = ["password=letters", "the letters are here"]
    redactor.learn(texts)
    assert redactor.redact(texts[1]).text == texts[1]


def test_many_passwords_are_looked_for_in_one_walk() -> None:
    redactor = Redactor()
    secrets = [f"abc{number:06d}x" for number in range(5000)]
    redactor.learn("".join(f"password={secret}\n" for secret in secrets).splitlines(True))
    begun = time.perf_counter()
    text = redactor.redact(" ".join(secrets)).text
    assert time.perf_counter() - begun < 5
    assert not any(secret in text for secret in secrets)


def test_overlapping_finds_leave_nothing_of_either() -> None:
    text = f"password=abc,{AWS} and more"
    assert AWS not in redact(text).text
    assert "abc" not in redact(text).text


def test_positions_map_both_ways() -> None:
    text = f"one {AWS} two ann@a.org three"
    hidden = redact(text)
    assert hidden.text == "one [SECRET:aws-key:1] two [PERSONAL:email:1] three"
    for word in ("one", "two", "three"):
        at = hidden.text.index(word)
        start, end = hidden.to_original(at, at + len(word))
        assert text[start:end] == word
        assert hidden.from_original(start, end) == (at, at + len(word))
    inside = hidden.text.index("aws-key")
    start, end = hidden.to_original(inside, inside + 3)
    assert text[start:end] == AWS
    at = text.index("FODNN")
    start, end = hidden.from_original(at, at + 5)
    assert hidden.text[start:end] == "[SECRET:aws-key:1]"
    start, end = hidden.to_original(0, len(hidden.text))
    assert (start, end) == (0, len(text))


WORDS = st.sampled_from([AWS, GITHUB, "ann@a.org", "password=hunter2", "İ", "e\u0301", "\x00", "\n", "\u202e", "text"])


@quick(200)
@given(st.lists(WORDS | st.text(max_size=8), max_size=12))
def test_whatever_stands_around_it_the_way_back_holds(words: list[str]) -> None:
    text = " ".join(words)
    hidden = redact(text)
    assert AWS not in hidden.text
    position = 0
    for cut in hidden.cuts:
        assert hidden.text[position : cut.at] == text[slice(*hidden.to_original(position, cut.at))]
        position = cut.at + len(cut.placeholder)
        assert hidden.to_original(cut.at, position) == (cut.start, cut.end)
        assert hidden.from_original(cut.start, cut.end) == (cut.at, position)
    assert hidden.text[position:] == text[slice(*hidden.to_original(position, len(hidden.text)))]


@pytest.mark.parametrize(
    "text",
    [
        "password" * 40_000,
        "mysql " * 50_000,
        "a" * 400_000,
        "@" * 400_000,
        "eyJ" * 100_000,
        "password='" * 40_000,
        "password=abc12345\n" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 15_000,
        "4111 1111 " * 40_000,
        "x@a." * 100_000,
        "://a:" * 80_000,
    ],
    ids=range(11),
)
def test_hostile_text_costs_time_in_proportion(text: str) -> None:
    """400,000 characters in well under what a quadratic rule would need (minutes)."""
    begun = time.perf_counter()
    redact(text)
    assert time.perf_counter() - begun < 10
