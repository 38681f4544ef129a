"""Lets host names lead elsewhere in this process: SANDBOX_RESOLVE is a comma-separated list of name:port=address:port."""

import os
import socket


def _targets():
    for entry in filter(None, os.environ.get("SANDBOX_RESOLVE", "").split(",")):
        name, target = entry.split("=", 1)
        (host, port), (address, actual) = name.rsplit(":", 1), target.rsplit(":", 1)
        yield (host, int(port)), (address, int(actual))


_TARGETS = dict(_targets())
_getaddrinfo = socket.getaddrinfo


def _resolve(host, port, *args, **kwargs):
    try:
        host, port = _TARGETS.get((host, int(port)), (host, port))
    except (TypeError, ValueError):
        pass  # A service's name, or none.
    return _getaddrinfo(host, port, *args, **kwargs)


if _TARGETS:
    socket.getaddrinfo = _resolve
