#!/usr/bin/env python3
"""Runs the API and the tasks over Lambda's runtime API, on the DynamoDB, SNS, SES and Secrets Manager of moto.

    tests/tools/setup emulators
    tests/tools/.venv-emulators/bin/python tests/emulators/moto.py

The variables of each function and the tables are those of `infra/template.yaml`. Gaps of moto, and what stands in:
- Its Step Functions runs no definitions by itself: the local stack's does, and calls the functions here.
- It has no beacon: the local stack's.
- Whom SNS asks for consent by e-mail has given it at once.
"""

import base64
import json
import sys
import time

import boto3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from support import (
    PROJECT,
    TOOLS,
    Api,
    Processes,
    binaries,
    credentials,
    free_port,
    http,
    local_stack,
    step,
    story,
    until,
    verifier,
)
from runtime import Handler, Lambda, gateway, serve

sys.path.insert(0, str(PROJECT / "tests/infra"))
ISSUER, AUDIENCE = "https://issuer.example.com", "lottery"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def issuer():
    """The address of an issuer's keys, and a token of the organiser that it has signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    number = lambda value: base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
    keys = {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": number(numbers.n), "e": number(numbers.e)}]}

    class Keys(Handler):
        def do_GET(self):
            self.answer(200, json.dumps(keys).encode(), (("Content-Type", "application/json"),))

    now = int(time.time())
    scopes = "lottery/draws:write lottery/participants:read lottery/participants:write lottery/results:read"
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "organiser", "iat": now, "exp": now + 3600, "scope": scopes}
    parts = [{"alg": "RS256", "typ": "JWT", "kid": "1"}, claims]
    signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"http://127.0.0.1:{serve(Keys).server_address[1]}/jwks.json", f"{signed}.{base64url(signature)}"


def set_up(env, template):
    """Makes what the template makes beside functions, as far as the functions meet it; gives the secret's ARN."""
    client = lambda service: boto3.client(service, endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_REGION"],
                                          aws_access_key_id="test", aws_secret_access_key="test")
    for table in template["tables"]:
        keys = [table["partition_key"], table["sort_key"]]
        client("dynamodb").create_table(
            TableName=table["name"], BillingMode=table["billing"],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in zip(keys, table["key_types"])],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"))],
        )
    sender = template["functions"]["SendEmail"]["environment"]
    client("sesv2").create_email_identity(EmailIdentity=sender["EMAIL_SENDER"])
    client("sesv2").create_configuration_set(ConfigurationSetName=sender["EMAIL_CONFIGURATION_SET"])
    return client("secretsmanager").create_secret(Name="organiser", SecretString="a" * 64)["ARN"]


def main():
    from template import Template

    began = time.monotonic()
    built = binaries()
    template = Template(PROJECT).summary()
    with Processes() as processes:
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        server = TOOLS / ".venv-emulators/bin/moto_server"
        env = credentials(endpoint)
        processes.start("moto", [server, "--host", "127.0.0.1", "--port", str(port)], env)
        lambdas = Lambda(processes)
        local, rounds = local_stack(processes, built, "--lambda-endpoint", lambdas.endpoint)
        until("moto", lambda: http("GET", f"{endpoint}/moto-api/")[0] == 200)
        secret = set_up(env, template)
        keys, token = issuer()
        own = {
            **rounds,
            "AWS_ENDPOINT_URL_SFN": local,
            "ORGANISER_SECRET_ARN": secret,
            "PUBLIC_URL": "https://draws.example.com",
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "JWKS_URL": keys,
            # A quarter of an hour is too long for this, and moto applies filters at once.
            "FILTER_POLICY_SECONDS": "0",
        }
        for function in template["functions"].values():
            lambdas.add(function["name"], built / function["name"], {**env, **function["environment"], **own})
        step(began, "moto, Lambda and the local stack's Step Functions run")

        api = Api(gateway(lambdas, "api"), token)
        story(api, "party", verifier(built, rounds))
        step(began, "draws that tell winners by SMS")
        people = "participant_id,name,email\n" + "".join(f"{n},Person {n},p{n}@example.com\n" for n in range(1, 4))
        for through in ("ses", "sns"):
            api.call(201, "POST", "/lotteries", {"id": through, "name": through, "email_through": through})
            api.call(200, "POST", f"/lotteries/{through}/participants", people)
            draw = api.draw(through, winners=2, channels=["email"])
            assert draw["status"] == "SUCCEEDED", draw
            step(began, f"a draw that tells winners by e-mail through {through.upper()}")

        # The examples for `cargo lambda invoke --data-file`; their draw is not there, and nobody has a token.
        for path in sorted((PROJECT / "infra/events").glob("*.json")):
            name = "api" if path.stem.startswith("api") else path.stem
            failed, answer = lambdas.invoke(name, path.read_bytes())
            answer = json.loads(answer)
            if name == "api":
                assert not failed and answer["statusCode"] in (200, 401), f"{path.name}: {answer}"
            else:
                assert not failed or answer["errorType"] != "WrongInput", f"{path.name}: {answer}"
        step(began, "the examples of events")


if __name__ == "__main__":
    sys.exit(main())
