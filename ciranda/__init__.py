"""Ciranda: a Selective Forwarding Unit for WebRTC."""
