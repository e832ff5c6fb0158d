"""The front doors: HTTP, WebSocket, WHIP and WHEP. They turn messages into calls on the room model, and events into messages."""
