"""A loopback HTTP server that answers as both providers do, judges by text features, and books what it bills."""
