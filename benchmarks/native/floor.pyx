"""The machine's floor: libsrtp and sendmmsg in a tight loop, with no SFU around it.

`forward` protects the same packet once for each receiver and sends it, as an SFU must; what it costs is what no SFU that uses
libsrtp and UDP sockets can be cheaper than. With `run` > 1 every receiver gets `run` equal packets as one UDP_SEGMENT message.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from benchmarks.native.srtp cimport session_pointer, srtp_protect
from benchmarks.native.udp cimport (
    AF_INET, CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, CMSG_DATA, CMSG_FIRSTHDR, CMSG_LEN, CMSG_SPACE, SOL_UDP, UDP_SEGMENT, clock_ns,
    cmsghdr, htonl, htons, iovec, mmsghdr, put16, put32, sendmmsg, sleep_until, sockaddr_in,
)

cdef enum:
    MAX_BATCH = 64              # messages in one sendmmsg
    SLOT = 1500
    LOOPBACK = 0x7F000001


def forward(int fd, list sessions, list ports, *, int packet_size=1200, int first=0, int rounds=2000, int run=1,
            bint send=True, double pause_s=0.0):
    """Send `rounds` × `run` packets to each of the loopback `ports`. Gives (packets, errors, thread CPU ns, elapsed ns).

    `first` is the first sequence number: the sessions refuse to encrypt one twice. `pause_s` sleeps after each round (its CPU counts, as an idle server's would); `send=False` only encrypts.
    """
    cdef int count = len(sessions), i
    cdef int64_t cpu, elapsed, errors
    cdef void **pointers
    cdef sockaddr_in *addresses
    cdef uint8_t *arena
    if count == 0 or len(ports) != count or not 1 <= run <= 16 or not 64 <= packet_size <= 1400:
        raise ValueError("sessions and ports must match, run be 1 to 16 and packet_size 64 to 1400")
    pointers = <void **> calloc(count, sizeof(void *))
    addresses = <sockaddr_in *> calloc(count, sizeof(sockaddr_in))
    arena = <uint8_t *> calloc(MAX_BATCH * run, SLOT)
    if pointers == NULL or addresses == NULL or arena == NULL:
        free(pointers)
        free(addresses)
        free(arena)
        raise MemoryError
    try:
        for i in range(count):
            pointers[i] = session_pointer(sessions[i])
            addresses[i].sin_family = AF_INET
            addresses[i].sin_port = htons(ports[i])
            addresses[i].sin_addr.s_addr = htonl(LOOPBACK)
        with nogil:
            elapsed = clock_ns(CLOCK_MONOTONIC)
            cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID)
            errors = _forward(fd, pointers, addresses, arena, count, packet_size, first, rounds, run, send,
                              <int64_t> (pause_s * 1e9))
            cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu
            elapsed = clock_ns(CLOCK_MONOTONIC) - elapsed
    finally:
        free(pointers)
        free(addresses)
        free(arena)
    return rounds * run * count, errors, cpu, elapsed


cdef int64_t _forward(int fd, void **sessions, sockaddr_in *addresses, uint8_t *arena, int count, int packet_size, int first, int rounds,
                      int run, bint send, int64_t pause_ns) noexcept nogil:
    cdef mmsghdr messages[MAX_BATCH]
    cdef iovec vectors[MAX_BATCH]
    cdef uint8_t controls[MAX_BATCH][64]
    cdef uint8_t source[SLOT]
    cdef uint8_t *out
    cdef cmsghdr *control
    cdef int64_t errors = 0, next_ns = clock_ns(CLOCK_MONOTONIC)
    cdef int n, i, k, size, filled = 0, sent
    memset(messages, 0, sizeof(messages))
    memset(source, 0x5A, sizeof(source))
    source[0] = 0x80
    source[1] = 96
    for n in range(rounds):
        for i in range(count):
            out = arena + filled * run * SLOT
            vectors[filled].iov_base = out
            for k in range(run):
                memcpy(out, source, packet_size)
                put16(out + 2, (first + n * run + k) & 0xFFFF)
                put32(out + 4, n * 3000)
                put32(out + 8, 0x1000 + i)
                size = packet_size
                if srtp_protect(sessions[i], out, &size) != 0:
                    errors += 1
                out += size
            vectors[filled].iov_len = out - <uint8_t *> vectors[filled].iov_base
            messages[filled].msg_hdr.msg_name = &addresses[i]
            messages[filled].msg_hdr.msg_namelen = sizeof(sockaddr_in)
            messages[filled].msg_hdr.msg_iov = &vectors[filled]
            messages[filled].msg_hdr.msg_iovlen = 1
            if run > 1:
                messages[filled].msg_hdr.msg_control = controls[filled]
                messages[filled].msg_hdr.msg_controllen = CMSG_SPACE(sizeof(uint16_t))
                control = CMSG_FIRSTHDR(&messages[filled].msg_hdr)
                control.cmsg_level = SOL_UDP
                control.cmsg_type = UDP_SEGMENT
                control.cmsg_len = CMSG_LEN(sizeof(uint16_t))
                (<uint16_t *> CMSG_DATA(control))[0] = <uint16_t> size
            filled += 1
            if filled == MAX_BATCH or i == count - 1:
                if send:
                    sent = sendmmsg(fd, messages, filled, 0)
                    errors += (filled - max(sent, 0)) * run
                filled = 0
        if pause_ns:
            next_ns += pause_ns
            sleep_until(next_ns)
    return errors

