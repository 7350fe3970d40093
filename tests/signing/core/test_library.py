"""The library as a whole: it stands alone, its names can be imported, its documented examples run."""

import ast
import importlib
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import cmsdesk.signing as library
from cmsdesk.signing import errors
from cmsdesk.signing.errors import SigningError
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.checkers import pdfsig
from tests.signing.hsm import MODULE, PIN

ROOT = Path(library.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def run_example(package: str, **given: object) -> None:
    """Run the example in a package's documentation: what is indented, or all but the first line."""
    _, *lines = (importlib.import_module(package).__doc__ or "").splitlines()
    if package == "cmsdesk.signing":
        lines = [line for line in lines if line.startswith("    ") or not line.strip()]
    code = textwrap.dedent("\n".join(lines))
    assert "import" in code
    exec(compile(code, package, "exec"), {"Path": Path, **given})  # noqa: S102 - that is the point


@pytest.fixture
def signer(pki) -> SoftwareSigner:
    identity = pki.signer("rsa2048")
    return SoftwareSigner(identity.key, identity.certificate, pki.chain)


def test_the_example_of_the_library(hsm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in hsm.environment:
        monkeypatch.setenv(name, value)
    Path("atti").mkdir()
    Path("firmati").mkdir()
    for number in range(3):
        Path(f"atti/{number}.pdf").write_bytes(samples.plain())
    for _ in range(2):  # the second time there is nothing left to do
        run_example("cmsdesk.signing", module=MODULE, pin=PIN)
    assert all(pdfsig(Path(f"firmati/{number}.pdf")).whole for number in range(3))


def test_the_examples_of_the_packages(pki, signer, stamper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lettera.txt").write_text("Lettera")
    Path("atto.xml").write_text("<atto/>")
    Path("delibera.pdf").write_bytes(samples.plain())
    run_example("cmsdesk.signing.session", signer=signer)
    run_example("cmsdesk.signing.cades", signer=signer, timestamper=stamper)
    crls = (pki.crl(pki.root), pki.crl(pki.issuing))
    run_example(
        "cmsdesk.signing.pades", signer=signer, timestamper=stamper, root=pki.root.certificate, crls=crls
    )
    assert pdfsig(Path("delibera-signed.pdf")).valid == 1


def test_every_public_name_can_be_imported():
    for name in library.__all__:
        assert getattr(library, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        library.Nothing  # noqa: B018 - the access is the test
    imported = re.findall(r"import (\w+) as \1", Path(library.__file__).read_text())
    assert sorted(imported) == library.__all__


def test_it_imports_nothing_of_the_application():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith("cmsdesk") or name.startswith("cmsdesk.signing"), (path, name)


def test_one_door_to_the_pkcs11_binding():
    doors = {
        path.relative_to(ROOT).as_posix()
        for path in FILES
        if re.search(r"^\s*(import|from) pkcs11\b", path.read_text(), re.MULTILINE)
    }
    assert doors == {"pkcs11/token.py"}


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import cmsdesk.signing", ("cryptography", "pyhanko", "pkcs11", "numpy", "PIL", "asn1crypto")),
        ("import cmsdesk.signing.pkcs11.worker", ("cryptography", "pyhanko", "numpy", "PIL")),
        ("from cmsdesk.signing import SigningSession", ("pyhanko", "numpy", "PIL", "fontTools", "pikepdf")),
    ],
)
def test_nothing_is_loaded_before_it_is_needed(statement, heavy):
    program = f"{statement}\nimport sys\nprint([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_error_has_a_code_of_its_own():
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SigningError)
    ]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))
    told = errors.PinRefused("The PIN is wrong.", "Check it.", token="firma").as_json()
    assert told == {
        "code": "pin-refused",
        "cause": "The PIN is wrong.",
        "next_step": "Check it.",
        "facts": {"token": "firma"},
    }


def test_a_pin_cannot_leak():
    import copy
    import pickle

    pin = Pin("48151623")
    assert "4815" not in f"{pin} {pin!r}"
    assert pin != Pin("48151623")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(pin)
    assert pin.reveal() == b"48151623"
    pin.wipe()
    assert not pin
    assert pin.reveal() == b""


def test_files_functions_and_classes_keep_the_house_measures():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 600, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.body[0].lineno < 60, (path, node.name)
            if isinstance(node, ast.ClassDef):
                assert (node.end_lineno or 0) - node.lineno < 300, (path, node.name)
