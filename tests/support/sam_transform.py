"""The SAM transform of a template, as CloudFormation applies it: `.sam/bin/python -m tests.support.sam_transform`.

Arguments: the template, a name for the layer's content, and parameters as `Name=value`. It prints the result as JSON.
"""

from __future__ import annotations

import json
import sys

import boto3  # type: ignore[import-untyped]  # it has no types
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]  # in .sam only
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]  # the same
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]  # the same

REGION = "eu-west-1"

if __name__ == "__main__":
    path, layer, *given = sys.argv[1:]
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # .sam may have another Python
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/function"
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = f"s3://bucket/{layer}"
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    parameters = defaults | dict(each.split("=", 1) for each in given)
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    json.dump(translator.translate(template, parameters), sys.stdout)
