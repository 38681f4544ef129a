"""Writes target/roles.json: what each function may do in AWS, as its role in the translated template says.

The sandbox judges every AWS call of a function by it, so a right that is missing in the template fails there as it would
in AWS. Names and ARNs are those of the sandbox (tests/sandbox/src/seed.rs).
"""

import json
import re

import template as sam

SEED = (sam.ROOT / "tests/sandbox/src/seed.rs").read_text()


def seed(name):
    """A text constant of the sandbox's seed."""
    return re.search(rf'pub const {name}: &str =\s*"([^"]*)"', SEED).group(1)


ACCOUNT, REGION = seed("ACCOUNT"), seed("REGION")
TABLE, QUEUE, DEAD, TOPIC, BUS = (seed(name) for name in ("TABLE", "QUEUE", "DEAD_LETTER_QUEUE", "TOPIC", "BUS"))


# Queues of the scheduled checks, by function.
CHECK_QUEUES = dict(re.findall(r'\("([a-z-]+-check)", "([^"]+)"\)', SEED))


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


CREDENTIALS = arn("secretsmanager", f"secret:{seed('CREDENTIALS')}")

PARAMETERS = {
    "Deployment": seed("DEPLOYMENT"),
    "Systems": f"secret:{CREDENTIALS}/systems",
    "ConfigurationSecretArns": [f"{CREDENTIALS}/systems-*"],
    "IntakeSecretArn": f"{CREDENTIALS}/intake-*",
    "CredentialSecretArns": [f"{CREDENTIALS}/*"],
    "MailFrom": "extoauth@example.com",
    "MailTo": "platform@example.com",
    "MailIdentityArns": [arn("ses", "identity/extoauth@example.com")],
    "IdentityCenterInstanceArns": [seed("INSTANCE_ARN")],
    "IdentityCenterApplicationArns": [seed("IDC_APPLICATION_ARN")],
    "IdentityStoreArns": [f"arn:aws:identitystore::{ACCOUNT}:identitystore/{seed('IDENTITY_STORE')}"],
    "EntraWebIdentity": "yes",
    "RedshiftApplicationArns": [seed("REDSHIFT_APPLICATION_ARN")],
    "RedshiftDataApiArns": [seed("WORKGROUP_ARN")],
}

REFERENCES = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "EventBus": BUS,
    "TokenLifetimeCheckQueue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{CHECK_QUEUES['token-lifetime-check']}",
    "SecretExpiryCheckQueue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{CHECK_QUEUES['secret-expiry-check']}",
    "Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QUEUE}",
    "Table": TABLE,
    "Topic": arn("sns", TOPIC),
}

ATTRIBUTES = {
    ("DeadLetterQueue", "Arn"): arn("sqs", DEAD),
    ("EventBus", "Arn"): arn("events", f"event-bus/{BUS}"),
    ("Queue", "Arn"): arn("sqs", QUEUE),
    ("RotateSecretFunction", "Arn"): arn("lambda", "function:rotate-secret"),
    ("SecretExpiryCheckQueue", "Arn"): arn("sqs", CHECK_QUEUES["secret-expiry-check"]),
    ("TokenLifetimeCheckQueue", "Arn"): arn("sqs", CHECK_QUEUES["token-lifetime-check"]),
    ("Table", "Arn"): arn("dynamodb", f"table/{TABLE}"),
}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(template, role, resolve):
    """The statements of a role's own policies. A managed policy would not be seen here, so there must be none."""
    properties = template["Resources"][role]["Properties"]
    if properties.get("ManagedPolicyArns"):
        raise SystemExit(f"{role} has managed policies, which say more than its function needs")
    found = []
    for policy in properties["Policies"]:
        for statement in resolve(policy["PolicyDocument"])["Statement"]:
            statement = {key: statement[key] for key in ("Sid", "Effect", "Action", "Resource", "Condition") if key in statement}
            statement["Action"], statement["Resource"] = listed(statement["Action"]), listed(statement["Resource"])
            found.append(statement)
    return found


def main():
    template = sam.translate(sam.read())
    resolve = sam.Resolver(template, PARAMETERS, REFERENCES, ATTRIBUTES)
    roles = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            name = resolve(resource["Properties"]["FunctionName"]).removeprefix(f"extoauth-{PARAMETERS['Deployment']}-")
            role, attribute = resource["Properties"]["Role"]["Fn::GetAtt"]
            assert attribute == "Arn", f"{name} has a role that is not of this template"
            roles[name] = statements(template, role, resolve)
    path = sam.ROOT / "target/roles.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(roles, indent=2, sort_keys=True) + "\n")
    print(f"{path.relative_to(sam.ROOT)}: {', '.join(f'{name} {len(role)} statements' for name, role in sorted(roles.items()))}")


if __name__ == "__main__":
    main()
