"""What the data plane takes from inside pylibsrtp is still there and still means the same."""

import struct
from importlib import import_module
from importlib.metadata import version
from socket import htonl

import pylibsrtp
import pytest
from pylibsrtp import Policy, Session

from sfu.dataplane import gcm

_binding = import_module("pylibsrtp._binding")
ffi, lib = _binding.ffi, _binding.lib

PROFILES = [(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 16), (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10)]


def session(profile: int, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.window_size = 1024
    policy.allow_repeat_tx = True
    return Session(policy)


def packet(sequence_number: int, ssrc: int = 0x11223344) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence_number, 0, ssrc) + b"x" * 20


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("pylibsrtp").startswith("1.")


@pytest.mark.parametrize(
    "name", ["srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp", "srtp_remove_stream"]
)
def test_the_functions_have_addresses(name: str) -> None:
    assert int(ffi.cast("uintptr_t", ffi.addressof(lib, name))) > 4096


def test_openssl_inside_of_the_wheel_can_be_called() -> None:
    """Without it libsrtp encrypts, which is right and takes twice as long: whoever sees this fail should look for another way."""
    assert gcm.AVAILABLE
    assert gcm.encrypts_rightly()


def test_a_library_without_openssl_is_left_alone() -> None:
    other = import_module("_ctypes").__file__
    assert other is not None
    assert not gcm.available(other)
    assert not gcm.available("/nowhere/at/all.so")
    assert gcm.encrypts_rightly(), "what was there still works"


def test_the_calls_have_the_arguments_that_we_give_them() -> None:
    protect = ffi.typeof(ffi.addressof(lib, "srtp_protect"))
    assert [argument.kind for argument in protect.args] == ["pointer", "pointer", "pointer"]
    assert protect.args[2].item is ffi.typeof("int")
    remove = ffi.typeof(ffi.addressof(lib, "srtp_remove_stream"))
    assert [ffi.sizeof(argument) for argument in remove.args] == [ffi.sizeof("void *"), 4]


def test_a_session_has_its_pointer() -> None:
    made = session(*PROFILES[0][:1], bytes(28), Policy.SSRC_ANY_INBOUND)
    assert int(ffi.cast("uintptr_t", made._srtp[0])) > 4096


def test_the_error_numbers_are_those_of_libsrtp() -> None:
    named = pylibsrtp.ERRORS
    assert named[7] == "authentication failure"
    assert named[9] == "replay check failed (bad index)"
    assert named[10] == "replay check failed (index too old)"


@pytest.mark.parametrize(("profile", "length", "tag"), PROFILES)
def test_tags_are_as_long_as_we_think(profile: int, length: int, tag: int) -> None:
    sender = session(profile, bytes(length), Policy.SSRC_ANY_OUTBOUND)
    assert len(sender.protect(packet(1))) == len(packet(1)) + tag
    assert len(sender.protect_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x01")) == 8 + 4 + tag


@pytest.mark.parametrize(("profile", "length", "tag"), PROFILES)
def test_streams_are_removed_by_their_ssrc_in_network_order(profile: int, length: int, tag: int) -> None:
    sender = session(profile, bytes(length), Policy.SSRC_ANY_OUTBOUND)
    receiver = session(profile, bytes(length), Policy.SSRC_ANY_INBOUND)
    protected = sender.protect(packet(1))
    receiver.unprotect(protected)
    with pytest.raises(pylibsrtp.Error, match="replay"):
        receiver.unprotect(protected)
    assert lib.srtp_remove_stream(receiver._srtp[0], htonl(0x11223344)) == lib.srtp_err_status_ok
    receiver.unprotect(protected)


@pytest.mark.parametrize(("profile", "length", "tag"), PROFILES)
def test_an_index_may_be_protected_again(profile: int, length: int, tag: int) -> None:
    sender = session(profile, bytes(length), Policy.SSRC_ANY_OUTBOUND)
    protected = [sender.protect(packet(number)) for number in range(1000)]
    assert sender.protect(packet(10)) == protected[10]


@pytest.mark.parametrize(("profile", "length", "tag"), PROFILES)
def test_a_failed_tag_makes_no_stream(profile: int, length: int, tag: int) -> None:
    sender = session(profile, bytes(length), Policy.SSRC_ANY_OUTBOUND)
    receiver = session(profile, bytes(length), Policy.SSRC_ANY_INBOUND)
    forged = bytearray(sender.protect(packet(1)))
    forged[-1] ^= 1
    with pytest.raises(pylibsrtp.Error, match="authentication"):
        receiver.unprotect(bytes(forged))
    assert lib.srtp_remove_stream(receiver._srtp[0], htonl(0x11223344)) != lib.srtp_err_status_ok
