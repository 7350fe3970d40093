"""Signing sessions: one PIN entry, one document or thousands, every document its own result.

from cmsdesk.signing import CadesProfile, Document, SigningSession, State

with SigningSession(signer) as session:
    one = session.sign(Document(source=b"Contratto", target=Path("contratto.p7m")), CadesProfile())
    assert one.target == Path("contratto.p7m")

    documents = [Document(source=Path(name), name=name) for name in ("lettera.txt", "manca.txt")]
    good, bad = session.sign_many(documents, CadesProfile())
    assert good.state is State.SIGNED  # without a target, the message is in good.data
    assert bad.error is not None  # an error of one document is its result; others are signed
    print(bad.error.code, bad.error.cause, bad.error.next_step)
"""
