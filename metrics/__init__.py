"""Snapshots of the running server as Prometheus metrics. Read at scrape time; nothing here runs per packet."""
