"""The media plane and the room model of Ciranda. It knows no HTTP: front doors are in `signaling`."""
