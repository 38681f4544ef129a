"""Runs moto's server on a free loopback port until the standard input ends.

The one who starts this holds the other end of the standard input, so moto cannot outlive it, however it dies. The first
line of the standard output is the port.
"""

import hashlib
import json
import logging
import sys
import time

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.secretsmanager.models import SecretsManagerBackend
from moto.utilities.id_generator import moto_id_manager

OPERATOR_MADE = "extoauth/sandbox/credentials/"


def stable_suffix(context):
    """The configuration names operator-made secrets by ARN, and a reset makes them anew: their ARNs must stay."""
    resource = context["resource_identifier"]
    if resource.service != "secretsmanager" or not resource.name.startswith(OPERATOR_MADE):
        return None
    digest = hashlib.sha256(resource.name.encode()).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest[:6])


def attach_version(self, secret_id, client_request_token=None, rotation_lambda_arn=None, rotation_rules=None, **_):
    """RotateSecret up to where Secrets Manager calls the function, with which moto would not wait: an empty version.

    When the call is refused and who calls the steps is in rotation.rs.
    """
    secret = self.secrets[secret_id]
    secret.remove_version_stages_from_old_versions(["AWSPENDING"])
    secret.versions[client_request_token] = {
        "createdate": int(time.time()), "version_id": client_request_token, "version_stages": ["AWSPENDING"],
    }
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = rotation_lambda_arn
    secret.auto_rotate_after_days = (rotation_rules or {}).get("AutomaticallyAfterDays", 0)
    return json.dumps({"ARN": secret.arn, "Name": secret.name, "VersionId": client_request_token})


SecretsManagerBackend.rotate_secret = attach_version
moto_id_manager.add_id_source(stable_suffix)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
