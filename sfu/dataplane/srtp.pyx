"""Owns the SRTP keys of a transport, in sessions of libsrtp or in OpenSSL's ciphers, and the C entry points of the libsrtp that
pylibsrtp carries. It never touches a packet itself, and what it makes belongs to one thread at a time.

The names with an underscore are private to pylibsrtp 1.0; tests/engine/test_srtp_contract.py guards every one of them.
"""

from libc.stdint cimport uintptr_t

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from sfu.dataplane import gcm
from sfu.dataplane.gcm cimport GcmCipher, GcmKey
from sfu.dataplane.srtp_keys import rtcp_session_key, session_key
from sfu.dataplane.types import SrtpProfile

_PROFILES = {
    # profile: (libsrtp profile, bytes of key and salt, bytes of tag)
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10),
    SrtpProfile.AEAD_AES_128_GCM: (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 16),
}


cdef uintptr_t entry_point(str name) except 0:
    return <uintptr_t><unsigned long long>int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


cdef int load_srtp_api(SrtpApi *api) except -1:
    api.protect = <SrtpCall>entry_point("srtp_protect")
    api.unprotect = <SrtpCall>entry_point("srtp_unprotect")
    api.protect_rtcp = <SrtpCall>entry_point("srtp_protect_rtcp")
    api.unprotect_rtcp = <SrtpCall>entry_point("srtp_unprotect_rtcp")
    api.remove_stream = <SrtpRemove>entry_point("srtp_remove_stream")
    return 0


cdef class SrtpPair:
    """What a transport receives with, and what it sends with (RFC 3711, RFC 7714)."""

    def __init__(self, profile: SrtpProfile, receive_key: bytes, send_key: bytes) -> None:
        if profile not in _PROFILES:
            raise ValueError(f"SRTP profile {profile!r} is not supported")
        number, key_length, tag_length = _PROFILES[profile]
        for key in (receive_key, send_key):
            if len(key) != key_length:
                raise ValueError(f"key and salt must be {key_length} bytes together, not {len(key)}")
        self.tag_length = tag_length
        if profile == SrtpProfile.AEAD_AES_128_GCM and gcm.AVAILABLE:
            self._kept = []
            self.gcm.receive = self._cipher(session_key, receive_key)
            self.gcm.receive_rtcp = self._cipher(rtcp_session_key, receive_key)
            self.gcm.send = self._cipher(session_key, send_key)
            self.gcm.send_rtcp = self._cipher(rtcp_session_key, send_key)
            return
        inbound = self._session(number, receive_key, Policy.SSRC_ANY_INBOUND, SRTP_REPLAY_WINDOW)
        outbound = self._session(number, send_key, Policy.SSRC_ANY_OUTBOUND, SRTP_RESEND_WINDOW)
        self._kept = [inbound, outbound]
        self.receive = <void *><uintptr_t><unsigned long long>int(ffi.cast("uintptr_t", inbound._srtp[0]))
        self.send = <void *><uintptr_t><unsigned long long>int(ffi.cast("uintptr_t", outbound._srtp[0]))

    cdef GcmCipher _cipher(self, object derive, bytes key) except *:
        cdef GcmKey made = GcmKey(*derive(key[:16], key[16:]))
        self._kept.append(made)
        return made.cipher

    @staticmethod
    def _session(number: int, key: bytes, ssrc_type: int, window: int) -> Session:
        policy = Policy(key=bytes(key), ssrc_type=ssrc_type, srtp_profile=number)
        policy.window_size = window
        # A plain retransmission protects an old index again. It repeats the first sending bit for bit, so no nonce is
        # ever used for two different packets.
        policy.allow_repeat_tx = True
        return Session(policy)
