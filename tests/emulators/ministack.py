#!/usr/bin/env python3
"""Deploys the template to ministack by `sam deploy`, runs draws through what it made, and removes it by `infra/remove`.

    tests/tools/setup emulators
    tests/emulators/ministack.py

Another emulator than ours: its CloudFormation makes the resources, its HTTP API, Lambda, Step Functions, Cognito,
DynamoDB, SNS and EventBridge run them. What it cannot do, and the template is changed for, stands in `GAPS`.
"""

import concurrent.futures
import json
import re
import subprocess
import sys
import time
import urllib.parse

from support import (
    TOOLS,
    PROJECT,
    Api,
    Processes,
    binaries,
    credentials,
    free_port,
    http,
    local_stack,
    pack,
    step,
    story,
    until,
    verifier,
)

STACK, SENDER = "party", "draws@example.com"

# Each change of the template: what is replaced, by what, how often at least, and why.
GAPS = [
    # It has no versions and aliases of state machines.
    (r"\n      AutoPublishAlias: live\n      DeploymentPreference:\n(        .*\n)+", "\n", 1),
    (r"!Ref StateMachineAliaslive", "!Ref StateMachine", 4),
    # It makes no alarms of metric math.
    (r"  \w+Alarm:\n(    .*\n)+?      Metrics:\n(      .*\n|        .*\n)+", "", 3),
    # Functions are packed from binaries of this machine, which `sam build` would build for another.
    (r"(Binary: )([a-z-]+)(.*\n(?:    .*\n)+?      CodeUri: )\S+", r"\1\2\3lambda/\2", 11),
    (r"    Metadata: \{BuildMethod: .*\n", "", 11),
]


# A deployment that fails when all that can be protected has been made.
BROKEN = """\
  Never:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: [LotteryTable, ContactsTable, UserPool, Organiser]
    Properties: {Handle: !Ref Handle, Timeout: "1", Count: 1}

  Handle: {Type: "AWS::CloudFormation::WaitConditionHandle"}

Outputs:
"""


def template(folder, variables):
    """Writes the template that ministack can make, with these variables for every function, and one that fails."""
    text = (PROJECT / "infra/template.yaml").read_text()
    for pattern, replacement, times in GAPS:
        text, found = re.subn(pattern, replacement, text)
        assert found >= times, f"{pattern}: {found} times instead of {times}"
    text = text.replace("../statemachine/", f"{PROJECT}/statemachine/")
    given = "".join(f"        {name}: {json.dumps(value)}\n" for name, value in variables.items())
    text = text.replace("        LOTTERY_TABLE: !Ref LotteryTable\n", f"        LOTTERY_TABLE: !Ref LotteryTable\n{given}", 1)
    # The keys of its Cognito are where it is itself.
    keys = f"!Sub {variables['AWS_ENDPOINT_URL']}/${{UserPool}}/.well-known/jwks.json"
    text = re.sub(r"!Sub https://cognito-idp\.\S+jwks\.json", keys, text)
    built = folder / ".aws-sam/build"
    built.mkdir(parents=True)
    text = text.replace("CodeUri: lambda/", f"CodeUri: {folder}/lambda/")
    (built / "template.yaml").write_text(text)
    (folder / "broken.yaml").write_text(text.replace("Outputs:\n", BROKEN, 1))


def main():
    began = time.monotonic()
    built = binaries()
    with Processes() as processes:
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        env = credentials(endpoint)
        python = TOOLS / ".venv-emulators/bin"
        processes.start("ministack", [python / "ministack"], {
            **env, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"})
        _, rounds = local_stack(processes, built)
        until("ministack", lambda: http("GET", f"{endpoint}/_ministack/health")[0] == 200)
        names = re.findall(r"Binary: ([a-z-]+)", (PROJECT / "infra/template.yaml").read_text())
        pack(built, names, processes.folder / "lambda")
        step(began, "ministack and a beacon run")

        def run(*command, code=0):
            path = f"{TOOLS}/.venv/bin:{TOOLS}/.venv-infra/bin:{env['PATH']}"
            env_of = {**env, "PATH": path}
            result = subprocess.run(command, env=env_of, cwd=processes.folder, capture_output=True, text=True)
            assert result.returncode == code, f"{command}: {result.stdout[-4000:]}{result.stderr[-4000:]}"
            return result.stdout

        def aws(*arguments):
            return json.loads(run("aws", "--endpoint-url", endpoint, "--output", "json", *arguments) or "null")

        # As `sam build` leaves it, deployed as docs/deploy.md says; a second time nothing has changed.
        template(processes.folder, {**rounds, "AWS_ENDPOINT_URL": endpoint})
        sam = ["sam", "deploy", "--config-file", str(PROJECT / "infra/samconfig.toml"), "--no-progressbar"]
        parameters = ["--parameter-overrides", "OperatorEmail=me@example.com", f"EmailSender={SENDER}"]

        def fail():
            run(*sam, "--template", "broken.yaml", "--stack-name", "broken", *parameters, code=1)
            (broken,) = aws("cloudformation", "describe-stacks", "--stack-name", "broken")["Stacks"]
            assert broken["StackStatus"] == "ROLLBACK_COMPLETE", broken
            tables = aws("dynamodb", "list-tables")["TableNames"]
            assert not [it for it in tables if it.startswith("broken-")], tables
            run(PROJECT / "infra/remove", "broken", "--yes")
            step(began, "a first deployment that fails is rolled back, and removed")

        aws("sesv2", "create-email-identity", "--email-identity", SENDER)
        run(*sam, "--stack-name", STACK, *parameters)
        step(began, "sam deploy")
        # SAM waits more than it works, so this goes on beside what follows; not before, since SAM has made its bucket by now.
        failing = concurrent.futures.ThreadPoolExecutor(1).submit(fail)
        run(*sam, "--stack-name", STACK, *parameters)
        step(began, "sam deploy, with nothing to change")
        (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", STACK)["Stacks"]
        outputs = {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}
        assert outputs["Protection"].startswith("OFF"), outputs
        run(PROJECT / "infra/protect", STACK)
        (table,) = [it for it in aws("dynamodb", "list-tables")["TableNames"] if it.startswith(f"{STACK}-Contacts")]
        described = aws("dynamodb", "describe-table", "--table-name", table)["Table"]
        assert described["DeletionProtectionEnabled"] is True, described
        step(began, "infra/protect")

        api_id = outputs["ApiHost"].split(".")[0]
        client = aws("cognito-idp", "describe-user-pool-client", "--user-pool-id", outputs["UserPoolId"],
                     "--client-id", outputs["OrganiserId"])["UserPoolClient"]
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": client["ClientId"],
                                       "client_secret": client["ClientSecret"]})
        status, _, answer = http("POST", f"{endpoint}/oauth2/token", form,
                                 {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 200, answer
        token = json.loads(answer)["access_token"]
        api = Api(endpoint, token, {"Host": f"{api_id}.execute-api.localhost:{port}"})
        story(api, "party", verifier(built, rounds))
        step(began, "draws through the HTTP API")
        people = "participant_id,name,email\n1,Ann,ann@example.com\n2,Ben,ben@example.com\n"
        api.call(201, "POST", "/lotteries", {"id": "letters", "name": "Letters", "email_through": "ses"})
        api.call(200, "POST", "/lotteries/letters/participants", people)
        draw = api.draw("letters", winners=2, channels=["email"])
        assert draw["status"] == "SUCCEEDED", draw
        step(began, "a draw that tells winners by e-mail through SES")
        executions = aws("stepfunctions", "list-executions", "--state-machine-arn", outputs["StateMachineArn"])
        ends = sorted(it["status"] for it in executions["executions"])
        assert ends == ["ABORTED", "FAILED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"], ends

        failing.result()
        run(PROJECT / "infra/remove", STACK, "--yes")
        left = {
            "tables": aws("dynamodb", "list-tables")["TableNames"],
            "functions": aws("lambda", "list-functions")["Functions"],
            "topics": aws("sns", "list-topics").get("Topics", []),
            "state machines": aws("stepfunctions", "list-state-machines")["stateMachines"],
            "user pools": aws("cognito-idp", "list-user-pools", "--max-results", "10")["UserPools"],
            "queues": (aws("sqs", "list-queues") or {}).get("QueueUrls", []),
        }
        assert not any(left.values()), left
        step(began, "infra/remove leaves nothing")


if __name__ == "__main__":
    sys.exit(main())
