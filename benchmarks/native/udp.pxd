# The socket calls and clocks that the compiled benchmark parts share; declarations and two inline helpers, no state.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "<time.h>" nogil:
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *out)
    int clock_nanosleep(int clock, int flags, const timespec *until, timespec *rest)
    int CLOCK_REALTIME
    int CLOCK_MONOTONIC
    int CLOCK_THREAD_CPUTIME_ID
    int TIMER_ABSTIME

cdef extern from "<sys/socket.h>" nogil:
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        void *msg_name
        unsigned int msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, timespec *timeout)
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags)
    ssize_t send(int fd, const void *data, size_t length, int flags)
    cmsghdr *CMSG_FIRSTHDR(msghdr *message)
    cmsghdr *CMSG_NXTHDR(msghdr *message, cmsghdr *previous)
    unsigned char *CMSG_DATA(cmsghdr *message)
    size_t CMSG_SPACE(size_t length)
    size_t CMSG_LEN(size_t length)
    int SOL_SOCKET
    int SO_TIMESTAMPNS
    int SCM_TIMESTAMPNS
    int MSG_DONTWAIT

cdef extern from "<netinet/in.h>" nogil:
    cdef struct in_addr:
        uint32_t s_addr
    cdef struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    uint16_t htons(uint16_t value)
    uint32_t htonl(uint32_t value)
    int AF_INET

cdef extern from "<netinet/udp.h>" nogil:
    int UDP_SEGMENT
    int SOL_UDP


cdef extern from "<sys/prctl.h>" nogil:
    int prctl(int option, unsigned long value)
    int PR_SET_TIMERSLACK


cdef inline int64_t clock_ns(int clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t> now.tv_sec * 1_000_000_000 + now.tv_nsec


cdef inline void sleep_until(int64_t monotonic_ns) noexcept nogil:
    cdef timespec until
    until.tv_sec = monotonic_ns // 1_000_000_000
    until.tv_nsec = monotonic_ns % 1_000_000_000
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)


cdef inline void put16(uint8_t *out, uint32_t value) noexcept nogil:
    out[0] = (value >> 8) & 0xFF
    out[1] = value & 0xFF


cdef inline void put32(uint8_t *out, uint32_t value) noexcept nogil:
    put16(out, value >> 16)
    put16(out + 2, value & 0xFFFF)


cdef inline void put64(uint8_t *out, uint64_t value) noexcept nogil:
    put32(out, <uint32_t> (value >> 32))
    put32(out + 4, <uint32_t> value)


cdef inline uint32_t get16(const uint8_t *data) noexcept nogil:
    return (<uint32_t> data[0] << 8) | data[1]


cdef inline uint32_t get32(const uint8_t *data) noexcept nogil:
    return (get16(data) << 16) | get16(data + 2)


cdef inline uint64_t get64(const uint8_t *data) noexcept nogil:
    return (<uint64_t> get32(data) << 32) | get32(data + 4)
