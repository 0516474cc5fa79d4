"""An address has one meaning: equal spellings are one value, odd ones are refused, and nothing secret is shown."""

import ast
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.transport import transport
from reconciler.origin import BadAddress, LocalSandbox, Origin, SourceUrl, endpoint, masked, masked_line

ROOT = Path(__file__).parents[2]
EQUAL = {
    "https://api.example": [
        "https://api.example/", "HTTPS://api.example", "hTTps://API.Example", "https://api.example:443",
        "https://api.example:443/", "https://api.example:00443//",
    ],
    "https://api.example:8443/v/mics": ["HTTPS://API.EXAMPLE:8443/v/mics/"],
    "http://localhost:8089": [
        "http://127.0.0.1:8089", "HTTP://LocalHost:8089/", "http://[::1]:8089", "http://[0:0:0:0:0:0:0:1]:8089",
        "http://127.0.0.9:8089",
    ],
    "http://localhost": ["http://localhost:80", "http://127.0.0.1/"],
    "https://[2001:db8::1]": ["https://[2001:DB8:0::1]:443/"],
    "https://192.0.2.7:8443": ["https://192.0.2.7:8443/"],
}  # fmt: skip
REFUSED = [
    "", "nonsense", "api.example", "//api.example", "https:api.example", "https://", "https:///x", "https://:443",
    "ftp://api.example", "file:///etc/passwd", "http://api.example", "HTTP://api.example", "http://0.0.0.0",
    "http://127.evil.example", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://localhost.",
    "http://notlocalhost", "http://2130706433", "http://0x7f.1", "http://127.1", "http://0127.0.0.1", "https://1.2.3",
    "http://[::ffff:127.0.0.1]", "http://[::1%25lo]", "http://[::2]", "https://[127.0.0.1]", "https://[zz]",
    "https://user@api.example", "https://user:secret@api.example", "https://@api.example", "http://user@localhost",
    "https://evil.example\\@api.example", "https://api.example\\x", "https://api.example?x=secret",
    "https://api.example#secret", "https://api.example/?", "https://api.example/a/../b", "https://api.example/./a",
    "https://api.example/%61", "https://api.example/a//b", "https://api.example/a b", "https://api..example",
    "https://-api.example", "https://api.example-", "https://.api.example", "https://api.example.", "https://bücher.example",
    "https://api\u3002example", "https://ⓐpi.example", "https://api.example:0", "https://api.example:65536",
    "https://api.example:x", "https://api.example:443:443", "https://api.example:", " https://api.example",
    "https://api.example\n", "https://api .example", "https://api\t.example", "https://\uff21pi.example",
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"), [(o, s) for o, spellings in EQUAL.items() for s in (o, *spellings)]
)
def test_equal_spellings_have_one_name(one: str, other: str) -> None:
    assert str(Origin.parse(other)) == one
    assert str(endpoint(other)) == one


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_address_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadAddress) as caught:
        Origin.parse(text)
    assert "secret" not in f"{caught.value} {caught.value.help}"


def test_different_servers_have_different_names() -> None:
    texts = (
        *EQUAL,
        "https://api.example:80",
        "https://localhost",
        "https://api.example/v",
        "https://api2.example",
    )
    assert len({str(Origin.parse(t)) for t in texts}) == len(texts)


def test_the_sandbox_is_a_value_of_its_own() -> None:
    assert endpoint("sandbox:") == LocalSandbox()
    for near in ("Sandbox:", "sandbox", "sandbox://", "sandbox:x"):
        with pytest.raises(BadAddress):
            endpoint(near)


HOSTS = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9-]{0,8}[A-Za-z0-9_])?(\.[A-Za-z]{2,5}){0,2}", fullmatch=True)


@given(
    st.sampled_from(["http", "https", "HTTPS", "Http"]),
    HOSTS | st.ip_addresses().map(str),
    st.integers(0, 70000),
)
def test_every_value_is_safe_and_its_name_says_the_same(scheme: str, host: str, port: int) -> None:
    written = f"[{host}]" if ":" in host else host
    try:
        found = Origin.parse(f"{scheme}://{written}:{port}/")
    except BadAddress:
        return
    assert found.scheme == "https" or found.loopback
    assert Origin.parse(str(found)) == Origin.parse(str(Origin.parse(str(found))))
    assert str(Origin.parse(found.url)) == str(found)
    assert Origin.parse(found.url) == found


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for read in (Origin.parse, SourceUrl.parse, endpoint):
        for words in (text, f"https://{text}", f"http://localhost{text}"):
            with contextlib.suppress(BadAddress):
                assert str(read(words))


@pytest.mark.parametrize("url", list(EQUAL))
def test_certificates_are_always_checked(url: str) -> None:
    made = transport(Origin.parse(url))
    context = made._pool._ssl_context
    assert context is not None
    assert (context.check_hostname, context.verify_mode.name) == (True, "CERT_REQUIRED")
    made.close()


def test_nothing_in_the_program_can_switch_certificate_checks_off() -> None:
    words = ("CERT_NONE", "check_hostname", "_create_unverified_context", "allow_invalid", "InsecureRequest")
    for path in (ROOT / "reconciler").rglob("*.py"):
        text = path.read_text()
        assert not [w for w in words if w in text], path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.keyword) and node.arg == "verify" and "httpx" in text:
                assert path.name == "transport.py", path
                assert not [
                    n
                    for n in ast.walk(node.value)
                    if isinstance(n, ast.Constant) and n.value in (False, None)
                ]


SOURCES = {
    "s3://bucket/data-?.csv": ("s3://bucket", "data-?.csv"),
    "S3://bucket/a/*.csv": ("s3://bucket", "a/*.csv"),
    "gs://b_1/x/ü#1.csv": ("gs://b_1", "x/ü#1.csv"),
    "https://Host:443/a%20b.csv": ("https://host", "a%20b.csv"),
    "http://127.0.0.1:9/x": ("http://127.0.0.1:9", "x"),
}
NO_SOURCES = [
    "ftp://host/x", "s3:///key", "s3://key:secret@bucket/x", "https://secret@host/x", "https://host/x?sig=secret",
    "https://host/x#secret", "http://host/x", "http://127.evil.example/x", "http://localhost.evil.example/x",
    "http://127.0.0.1@evil.example/x", "file:///x",
]  # fmt: skip


@pytest.mark.parametrize("url", SOURCES)
def test_urls_of_sources_are_read_by_the_same_rules(url: str) -> None:
    assert SourceUrl.parse(url)[:2] == SOURCES[url]


@pytest.mark.parametrize("url", NO_SOURCES)
def test_urls_that_are_no_sources_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(BadAddress) as caught:
        SourceUrl.parse(url)
    assert "secret" not in f"{caught.value} {caught.value.help}"


ACCOUNTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\"<>"), min_size=1).map(
    lambda t: f"s3cr3t{t}s3cr3t"
)


@given(ACCOUNTS, st.sampled_from(["postgresql", "https", "s3", "mysql+pymysql", "HTTP"]))
def test_a_masked_url_shows_no_account_and_no_query(secret: str, scheme: str) -> None:
    for url in (
        f"{scheme}://u:{secret}@host/db",
        f"{scheme}://{secret}@host/db",
        f"{scheme}://host/db?password={secret}",
    ):
        assert "s3cr3t" not in masked(f"cannot open {url}: refused")
        assert "s3cr3t" not in masked_line(f'  - "{url}"  # comment')
    assert "s3cr3t" not in masked_line(f"url: {scheme}://u:with {secret} blanks@host")


def test_an_address_without_secrets_is_shown_as_it_is() -> None:
    for text in (
        "s3://bucket/data-?.csv",
        "https://host:8443/x.csv",
        "no address: a@b?c",
        "postgresql://host/db",
    ):
        assert masked(text) == text
