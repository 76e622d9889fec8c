"""A payload codec: what Temporal stores is encrypted, and only who has the key can read it.

    pip install cryptography                                # into the environment that --sdk-python names
    head -c 32 /dev/urandom > key
    PYTHONPATH=examples/temporal AK_CODEC_KEY=key ak worker --temporal HOST:PORT --codec codec:Encryption …

Everyone who talks to the cluster about these sessions needs the same --codec: workers, `ak deploy`, `ak trigger fire`. Names of
callees, summaries, search attributes and the workflow's details are no payloads: they stay readable. Large values in the shared folder
are written after the codec, so they are encrypted too.
"""
import os
from typing import Iterable, List

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted"


class Encryption(PayloadCodec):
    def __init__(self) -> None:
        with open(os.environ["AK_CODEC_KEY"], "rb") as file:
            self.key = AESGCM(file.read(32))

    async def encode(self, payloads: Iterable[Payload]) -> List[Payload]:
        return [Payload(metadata={"encoding": ENCODING}, data=self.encrypt(p.SerializeToString())) for p in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> List[Payload]:
        return [Payload.FromString(self.decrypt(p.data)) if p.metadata.get("encoding") == ENCODING else p for p in payloads]

    def encrypt(self, data: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.key.encrypt(nonce, data, ENCODING)

    def decrypt(self, data: bytes) -> bytes:
        return self.key.decrypt(data[:12], data[12:], ENCODING)
