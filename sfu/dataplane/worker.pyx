"""The worker: one thread, one UDP address and, where wanted, the same TCP address around an engine, and nothing else.

Owns the sockets, the thread and the waiting. The thread never takes the GIL: it is a plain POSIX thread that works on the
engine's core until the control thread tells it to stop. The control thread sends STUN and DTLS on the UDP socket by itself;
what goes to a TCP connection is a command.

Media wakes the thread at once. RTCP has a socket of its own (sockets.py): whoever has just read it waits for media only, and reads
it again with the next media, or when FEEDBACK_LATEST_US are over. So feedback never makes media wait, and hardly ever costs a
wake-up of its own. Where nobody sends media, routine checks and reports are let gather for NAP_MS.
"""

import atexit
import os
import weakref

import cython

from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from posix.unistd cimport close, read, write

from sfu.dataplane.addresses cimport endpoint_from_python
from sfu.dataplane.commands cimport COMMAND_SEND, Command, commands_apply
from sfu.dataplane.connections cimport tcp_create, tcp_free
from sfu.dataplane.events cimport event_read, events_unannounced, events_waiting
from sfu.dataplane.feedback_out cimport run_timers
from sfu.dataplane.forward cimport forward_pending
from sfu.dataplane.reasons cimport DROP_SEND_ERROR, DROP_SEND_FULL
from sfu.dataplane.state cimport DIRECTION_IN, DIRECTION_OUT, TRAFFIC_AUDIO, TRAFFIC_DTLS, TRAFFIC_STUN, TRAFFIC_VIDEO, Endpoint
from sfu.dataplane.tcp cimport tcp_flush, tcp_is_used, tcp_next_us, tcp_put, tcp_receive
from sfu.dataplane.udp cimport UDP_BATCH, monotonic_us, udp_create, udp_flush, udp_free, udp_receive, udp_send_one
from sfu.dataplane.atomics cimport load_u64, store_u64
from sfu.dataplane.waiting cimport (
    EFD_CLOEXEC, EFD_NONBLOCK, EPOLL_CLOEXEC, epoll_create1, eventfd, join_thread, nap, start_thread, wait_for, watch,
)

from sfu.dataplane.sockets import open_sockets, open_sockets_and_tcp, receive_drops
from sfu.dataplane.types import Event
from sfu.errors import LocalError

cdef enum:
    MAX_WAIT_US = 1000000
    FLUSH_BYTES = 32768         # of the transmit arena: the first receivers do not wait for the last, the kernel copies from near caches
    ROUNDS_A_LOOK = 16          # batches of datagrams in a row between two looks at TCP while nobody uses it
    FEEDBACK_EARLIEST_US = 2000 # after it was read: again with the next media
    FEEDBACK_LATEST_US = 5000   # after it was read: again by itself
    QUIET_US = 200000           # without media
    NAP_MS = 10                 # what checks wait, and the first packet after a pause, at the most

cdef enum Ready:
    READY_WAKE = 1
    READY_MEDIA = 2
    READY_FEEDBACK = 4
    READY_STREAMS = 8

_running = weakref.WeakSet()


# -- the thread -----------------------------------------------------------------------------------------------------------------

cdef inline int wait_ms(int64_t until_us) noexcept nogil:
    cdef int64_t left_us = min(until_us - monotonic_us(), MAX_WAIT_US)
    return <int>((left_us + 999) // 1000) if left_us > 0 else 0


# Waits for what there is to do; for feedback only if it has not been read lately.
cdef unsigned int wait_ready(Loop *loop) noexcept nogil:
    cdef int64_t timer_us = loop.core.next_timer_us
    cdef unsigned long long count
    cdef unsigned int ready
    if loop.streams != NULL:
        timer_us = min(timer_us, tcp_next_us(loop.streams))
    if loop.routine:
        nap(loop.wake_fd, min(wait_ms(timer_us), NAP_MS))
    if loop.feedback_us:
        ready = wait_for(loop.media_epoll_fd, wait_ms(min(timer_us, loop.feedback_us + FEEDBACK_LATEST_US)))
    else:
        ready = wait_for(loop.epoll_fd, wait_ms(timer_us))
    if ready & READY_WAKE:
        read(loop.wake_fd, &count, sizeof(count))
    return ready


cdef inline void announce(Loop *loop) noexcept nogil:
    cdef unsigned long long one = 1
    if events_unannounced(&loop.core.events):
        loop.core.events.announced = loop.core.events.written
        write(loop.event_fd, &one, sizeof(one))


# At most a batch. Gives what there may be more of.
cdef unsigned int read_media(Loop *loop) noexcept nogil:
    cdef int count = udp_receive(loop.port, loop.socket_fd)
    forward_pending(loop.core)
    return READY_MEDIA if count == UDP_BATCH else 0


# The same, if it is time: with media or without.
cdef unsigned int read_feedback(Loop *loop, unsigned int ready) noexcept nogil:
    cdef Core *core = loop.core
    cdef int64_t wait_us = FEEDBACK_EARLIEST_US if ready & READY_MEDIA else FEEDBACK_LATEST_US
    cdef int count
    if not ready & READY_FEEDBACK and (loop.feedback_us == 0 or core.now_us - loop.feedback_us < wait_us):
        if ready & READY_MEDIA and loop.feedback_us == 0:
            loop.feedback_us = core.now_us      # epoll has just said that there is none
        return 0
    udp_flush(loop.port)        # media first
    count = udp_receive(loop.port, loop.feedback_fd)
    forward_pending(core)
    loop.feedback_us = core.now_us if count or ready & READY_MEDIA else 0
    return READY_MEDIA | READY_FEEDBACK if count == UDP_BATCH else 0


# One batch of datagrams and whatever else is due. Gives what there may be more of.
cdef unsigned int run_once(Loop *loop, unsigned int ready) noexcept nogil:
    cdef Core *core = loop.core
    cdef unsigned int more = 0
    core.now_us = monotonic_us()
    commands_apply(core)
    if ready & READY_MEDIA:
        more = read_media(loop)
    if loop.feedback_fd >= 0:
        more |= read_feedback(loop, ready)
    if ready & READY_STREAMS:
        tcp_receive(loop.streams)
        forward_pending(core)
    if core.now_us >= core.next_timer_us:
        run_timers(core)
    udp_flush(loop.port)
    if loop.streams != NULL:
        tcp_flush(loop.streams)
    announce(loop)
    return more


cdef inline uint64_t media_packets(const uint64_t *received) noexcept nogil:
    return received[<int>TRAFFIC_AUDIO] + received[<int>TRAFFIC_VIDEO]


# One turn, and what it met: media, what the control thread waits for, or routine.
cdef unsigned int run_turn(Loop *loop, unsigned int ready) noexcept nogil:
    cdef Core *core = loop.core
    cdef uint64_t media = media_packets(core.counters.packets[<int>DIRECTION_IN])
    cdef uint64_t events = core.events.written
    cdef unsigned int more = run_once(loop, ready)
    if media_packets(core.counters.packets[<int>DIRECTION_IN]) != media:
        loop.media_us = core.now_us
    loop.routine = 0
    if core.now_us - loop.media_us > QUIET_US:
        loop.feedback_us = 0
        loop.routine = more == 0 and core.events.written == events and ready & (READY_MEDIA | READY_FEEDBACK)
    return more


cdef void *loop_body(void *argument) noexcept nogil:
    cdef Loop *loop = <Loop *>argument
    cdef Core *core = loop.core
    cdef unsigned int ready = 0, rounds = 0
    cdef int64_t before_us = monotonic_us()
    cdef int64_t woken_us, done_us
    while not load_u64(&loop.stop):
        if ready == 0:
            ready = wait_ready(loop)
            woken_us = monotonic_us()
        else:
            woken_us = before_us
            # Datagrams come without a pause: epoll is not asked.
            rounds += 1
            if loop.streams != NULL and (tcp_is_used(loop.streams) or rounds % ROUNDS_A_LOOK == 0):
                ready |= READY_STREAMS
        ready = run_turn(loop, ready)
        done_us = monotonic_us()
        core.counters.busy_us += <uint64_t>(done_us - woken_us)
        core.counters.elapsed_us += <uint64_t>(done_us - before_us)
        before_us = done_us
    run_once(loop, 0)       # goodbyes to TCP connections are commands
    return NULL


# -- the control side -----------------------------------------------------------------------------------------------------------

@cython.no_gc_clear
cdef class Worker:
    def __cinit__(self):
        self.loop = <Loop *>calloc(1, sizeof(Loop))
        if self.loop == NULL:
            raise MemoryError
        self.loop.socket_fd = self.loop.feedback_fd = self.loop.wake_fd = self.loop.event_fd = -1
        self.loop.epoll_fd = self.loop.media_epoll_fd = -1

    def __init__(
        self,
        engine: Engine,
        host: str,
        port: int,
        *,
        tcp: bool = False,
        most_connections: int = 4096,
        patience_us: int = 10_000_000,
        receive_buffer: int = 4 << 20,
        send_buffer: int = 4 << 20,
    ) -> None:
        if self.engine is not None:
            raise LocalError("a worker is initialised once")
        if engine.running or engine.wake_fd >= 0:
            raise LocalError("another worker has this engine")
        media, feedback, listening = (
            open_sockets_and_tcp(host, port, receive_buffer, send_buffer)
            if tcp
            else (*open_sockets(host, port, receive_buffer, send_buffer), None)
        )
        self.engine = engine
        self.family = media.family
        self._address = media.getsockname()[:2]
        self.loop.core = engine.core
        self.loop.socket_fd = media.detach()
        if feedback is not None:
            self.loop.feedback_fd = feedback.detach()
        self.loop.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        self.loop.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
        self.loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        self.loop.media_epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        if min(self.loop.wake_fd, self.loop.event_fd, self.loop.epoll_fd, self.loop.media_epoll_fd) < 0:
            raise OSError("no file descriptor left for the worker")
        for epoll in (self.loop.epoll_fd, self.loop.media_epoll_fd):
            if watch(epoll, self.loop.socket_fd, READY_MEDIA) or watch(epoll, self.loop.wake_fd, READY_WAKE):
                raise OSError("epoll does not take the worker's descriptors")
        if self.loop.feedback_fd >= 0 and watch(self.loop.epoll_fd, self.loop.feedback_fd, READY_FEEDBACK):
            raise OSError("epoll does not take the worker's descriptors")
        self.loop.port = udp_create(self.loop.socket_fd, self.family, engine.core)
        if listening is not None:
            self.loop.streams = tcp_create(listening.detach(), most_connections, patience_us, engine.core)
            for epoll in (self.loop.epoll_fd, self.loop.media_epoll_fd):
                if watch(epoll, self.loop.streams.epoll_fd, READY_STREAMS):
                    raise OSError("epoll does not take the worker's descriptors")

    def __del__(self):
        # Before the garbage collector takes anything apart: the thread uses what the engine's tables keep alive.
        if self.loop != NULL:
            self._end()

    def __dealloc__(self):
        if self.loop == NULL:
            return
        self._end()
        self._close_sockets()
        for fd in (self.loop.wake_fd, self.loop.event_fd, self.loop.epoll_fd, self.loop.media_epoll_fd):
            if fd >= 0:
                close(fd)
        udp_free(self.loop.port)
        free(self.loop)

    cdef void _end(self):
        """Ends and joins the thread, if there is one."""
        cdef unsigned long long one = 1
        if not self.started or self.stopped:
            return
        self.stopped = True
        store_u64(&self.loop.stop, 1)
        write(self.loop.wake_fd, &one, sizeof(one))
        with nogil:
            join_thread(self.thread)
        self.engine.core.queue.flush = NULL
        self.engine.core.queue.stream = NULL
        self.engine.core.queue.flush_bytes = self.engine.core.queue.arena_size
        self.engine.running = False
        self.engine.wake_fd = -1
        # What came too late for the thread is done here.
        commands_apply(self.engine.core)
        self.engine.reap()

    cdef void _close_sockets(self):
        for fd in (self.loop.socket_fd, self.loop.feedback_fd):
            if fd >= 0:
                close(fd)
        self.loop.socket_fd = self.loop.feedback_fd = -1
        tcp_free(self.loop.streams)
        self.loop.streams = NULL

    @property
    def receive_drops(self) -> int:
        return receive_drops(self.loop.socket_fd) + receive_drops(self.loop.feedback_fd)

    @property
    def address(self) -> tuple[str, int]:
        return self._address

    def start(self) -> None:
        cdef Core *core = self.engine.core
        if self.started or self.stopped:
            raise LocalError("a worker is started once")
        if self.engine.running:
            raise LocalError("another worker has this engine")
        core.queue.flush = udp_flush
        core.queue.flush_context = self.loop.port
        core.queue.flush_bytes = FLUSH_BYTES
        if self.loop.streams != NULL:
            core.queue.stream = tcp_put
            core.queue.stream_context = self.loop.streams
        self.engine.running = True
        self.engine.wake_fd = self.loop.wake_fd
        if start_thread(&self.thread, loop_body, self.loop):
            self.engine.running = False
            core.queue.flush = NULL
            core.queue.stream = NULL
            raise OSError("the worker's thread could not be started")
        self.started = True
        _running.add(self)

    def stop(self) -> None:
        self._end()
        _running.discard(self)
        self.stopped = True
        self._close_sockets()

    def fileno(self) -> int:
        return self.loop.event_fd

    def drain(self, limit: int = 256) -> list[Event]:
        cdef unsigned long long count = 1
        cdef list events = []
        read(self.loop.event_fd, &count, sizeof(count))
        while len(events) < limit:
            event = event_read(&self.engine.core.events)
            if event is None:
                break
            events.append(event)
        if events_waiting(&self.engine.core.events):
            count = 1
            write(self.loop.event_fd, &count, sizeof(count))
        self.engine.reap()
        return events

    def send(self, data: bytes, address: tuple[str, int]) -> None:
        cdef Endpoint remote
        cdef const uint8_t *bytes = <const uint8_t *><const char *>data
        cdef size_t length = len(data)
        cdef Command *command
        cdef int failure
        endpoint_from_python(address, &remote)
        if self.stopped:
            return
        failure = 0 if remote.connection else udp_send_one(self.loop.socket_fd, self.family, &remote, bytes, length)
        if failure:
            self.engine.control.dropped[<int>DROP_SEND_FULL if failure == EAGAIN else <int>DROP_SEND_ERROR] += 1
            return
        self.engine.control.packets[<int>DIRECTION_OUT][<int>TRAFFIC_STUN if length and bytes[0] < 4 else <int>TRAFFIC_DTLS] += 1
        self.engine.control.bytes[<int>DIRECTION_OUT] += length
        if remote.connection:
            command = self.engine._command(COMMAND_SEND, NULL, length, None)
            memcpy(command.argument, bytes, length)
            command.value = <int64_t>length
            command.endpoint = remote
            self.engine._submit(command)


@atexit.register
def _stop_all() -> None:
    """A thread must not outlive what the interpreter and libsrtp take down at the end."""
    for worker in list(_running):
        worker.stop()
