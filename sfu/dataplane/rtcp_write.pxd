# RTCP written.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from sfu.dataplane.receive cimport ReportBlock

# Writers: give the bytes written (a multiple of 4), 0 if `capacity` is too small. Compose them into one compound.
cdef size_t write_sender_report(uint8_t *out, size_t capacity, uint32_t ssrc, uint64_t ntp, uint32_t rtp_timestamp,
                                uint32_t packets, uint32_t octets) noexcept nogil
cdef size_t write_receiver_report(uint8_t *out, size_t capacity, uint32_t sender_ssrc, const ReportBlock *blocks,
                                  size_t count) noexcept nogil
cdef size_t write_sdes_cname(uint8_t *out, size_t capacity, uint32_t ssrc, const char *cname,
                             size_t length) noexcept nogil
cdef size_t write_nack(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                       size_t count) noexcept nogil
cdef size_t write_pli(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc) noexcept nogil
cdef size_t write_fir(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                      uint8_t seq) noexcept nogil
cdef size_t write_remb(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs,
                       size_t count) noexcept nogil
cdef size_t write_bye(uint8_t *out, size_t capacity, const uint32_t *ssrcs, size_t count) noexcept nogil
