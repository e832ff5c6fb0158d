# Counters as Python values.
from libc.stdint cimport int64_t

from benchmarks.native.client cimport Client, Sender

cdef dict client_reading(const Client *client, const Sender *senders, bint to_the_end)
cdef dict sender_reading(const Sender *sender)
