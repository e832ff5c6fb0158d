# What we send by the clock: transport-wide feedback, NACKs, reports, repeated keyframe requests; and the end of silent layers.
from sfu.dataplane.state cimport Core

# Runs the timers that are due at core.now_us and sets core.next_timer_us.
cdef void run_timers(Core *core) noexcept nogil
