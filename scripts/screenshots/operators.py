"""What the administration API says in the pictures of the operators' page."""

import time
from typing import Any

NAMES = ("Ana Braga", "Bruno Alves", "Chiara Rossi", "Fatima Zahra El Mansouri")
RATES = (160_000, 500_000, 1_700_000)
"""Bits a second of the layers of a camera. A counter grows by a hundred-thousandth a second in the pictures (stand_in.js)."""

STATUS: dict[str, Any] = {
    "version": "0.1.0",
    "uptime_s": 93_784.0,
    "now_us": 93_784_000_000,
    "rooms": 3,
    "participants": 23,
    "waiting": 1,
    "sockets": 23,
    "tracks": {"audio": 21, "video": 19},
    "bytes": {"in": 385_113_900_211, "out": 2_602_113_900_211},
    "packets": {
        "in": {"audio": 91_200_000, "video": 341_300_000},
        "out": {"audio": 810_000_000, "video": 2_377_000_000},
    },
    "dropped": {"srtp_replay": 18_211, "unknown_address": 912, "no_route": 44, "send_full": 3},
    "nacks": {"in": 48_100, "out": 12_900},
    "keyframe_requests": {"in": 3_210, "out": 911},
    "retransmissions": 47_900,
    "workers": [
        {"address": "203.0.113.7:3478", "busy_ratio": 0.31, "rooms": 2},
        {"address": "203.0.113.7:3479", "busy_ratio": 0.12, "rooms": 1},
    ],
    "event_loop_lag_s": 0.0042,
}


def room(name: str, people: int) -> dict[str, Any]:
    return {"name": name, "created": time.time() - 8_200, "participants": people, "tracks": 2 * people}


def person(index: int) -> dict[str, Any]:
    camera = [
        {
            "live": True,
            "packets": 90_000,
            "bytes": rate * 12_500,
            "lost": index * 31,
            "jitter_us": 2_100,
            "format": "VP8",
        }
        for rate in RATES
    ]
    sound = [
        {"live": True, "packets": 45_000, "bytes": 400_000_000, "lost": 0, "jitter_us": 900, "format": "OPUS"},
        None,
    ]
    slot = {"layer": 2, "bytes": 21_250_000_000, "loss_ratio": 0.004 * index, "retransmissions": 12 * index}
    return {
        "id": f"p_{index}abcdefghij",
        "name": NAMES[index],
        "identity": None,
        "hidden": False,
        "attached": index != 2,
        "admin": index == 0,
        "connection": "connected",
        "transport": {"rtt_us": 18_000 + 9_000 * index, "bytes_received": 30_100_000_000, "bytes_sent": 65_400_000_000},
        "tracks": [
            {"id": f"t_{index}a", "kind": "audio", "source": "microphone", "muted": index == 1, "layers": sound},
            {"id": f"t_{index}v", "kind": "video", "source": "camera", "muted": False, "layers": camera},
        ],
        "slots": [
            slot | {"mid": "2", "kind": "audio", "layer": 0, "track": f"t_{(index + 1) % len(NAMES)}a"},
            slot | {"mid": "3", "kind": "video", "track": f"t_{(index + 1) % len(NAMES)}v"},
        ],
    }


API: dict[str, Any] = {
    "status": STATUS,
    "rooms": {"rooms": [room("tea-at-five", 4), room("standup", 12), room("golden-lagoon-4711", 7)]},
    "rooms/tea-at-five": room("tea-at-five", 4) | {"participants": [person(index) for index in range(len(NAMES))]},
}

EMPTY: dict[str, Any] = {
    "status": STATUS
    | {"rooms": 0, "participants": 0, "waiting": 0, "tracks": {}, "bytes": {}, "packets": {}, "dropped": {}}
    | {"nacks": {}, "keyframe_requests": {}, "retransmissions": 0},
    "rooms": {"rooms": []},
}
