"""Secrets Manager: generated secrets, and what `!Ref` of one is."""

import json
import secrets
import string
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import changesets, provisioners

from local.emulator.provisioning import Properties, is_true


def fill_gaps() -> None:
    """Generate secrets with the options asked for, and refer to them as AWS does."""
    provisioners._sm_secret_string = secret_string
    _refer_by_arn()
    _import_by_id()


def _refer_by_arn() -> None:
    """Fill a gap: `!Ref` of a secret gives its name; AWS gives its ARN."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_by_arn(*arguments: Any) -> Any:
        _name, attributes = create(*arguments)
        return attributes["Arn"], attributes

    def update_by_arn(arn: str, *arguments: Any, **named: Any) -> Any:
        _name, attributes = update(_name_of(arn), *arguments, **named)
        return attributes["Arn"], attributes

    def delete_by_arn(arn: str, *arguments: Any) -> Any:
        return delete(_name_of(arn), *arguments)

    handlers.update(create=create_by_arn, update=update_by_arn, delete=delete_by_arn)


def _import_by_id() -> None:
    """Import a secret into a stack, which AWS does by its Id, the ARN."""

    def adopt(identifier: Properties) -> tuple[str, dict[str, str]]:
        secret = secretsmanager._secrets[_name_of(identifier["Id"])]
        return secret["ARN"], {"Id": secret["ARN"], "Arn": secret["ARN"]}

    def problem(arn: str) -> str | None:
        return None if _name_of(arn) in secretsmanager._secrets else f"{arn} was not found."

    provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]["import"] = adopt
    changesets._IMPORT_LOOKUPS["AWS::SecretsManager::Secret"] = (("Id",), problem)


def _name_of(arn: str) -> str:
    for name, secret in secretsmanager._secrets.items():
        if secret["ARN"] == arn:
            return str(name)
    return arn


def secret_string(properties: Properties) -> str:
    """Generate as AWS does: the emulator ignores every Exclude… and Include… option but one.

    A template that asks for a password without punctuation would otherwise get one with.
    """
    options = properties.get("GenerateSecretString")
    if properties.get("SecretString") or not options:
        return str(properties.get("SecretString", ""))
    password = _password(options)
    if "SecretStringTemplate" not in options:
        return password
    document: dict[str, Any] = json.loads(options["SecretStringTemplate"])
    document[options["GenerateStringKey"]] = password
    return json.dumps(document)


def _password(options: Properties) -> str:
    excluded = set(options.get("ExcludeCharacters", ""))
    kinds = [
        [character for character in characters if character not in excluded]
        for option, characters in (
            ("ExcludeLowercase", string.ascii_lowercase),
            ("ExcludeUppercase", string.ascii_uppercase),
            ("ExcludeNumbers", string.digits),
            ("ExcludePunctuation", string.punctuation),
        )
        if not is_true(options.get(option))
    ]
    if is_true(options.get("IncludeSpace")):
        kinds.append([" "])
    kinds = [kind for kind in kinds if kind]
    everything = [character for kind in kinds for character in kind]
    chosen = []
    if is_true(options.get("RequireEachIncludedType", True)):
        chosen = [secrets.choice(kind) for kind in kinds]
    while len(chosen) < int(options.get("PasswordLength", 32)):
        chosen.append(secrets.choice(everything))
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)
