"""Turns the frozen dataclasses of types.py into C structs, once a negotiation. Owns the ranges of their values."""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from sfu.dataplane.state cimport CNAME_SIZE, MAX_LAYERS, MAX_SSRCS, MID_SIZE

from sfu.dataplane.types import Extension, Format, Kind

cdef enum:
    MAX_KEYFRAME_MS = 60000
    NO_PAYLOAD_TYPE = 255
    MAX_EXTENSION_ID = 14       # RFC 8285, one-byte headers


cdef uint8_t payload_type_of(object value) except 255:
    if not 0 <= value <= 127:
        raise ValueError(f"payload type {value} is not in 0 to 127")
    return value


cdef uint32_t ssrc_of(object value) except? 0:
    if not 0 <= value <= 0xFFFFFFFF:
        raise ValueError(f"SSRC {value} is not a number of 32 bits")
    return value


cdef int copy_text(str what, str text, uint8_t *out, uint8_t *length, int limit) except -1:
    cdef bytes encoded = text.encode("utf-8")
    if not 1 <= len(encoded) <= limit:
        raise ValueError(f"{what} {text!r} is not 1 to {limit} bytes long")
    memset(out, 0, limit)
    memcpy(out, <const char *>encoded, len(encoded))
    length[0] = len(encoded)
    return 0


cdef int fill_extensions(object mapping, uint8_t *ids) except -1:
    for extension, identifier in mapping.items():
        if not 1 <= identifier <= MAX_EXTENSION_ID:
            raise ValueError(f"header extension id {identifier} is not in 1 to {MAX_EXTENSION_ID}")
        ids[<int>Extension(extension)] = identifier
    return 0


cdef int fill_rid(str rid, uint8_t *out, uint8_t *length) except -1:
    return copy_text("RID", rid, out, length, MID_SIZE)


cdef int fill_receive(object params, ReceiveTable *table) except -1:
    memset(table, 0, sizeof(ReceiveTable))
    memset(table.repairs, NO_PAYLOAD_TYPE, sizeof(table.repairs))
    for payload_type, format in params.payload_types.items():
        table.formats[payload_type_of(payload_type)] = int(Format(format))
    for payload_type, repaired in params.rtx.items():
        table.repairs[payload_type_of(payload_type)] = payload_type_of(repaired)
    return fill_extensions(params.extensions, table.extensions.id)


cdef int fill_track(object params, TrackConfig *config) except -1:
    cdef int place
    memset(config, 0, sizeof(TrackConfig))
    Kind(params.kind)
    if len(params.rids) > MAX_LAYERS or len(set(params.rids)) != len(params.rids):
        raise ValueError(f"at most {MAX_LAYERS} different RIDs a track, not {params.rids!r}")
    if len(params.ssrcs) > MAX_SSRCS:
        raise ValueError(f"at most {MAX_SSRCS} SSRCs a track")
    copy_text("MID", params.mid, config.mid, &config.mid_length, MID_SIZE)
    config.layer_count = max(1, len(params.rids))
    config.simulcast = bool(params.rids)
    if not 0 < params.keyframe_interval_ms <= MAX_KEYFRAME_MS:
        raise ValueError(f"a keyframe interval is 1 to {MAX_KEYFRAME_MS} ms")
    config.keyframe_interval_us = params.keyframe_interval_ms * 1000
    config.nack = bool(params.nack)
    config.transport_cc = bool(params.transport_cc)
    config.ssrc_count = len(params.ssrcs)
    for place, ssrc in enumerate(params.ssrcs):
        config.ssrcs[place] = ssrc_of(ssrc)
        config.rtx_ssrcs[place] = ssrc_of(params.rtx_ssrcs.get(ssrc, 0))
    for payload_type in params.payload_types:
        config.payload_types[payload_type_of(payload_type) >> 6] |= <unsigned long long>1 << (payload_type & 63)
    return 0


cdef int fill_slot(object params, SlotConfig *config) except -1:
    cdef uint8_t cname[CNAME_SIZE]
    memset(config, 0, sizeof(SlotConfig))
    memset(config.formats, NO_PAYLOAD_TYPE, sizeof(config.formats))
    Kind(params.kind)
    if params.ssrc == params.rtx_ssrc:
        raise ValueError("a slot's SSRCs must differ")
    copy_text("MID", params.mid, config.header.mid, &config.header.mid_length, MID_SIZE)
    copy_text("CNAME", params.cname, cname, &config.cname_length, CNAME_SIZE)
    memcpy(config.cname, cname, CNAME_SIZE)
    fill_extensions(params.extensions, config.header.extensions.id)
    config.header.ssrc = ssrc_of(params.ssrc)
    config.rtx_header = config.header
    config.rtx_header.ssrc = ssrc_of(params.rtx_ssrc)
    for format, sending in params.formats.items():
        place = int(Format(format))
        config.formats[place].payload_type = payload_type_of(sending.payload_type)
        if sending.rtx_payload_type is not None:
            config.formats[place].rtx_payload_type = payload_type_of(sending.rtx_payload_type)
        config.formats[place].nack = bool(sending.nack)
    return 0
