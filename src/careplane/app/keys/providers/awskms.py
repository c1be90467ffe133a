"""AWS KMS: `awskms:` and the id, alias or ARN of a symmetric key. Region, credentials and endpoint
come as for every client of AWS (AWS_REGION and so on). `wrapped` is KMS's ciphertext.
"""

from __future__ import annotations

from typing import Any

from careplane.app.keys.providers.port import unavailable
from careplane.kernel.errors import Incorrect

_WHAT = "AWS KMS"
_CONTEXT = {"careplane": "root"}


class AwsKms:
    """A key of KMS."""

    def __init__(self, rest: str) -> None:
        if not rest:
            raise Incorrect("The address of a KMS key is 'awskms:' and its id, alias or ARN.")
        self._key = rest

    def wrap(self, root: bytes) -> bytes:
        return self._asked("encrypt", "CiphertextBlob", Plaintext=root)

    def unwrap(self, wrapped: bytes) -> bytes:
        return self._asked("decrypt", "Plaintext", CiphertextBlob=wrapped)

    def _asked(self, verb: str, wanted: str, **asked: Any) -> bytes:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise unavailable(_WHAT, "install careplane[aws]") from None
        try:
            config = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3})
            client = boto3.client("kms", config=config)
            answer = getattr(client, verb)(KeyId=self._key, EncryptionContext=_CONTEXT, **asked)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise unavailable(_WHAT, f"it answers {code}") from error
        except BotoCoreError as error:
            raise unavailable(_WHAT, type(error).__name__) from error
        return bytes(answer[wanted])
