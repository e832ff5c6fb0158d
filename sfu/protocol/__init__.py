"""Wire protocols as pure code: bytes and `now` in, bytes and events out. No sockets, no clock, no rooms."""
