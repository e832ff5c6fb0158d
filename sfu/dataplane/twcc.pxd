# The format of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

cdef enum:
    SYMBOL_MISSING = 0
    SYMBOL_SMALL = 1            # a delta of one byte, unsigned
    SYMBOL_LARGE = 2            # a delta of two bytes, signed
    SYMBOL_RESERVED = 3

    REFERENCE_TICKS = 256       # unit of the reference time: 64 ms in ticks of 250 µs
    LONGEST_RUN = 8191          # 13 bits
    VECTOR_ONE_BIT = 14         # symbols in a status vector chunk, by the size of a symbol
    VECTOR_TWO_BIT = 7
    FEEDBACK_HEADER = 8         # after both SSRCs: base number, count, reference time, feedback count
