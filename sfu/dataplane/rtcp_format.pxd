# Numbers of the RTCP format (RFC 3550, 4585, 5104, draft-alvestrand-rmcat-remb).

cdef enum:
    PT_SENDER_REPORT = 200
    PT_RECEIVER_REPORT = 201
    PT_SDES = 202
    PT_BYE = 203
    PT_TRANSPORT_FEEDBACK = 205
    PT_PAYLOAD_FEEDBACK = 206

    FMT_NACK = 1
    FMT_TWCC = 15
    FMT_PLI = 1
    FMT_FIR = 4
    FMT_APPLICATION = 15
    REMB = 0x52454D42               # the letters
    REMB_MANTISSA_BITS = 18
    SDES_CNAME = 1

    HEADER = 4
    REPORT_BLOCK = 24
    SENDER_INFO = 28                # header, SSRC and sender info of an SR
    FEEDBACK_HEADER = 12            # header and both SSRCs
    MAX_COUNT = 31                  # the count field has five bits
    MAX_BYTES = 262144              # the length field has 16 bits and counts the words after the first
