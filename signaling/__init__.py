"""The front doors: WebSocket, WHIP, WHEP, administration and the page. They know HTTP; the media server behind them does not."""
