"""SHA-1, HMAC-SHA1 and CRC-32 of the data plane, against the standard library and published vectors."""

import hashlib
import hmac
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.dataplane.digest import crc32_of, hmac_of, sha1_of
from tests.unit.test_stun import SAMPLE_KEY, SAMPLE_REQUEST

pytestmark = pytest.mark.asan


def test_every_length_around_the_blocks() -> None:
    for length in range(260):
        data = bytes(place * 7 & 0xFF for place in range(length))
        assert sha1_of(data) == hashlib.sha1(data).digest()
        assert hmac_of(data, data) == hmac.digest(data, data, "sha1")
        assert crc32_of(data) == zlib.crc32(data)


@given(st.binary(max_size=200), st.binary(max_size=1_500))
def test_against_the_standard_library(key: bytes, data: bytes) -> None:
    assert sha1_of(data) == hashlib.sha1(data).digest()
    assert hmac_of(key, data) == hmac.digest(key, data, "sha1")
    assert crc32_of(data) == zlib.crc32(data)


@pytest.mark.parametrize(
    ("key", "data", "digest"),
    [
        (b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (b"\xaa" * 20, b"\xdd" * 50, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        (bytes(range(1, 26)), b"\xcd" * 50, "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        (b"\x0c" * 20, b"Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
        (
            b"\xaa" * 80,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (
            b"\xaa" * 80,
            b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
            "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
        ),
    ],
)
def test_rfc_2202(key: bytes, data: bytes, digest: str) -> None:
    assert hmac_of(key, data).hex() == digest


def test_rfc_5769() -> None:
    signed = SAMPLE_REQUEST[:2] + (len(SAMPLE_REQUEST) - 28).to_bytes(2, "big") + SAMPLE_REQUEST[4:-32]
    assert hmac_of(SAMPLE_KEY, signed) == SAMPLE_REQUEST[-28:-8]
    assert (crc32_of(SAMPLE_REQUEST[:-8]) ^ 0x5354554E).to_bytes(4, "big") == SAMPLE_REQUEST[-4:]
