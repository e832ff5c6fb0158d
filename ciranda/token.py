"""`ciranda token`: a token for somebody, signed with an API key. Its claims are LiveKit's; signaling/auth.py reads them."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import jwt

from sfu.config import SHORTEST_SECRET

DEFAULT_HOURS = 24.0


def main(arguments: Sequence[str]) -> int:
    """Prints it. Exit code: 0, or 2 where no key was given."""
    options = _parser().parse_args(arguments)
    pair = options.api_key or os.environ.get("CIRANDA_API_KEY", "").split(",")[0]
    key, _, secret = pair.partition(":")
    if not key or len(secret) < SHORTEST_SECRET:
        print("ciranda: --api-key: KEY:SECRET of the server is needed, here or as CIRANDA_API_KEY", file=sys.stderr)
        return 2
    if not options.room and not options.operator:
        print("ciranda: --room or --operator: what is the token for?", file=sys.stderr)
        return 2
    print(make(key, secret, **{name: value for name, value in vars(options).items() if name != "api_key"}))
    return 0


def make(
    key: str,
    secret: str,
    *,
    room: str | None = None,
    name: str | None = None,
    identity: str | None = None,
    admin: bool = False,
    operator: bool = False,
    hours: float = DEFAULT_HOURS,
) -> str:
    """The JSON Web Token (RFC 7519), good for so many hours from now."""
    video: dict[str, str | bool] = {"roomAdmin": True} if admin else {}
    if room:
        video |= {"room": room, "roomJoin": True}
    if operator:
        video |= {"roomList": True, "roomCreate": True, "roomAdmin": True}
    claims = {"iss": key, "exp": int(time.time() + hours * 3_600), "video": video}
    named = {"sub": identity or name, "name": name}
    return jwt.encode(claims | {claim: text for claim, text in named.items() if text}, secret, algorithm="HS256")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ciranda token", description="Make a token for somebody: /ROOM#token=… lets them in."
    )
    parser.add_argument("--api-key", metavar="KEY:SECRET", help="of the server (or CIRANDA_API_KEY)")
    parser.add_argument("--room", help="that it opens")
    parser.add_argument("--name", help="of the person; without it they say one")
    parser.add_argument("--identity", help="by which they are known again (default: the name)")
    parser.add_argument("--admin", action="store_true", help="they keep order in the room")
    parser.add_argument("--operator", action="store_true", help="for /status and all of /api/v1")
    parser.add_argument("--hours", type=float, default=DEFAULT_HOURS, help="until it ends (default: %(default)s)")
    return parser
