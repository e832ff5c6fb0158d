"""Session keys from a master key (RFC 3711, section 4.3), for what libsrtp does not do for us. Never changes its keys (rate 0)."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

LABEL_ENCRYPTION, LABEL_SALT, LABEL_RTCP_ENCRYPTION, LABEL_RTCP_SALT = 0x00, 0x02, 0x03, 0x05
"""RFC 3711, section 4.3.1"""

_MASTER_SALT = 14
_LABEL_AT = 7


def derive(master_key: bytes, master_salt: bytes, label: int, length: int) -> bytes:
    """`length` bytes of AES-CM's key stream (RFC 3711, section 4.3.3).

    A salt of 12 bytes, as AES-GCM's, is taken for one that ends with zeroes (RFC 7714, section 11).
    """
    start = bytearray(master_salt.ljust(_MASTER_SALT, b"\0"))
    start[_LABEL_AT] ^= label
    return Cipher(AES(master_key), CTR(bytes(start) + bytes(2))).encryptor().update(bytes(length))


def session_key(master_key: bytes, master_salt: bytes) -> tuple[bytes, bytes]:
    """Key and salt that RTP packets are encrypted with; as long as the master's."""
    return (
        derive(master_key, master_salt, LABEL_ENCRYPTION, len(master_key)),
        derive(master_key, master_salt, LABEL_SALT, len(master_salt)),
    )


def rtcp_session_key(master_key: bytes, master_salt: bytes) -> tuple[bytes, bytes]:
    """The same for RTCP."""
    return (
        derive(master_key, master_salt, LABEL_RTCP_ENCRYPTION, len(master_key)),
        derive(master_key, master_salt, LABEL_RTCP_SALT, len(master_salt)),
    )
