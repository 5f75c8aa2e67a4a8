"""The wires: how each vendor states usage, as data, and the engine that reads them all (`reading`, `watching`, `progress`).

A wire that several vendors speak has a module of its own (`chat`, `responses`, `messages`); `wires` finds the one that a request
speaks. Which SDKs there are stands in `sdks`. Nothing here knows an SDK's classes, so that history can be read again.
"""
