"""Runs moto's server on a free loopback port until the standard input ends.

The one who starts this holds the other end of the standard input, so moto cannot outlive it, however it dies. The first
line of the standard output is the port.
"""

import hashlib
import logging
import sys

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.utilities.id_generator import moto_id_manager

OPERATOR_MADE = "extoauth/sandbox/credentials/"


def stable_suffix(context):
    """The configuration names operator-made secrets by ARN, and a reset makes them anew: their ARNs must stay."""
    resource = context["resource_identifier"]
    if resource.service != "secretsmanager" or not resource.name.startswith(OPERATOR_MADE):
        return None
    digest = hashlib.sha256(resource.name.encode()).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest[:6])


moto_id_manager.add_id_source(stable_suffix)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
