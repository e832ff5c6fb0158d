"""Real clients for the tests: Chromium, Firefox, libwebrtc (`wrtc`) and aiortc, over the WebSocket protocol or WHIP and WHEP."""
