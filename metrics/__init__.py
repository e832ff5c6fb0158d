"""What an operator sees: snapshots as Prometheus metrics, and health. It reads the media server and changes nothing in it."""
