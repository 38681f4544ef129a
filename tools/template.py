"""Translates template.yaml (SAM) into plain CloudFormation, and resolves intrinsic functions for given parameters.

As a command: template.py FILE writes the translated template.
"""

import copy
import json
import os
import re
import sys
from pathlib import Path

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent


def plain_values(value):
    """The same without the translator's own kinds of dictionaries and text."""
    return json.loads(json.dumps(value))


def read(path=ROOT / "template.yaml"):
    """The template as CloudFormation sees it: short forms such as !Ref written out."""
    return plain_values(yaml_parse(path.read_text()))


def translate(template):
    """Plain CloudFormation, with the functions' zips in `CodeBucket` below `CodePrefix`.

    Parameters stay parameters: the translator would put their defaults in place of them.
    """
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = copy.deepcopy(template)
    template["Parameters"] |= {
        "CodeBucket": {"Type": "String", "Description": "Bucket that holds the functions' zips."},
        "CodePrefix": {"Type": "String", "Description": "What comes before the zips' names in it.", "Default": ""},
    }
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = Path(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Fn::Sub": f"${{CodePrefix}}{name}.zip"}}
    defaults = {name: parameter.pop("Default") for name, parameter in template["Parameters"].items() if "Default" in parameter}
    plain = Translator({}, Parser()).translate(template, {})
    for name, default in defaults.items():
        plain["Parameters"][name]["Default"] = default
    return plain_values(plain)


def dump(template):
    """YAML without aliases, which CloudFormation does not read."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    return yaml.dump(template, Dumper=Dumper, sort_keys=False, width=10_000)


class Resolver:
    """Resolves the intrinsic functions that the template uses. What it does not know is an error, not a guess."""

    NO_VALUE = object()

    def __init__(self, template, parameters, references, attributes):
        self.template = template
        self.parameters = {
            name: parameters.get(name, parameter.get("Default")) for name, parameter in template["Parameters"].items()
        }
        for name, parameter in template["Parameters"].items():
            if parameter["Type"] == "CommaDelimitedList" and isinstance(self.parameters[name], str):
                self.parameters[name] = self.parameters[name].split(",")
        self.references = references
        self.attributes = attributes

    def __call__(self, value):
        if isinstance(value, list):
            items = [self(item) for item in value]
            return [item for item in items if item is not self.NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self.function(name, argument)
        items = {key: self(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not self.NO_VALUE}

    def function(self, name, argument):
        match name:
            case "Ref":
                return self.ref(argument)
            case "Fn::GetAtt":
                resource, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self.attributes[resource, attribute]
            case "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", self.substitute, argument)
            case "Fn::Join":
                separator, items = argument
                return separator.join(self(items))
            case "Fn::Split":
                separator, text = argument
                return self(text).split(separator)
            case "Fn::Select":
                index, items = argument
                return self(items)[int(index)]
            case "Fn::If":
                condition, yes, no = argument
                return self(yes if self.condition(self.template["Conditions"][condition]) else no)
        raise ValueError(f"{name} is not resolved here")

    def substitute(self, match):
        name = match.group(1)
        if "." in name:
            return self.attributes[tuple(name.split(".", 1))]
        return self.ref(name)

    def ref(self, name):
        if name == "AWS::NoValue":
            return self.NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        return self.references[name]

    def condition(self, value):
        (name, argument), = value.items()
        match name:
            case "Fn::Equals":
                return self(argument[0]) == self(argument[1])
            case "Fn::Not":
                return not self.condition(argument[0])
            case "Fn::Or":
                return any(self.condition(one) for one in argument)
            case "Condition":
                return self.condition(self.template["Conditions"][argument])
        raise ValueError(f"{name} is not resolved here")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dump(translate(read())))
