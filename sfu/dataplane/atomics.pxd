# The few atomic operations between the control thread and a worker, and the prefetch hint.
from libc.stdint cimport uint64_t, int64_t

cdef extern from * nogil:
    """
    #define ciranda_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define ciranda_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define ciranda_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
    #define ciranda_prefetch(p) __builtin_prefetch((p), 0, 3)
    static inline int ciranda_swap_if(void **place, void *expected, void *wanted) {
        return __atomic_compare_exchange_n(place, &expected, wanted, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    """
    uint64_t load_u64 "ciranda_load"(const uint64_t *place)
    void store_u64 "ciranda_store"(uint64_t *place, uint64_t value)
    void *load_pointer "ciranda_load"(void **place)
    void *exchange_pointer "ciranda_exchange"(void **place, void *value)
    int swap_pointer_if "ciranda_swap_if"(void **place, void *expected, void *wanted)
    void prefetch "ciranda_prefetch"(const void *place)
