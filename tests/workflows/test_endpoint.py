"""The token goes where the endpoint says and nowhere else, however it is spelt; equal spellings are one platform."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


class SelfSigned:
    """A TLS server that nobody vouches for; keeps what reached it once the connection was encrypted."""

    def __init__(self, folder: Path) -> None:
        self.received = b""
        self.connections = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(_certificate(folder))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            try:
                with self._context.wrap_socket(connection, server_side=True) as inside:
                    self.received += inside.recv(65536)
            except OSError:
                connection.close()

    def close(self) -> None:
        self._listener.close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin, end = (datetime.datetime(y, 1, 1, tzinfo=datetime.UTC) for y in (2020, 2100))
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(end)
        .add_extension(names, critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[SelfSigned]:
    made = SelfSigned(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("spelt", ["https://localhost:{}", "HTTPS://localhost:{}", "HttpS://127.0.0.1:{}/"])
def test_no_spelling_of_https_trusts_a_certificate_that_nobody_vouches_for(
    spelt: str, workspace: Workspace, self_signed: SelfSigned
) -> None:
    done = workspace.run("plan", "--endpoint", spelt.format(self_signed.port))
    assert done.code == 1, done
    assert (self_signed.connections > 0, self_signed.received) == (True, b"")


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.evil.example", "https://me:s3cr3t@api.example", "https://s3cr3t@api.example", "https://api.example?s3cr3t"],
)  # fmt: skip
@pytest.mark.parametrize("given", ["flag", "variable", "workspace"])
def test_an_endpoint_that_is_no_plain_address_is_refused_and_not_shown(
    endpoint: str, given: str, workspace: Workspace
) -> None:
    environment = {"RECONCILER_ENDPOINT": endpoint} if given == "variable" else {}
    if given == "workspace":
        path = workspace.root / "reconciler.yaml"
        path.write_text(
            path.read_text().replace("settle:", f"environments: {{x: {{endpoint: '{endpoint}'}}}}\n  settle:")
        )
    for words in (["plan"], ["runs"], ["validate"]):
        flag = ["--endpoint", endpoint] if given == "flag" and words[0] != "validate" else []
        done = workspace.run(*words, *flag, **environment)
        if words != ["validate"] or given == "workspace":
            assert done.code in (1, 64), done
            assert "s3cr3t" not in repr(done)


def test_equal_spellings_are_one_platform_in_ledger_and_plan(
    workspace: Workspace, emulator: Emulator
) -> None:
    port = emulator.url.rpartition(":")[2]
    plan = str(workspace.root / "plan.json")
    assert workspace.run("plan", "--out", plan, "--endpoint", f"HTTP://127.0.0.1:{port}/").code == 0
    assert workspace.run("apply", plan, "--endpoint", f"http://localhost:{port}").code == 0
    listed = workspace.run("runs", "-o", "json", "--endpoint", f"http://LOCALHOST:{port}/").out
    assert '"state": "succeeded"' in listed


@pytest.mark.parametrize("token", [" s3cr3t", "s3cr3t ", "s3cr3t\t", "\u00a0s3cr3t"])
def test_a_token_with_blanks_around_it_is_refused_before_any_request_and_not_shown(
    token: str, workspace: Workspace
) -> None:
    for words in (["plan", "-o", "json"], ["apply", "--auto-approve"], ["drift"]):
        done = workspace.run(*words, RECONCILER_TOKEN=token)
        assert done.code == 1, done
        assert "the token is empty, has a blank" in done.err
        assert "s3cr3t" not in repr(done)
