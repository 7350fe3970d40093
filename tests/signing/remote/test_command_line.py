"""`cmsdesk-sign sign` with a remote signer."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cmsdesk.signing.cli.main import main
from cmsdesk.signing.remote import CscService, JsonTransport
from tests.signing.remote.dummy import csc_dummy


def test_documents_of_a_folder_are_signed_by_alias_and_domain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "atti"
    folder.mkdir()
    for number in range(3):
        (folder / f"atto{number}.txt").write_text(f"Atto {number}")
    (tmp_path / "csc").mkdir()
    monkeypatch.setenv("PASSWORD", "segreta")
    with csc_dummy(tmp_path / "csc", scal=2) as server:
        who = ["--remote-alias", "presidente", "--remote-domain", "cciaa-bz"]
        service = [
            "--remote-url",
            server.url,
            "--remote-user",
            "protocollo",
            "--remote-password-env",
            "PASSWORD",
        ]
        sign = ["sign", "--format", "cades", "--out", str(tmp_path / "firmati"), *service]
        assert main([*sign, *who, str(folder)]) == 0
        assert main([*sign, "--remote-alias", "nessuno", "--remote-domain", "cciaa-bz", str(folder)]) == 4
        assert main([*sign, str(folder)]) == 2
        certificates = CscService(JsonTransport(server.url)).credential("cciaa-bz/presidente").certificates
    (tmp_path / "root.pem").write_bytes(
        x509.load_der_x509_certificate(certificates[-1]).public_bytes(Encoding.PEM)
    )
    for number in range(3):
        command = [
            "openssl",
            "cms",
            "-verify",
            "-cades",
            "-inform",
            "DER",
            "-purpose",
            "any",
            "-CAfile",
            "root.pem",
        ]
        command += ["-in", f"firmati/atto{number}.txt.p7m", "-out", "inhalt.txt"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        assert (tmp_path / "inhalt.txt").read_text() == f"Atto {number}"
