"""An issuer of tokens: its discovery document and its keys, from a KMS key."""

import base64
import json
import os
import urllib.request


def handler(event, _context):
    issuer = os.environ["ISSUER"]
    if event["rawPath"].endswith("openid-configuration"):
        return answer({"issuer": issuer, "jwks_uri": f"{issuer}/keys"})
    public_key = get_public_key(os.environ["KEY_ID"])
    # The places of the modulus and the exponent in the DER form of a 2048-bit RSA key.
    modulus, exponent = public_key[33:289], public_key[291:294]
    key = {"kid": "1", "kty": "RSA", "alg": "RS256", "n": encode(modulus), "e": encode(exponent)}
    return answer({"keys": [key]})


def get_public_key(key_id):
    request = urllib.request.Request(  # noqa: S310
        os.environ["AWS_ENDPOINT_URL"],
        json.dumps({"KeyId": key_id}).encode(),
        {"X-Amz-Target": "TrentService.GetPublicKey"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return base64.b64decode(json.load(answer)["PublicKey"])


def answer(body):
    return {"statusCode": 200, "body": json.dumps(body)}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
