"""FFmpeg's own WHIP muxer, out of PyAV's libraries: `python -m tests.harness.ffmpeg_publisher URL CERTIFICATE KEY`.

A program of its own, since FFmpeg blocks while it shakes hands. The certificate is given because PyAV's FFmpeg (GnuTLS) makes one
on secp224r1, a curve that it does not offer itself; FFmpeg with OpenSSL makes one on P-256.
"""

import sys
import time
from fractions import Fraction

import av
import numpy as np

RATE = 30
SECONDS = 20


def publish(url: str, certificate: str, key: str) -> None:
    """Sends a picture that changes, until it is killed or `SECONDS` are over."""
    options = {"strict": "experimental", "whip_flags": "dtls_active", "cert_file": certificate, "key_file": key}
    with av.open(url, "w", format="whip", options=options) as output:
        settings = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        stream = output.add_stream("libx264", rate=RATE, options=settings)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        started_s = time.monotonic()
        for number in range(RATE * SECONDS):
            picture = np.full((240, 320, 3), number % 255, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
            time.sleep(max(0.0, started_s + number / RATE - time.monotonic()))


if __name__ == "__main__":
    publish(*sys.argv[1:])
