"""The runbooks, command by command as they stand in docs/, on the deployed template.

They take a stack of their own: tables are deleted here, and at last the stack itself.
"""

import json
import re
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.cardvault import running
from local.clients.gift_cards import GIFT_SCOPES, GiftProgram
from local.clients.shop import ALL_SCOPES
from local.stack.embedded import STACK_NAME
from tests.support.documents import Terminal, filled, sections
from tests.support.template import resources

# Some hundred commands, each a process of its own.
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(1200)]

OPERATIONS, RESTORING = sections("operations.md"), sections("restoring.md")
ADDRESS = "ada@example.com"
TOGETHER = "OrdersTable AuditTrailTable GiftGuardsTable"


@pytest.fixture(scope="module")
def vault():
    with running(handling_s=0.2) as running_vault:
        yield running_vault


@pytest.fixture(scope="module")
def terminal(vault, tmp_path_factory):
    (begin,) = OPERATIONS["Before you begin"]
    return Terminal(
        tmp_path_factory.mktemp("operator"),
        vault.stack.aws_url,
        filled(begin, {"STACK": STACK_NAME}),
    )


@pytest.fixture(scope="module")
def shop(vault):
    return vault.shop(scopes=(*ALL_SCOPES, "cards:shred", "orders:adopt"))


@pytest.fixture
def alice(shop):
    return shop.user("alice")


def ordered(alice, key=None, **more):
    wanted = {"productId": "P1", "typeId": "T1", "quantity": 2, **more}
    answer = alice.order(key or uuid.uuid4().hex, **wanted)
    order_id = answer.json()["orderId"]
    assert alice.settled(order_id)["status"] == "fulfilled"
    return order_id


def codes(alice, order_id):
    return [card["code"] for card in alice.get(order_id, "/cards").json()["cards"]]


def answers(text):
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        answer, end = decoder.raw_decode(rest)
        found.append(answer)
        rest = rest[end:].strip()
    return found


# --- what operators invoke ---


def test_the_ledger_is_verified_to_its_end(vault, terminal):
    program = GiftProgram.create(vault, vault.shop("gifts", scopes=GIFT_SCOPES))
    program.active_card("10.00")
    (command,) = OPERATIONS["The ledger"]
    told = answers(terminal.run(command))
    assert sum(answer["cards"] for answer in told) == 1
    assert not any(answer["differences"] for answer in told)


def test_keys_are_rewrapped_and_clients_managed(vault, terminal, alice):
    order_id = ordered(alice)
    before = codes(alice, order_id)
    (manage,) = OPERATIONS["Keys and clients"]
    (rewrap,) = OPERATIONS["The key that wraps data keys"]
    tomorrow = rewrap.replace("2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    assert sum(answer["rewrapped"] for answer in answers(terminal.run(tomorrow))) >= 1
    assert codes(alice, order_id) == before
    request = {"action": "create", "name": "written to a file", "scopes": ["orders:read"]}
    (terminal.folder / "request.json").write_text(json.dumps(request))
    (made,) = answers(terminal.run(manage))
    assert made["clientSecret"]


def test_the_keys_of_gift_cards_are_rotated(vault, terminal):
    """The pauses are taken out of the secret, for a test does not wait."""
    shop = vault.shop(scopes=GIFT_SCOPES)
    card = GiftProgram.create(vault, shop).active_card("10.00")
    prepare, switch, reseal, retire = OPERATIONS["The keys of gift cards"]
    (prepared,) = answers(terminal.run(prepare))
    assert prepared["stage"] == "prepared"
    with pytest.raises(AssertionError, match="InvalidRequest"):
        terminal.run(switch)
    wait_no_longer(vault)
    assert answers(terminal.run(switch))[-1]["stage"] == "switched"
    wait_no_longer(vault)
    rounds = answers(terminal.run(reseal))
    assert sum(told["resealed"] for told in rounds) >= 2
    assert sum(told["failed"] for told in rounds) == 0
    before = number_secret(vault)
    assert answers(terminal.run(retire))[-1]["stage"] == "settled"
    assert "former" not in number_secret(vault)
    # Functions that other tests have called still seal under the former key.
    keep_number_secret(vault, before)
    entries = vault.stack.client("dynamodb").query(
        TableName=vault.stack.outputs["GiftCardsTable"],
        KeyConditionExpression="cardId = :card",
        ExpressionAttributeValues={":card": {"S": card["id"]}},
    )["Items"]
    kinds = [entry["transactionType"]["S"] for entry in entries if "transactionType" in entry]
    assert kinds == ["PURCHASE", "ACTIVATION", "KEY_ROTATION"]


def wait_no_longer(vault):
    long_ago = {"changedAt": "2026-01-02T03:04:05.000Z"}
    keep_number_secret(vault, {**number_secret(vault), **long_ago})


def number_secret(vault):
    secrets = vault.stack.client("secretsmanager")
    kept = secrets.get_secret_value(SecretId=number_secret_arn(vault))
    return json.loads(kept["SecretString"])


def keep_number_secret(vault, secret):
    secrets = vault.stack.client("secretsmanager")
    secrets.put_secret_value(SecretId=number_secret_arn(vault), SecretString=json.dumps(secret))


def number_secret_arn(vault):
    found = vault.stack.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="CardNumberSecret"
    )
    return found["StackResourceDetail"]["PhysicalResourceId"]


def test_a_round_that_fails_ends_the_loop_with_its_error(terminal):
    with pytest.raises(AssertionError, match="InvalidRequest"):
        terminal.run("""in_rounds VerifyLedgerFunction '{"cursor": "x"}'""")


def test_a_loop_follows_the_cursor(terminal):
    script = """
operate() { cat >> asked; printf '\\n' >> asked
  case $(wc -l < asked) in 1) echo '{"n": 1, "nextCursor": "a.b"}' ;; *) echo '{"n": 2}' ;; esac; }
in_rounds Any '{"wrappedBefore": "now"}'
cat asked
"""
    one, two, *asked = answers(terminal.run(script))
    assert (one["n"], two["n"]) == (1, 2)
    assert asked == [{"wrappedBefore": "now"}, {"wrappedBefore": "now", "cursor": "a.b"}]


def test_an_order_is_redriven(terminal, alice):
    order_id = ordered(alice)
    supplier_order_id = alice.get(order_id).json()["supplierOrderId"]
    values = {
        "ORDER_ID": order_id,
        "SUPPLIER_ORDER_ID": supplier_order_id,
        "PLACING_AT": "2026-01-02T03:04:05.678Z",
    }
    plain, named, not_placed, _stopped = OPERATIONS["An order needs attention"]
    for block in (plain, named, not_placed):
        assert "execution" in terminal.run(filled(block, values))
    assert alice.settled(order_id)["status"] == "fulfilled"


def test_orders_that_stopped_are_moved_on_at_once(terminal):
    _plain, _named, _not_placed, reconcile = OPERATIONS["An order needs attention"]
    (done,) = answers(terminal.run(reconcile))
    assert (done["failed"], done["more"]) == (0, False)


def verified(terminal):
    """What the command says, once nothing waits to be chained."""
    command, _log, _of_gift_cards = OPERATIONS["The audit trail"]
    while "not chained" in (said := terminal.run(command)):
        pass
    return said


def test_the_audit_trail_is_verified(terminal, alice):
    ordered(alice)
    assert verified(terminal) == "the trail holds\n"


def test_the_log_has_the_chain_s_last_hash(terminal, alice):
    order_id = ordered(alice)
    verified(terminal)
    _command, log, _of_gift_cards = OPERATIONS["The audit trail"]
    line = json.loads(terminal.run(filled(log, {"ORDER_ID": order_id})))
    trail = alice.get(order_id, "/audit").json()["events"]
    assert (line["lastSeq"], line["lastHash"]) == (trail[-1]["seq"], trail[-1]["hash"])


def test_the_trail_of_gift_cards_is_verified(terminal):
    _command, _log, of_gift_cards = OPERATIONS["The audit trail"]
    assert terminal.run(of_gift_cards) == "the trail holds\n"


def test_an_entry_is_anchored_by_hand(vault, terminal):
    shop = vault.shop(scopes=GIFT_SCOPES)
    card_id = GiftProgram.create(vault, shop).active_card("10.00")["id"]
    (command,) = OPERATIONS["Entries that are not anchored"]
    assert answers(terminal.run(filled(command, {"CARD": card_id})))[-1]["seq"] == 2


def test_events_are_chained_by_hand(terminal, alice):
    (command,) = OPERATIONS["Events that are not chained"]
    said = terminal.run(filled(command, {"SUBJECT": ordered(alice)}))
    (answer,) = answers(said)
    assert (answer["malformed"], answer["more"]) == (0, False)
    assert verified(terminal) == "the trail holds\n"


# --- a table goes back ---


def steps(*numbers):
    """The commands of the runbook's steps, a block each."""
    found = {heading[:1]: body for heading, body in RESTORING.items() if heading[1:2] == "."}
    return [block for number in numbers for block in found[str(number)]]


@pytest.fixture(scope="module")
def going_back(terminal):
    """A terminal in which the runbook's first block was run."""
    (begin,) = RESTORING["A table goes back to a moment"]
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"MOMENT": moment, "TABLES": TOGETHER}
    return replace(terminal, preamble=terminal.preamble + filled(begin, values))


def limits(vault):
    """What each function's concurrency is limited to."""
    client = vault.stack.client("lambda")
    names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
    found = [client.get_function_concurrency(FunctionName=name) for name in names]
    return {limit.get("ReservedConcurrentExecutions") for limit in found}


def test_orders_go_back_to_a_moment_and_what_happened_since_stays(vault, going_back, alice):
    kept, shredded = ordered(alice), ordered(alice)
    before = codes(alice, kept)
    assert verified(going_back) == "the trail holds\n"
    # The emulator copies a table as it is now: what follows the copy is what happened since.
    copy, trails, _ledger = steps(2)
    going_back.run(copy)
    assert going_back.run(trails) == "the trail holds\n"
    key = uuid.uuid4().hex
    lost = ordered(alice, key)
    lost_bought_as = alice.get(lost).json()["supplierOrderId"]
    assert alice.call("DELETE", f"/api/orders/{shredded}/cards").status_code == 200
    bought = vault.supplier.orders()

    (stop,) = steps(1)
    going_back.run(stop)
    assert limits(vault) == {0}
    assert going_back.run("running") == ""
    (carry_over,) = steps(3)
    told = going_back.run(carry_over)
    assert f"{lost} gone: it is younger than the backup; supplierOrderId {lost_bought_as}" in told
    assert f"{shredded} shredded since" in told
    for block in steps(4, 5):
        said = going_back.run(block)
    assert said == "IN_SYNC\n" * 3
    (reopen,) = steps(6)
    going_back.run(reopen)
    assert limits(vault) == {None}

    assert codes(alice, kept) == before
    assert alice.get(shredded, "/cards").status_code == 410
    assert alice.get(lost).status_code == 404
    again = alice.order(key, productId="P1", typeId="T1", quantity=2)
    assert again.status_code == 404
    assert vault.supplier.orders() == bought
    assert codes(alice, ordered(alice))
    assert verified(going_back) == "the trail holds\n"

    free, _delete_key = steps(7)
    adoption = {"supplierOrderId": lost_bought_as}
    assert alice.order(uuid.uuid4().hex, **adoption).status_code == 409
    going_back.run(filled(free, {"SUPPLIER_ORDER_ID": lost_bought_as}))
    adopted = alice.order(uuid.uuid4().hex, **adoption).json()["orderId"]
    assert alice.settled(adopted)["status"] == "fulfilled"
    assert len(vault.supplier.orders()) == len(bought) + 1, "adopted, not bought"

    (clean,) = steps(8)
    going_back.run(clean)
    tables = vault.stack.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in tables if name.endswith("-restored")]


def test_the_key_of_an_order_stored_since_is_deleted(vault, going_back, alice):
    order_id = ordered(alice)
    _free, delete_key = steps(7)
    going_back.run(filled(delete_key, {"ORDER_ID": order_id}))
    assert alice.get(order_id, "/cards").json()["code"] == "CARDS_SHREDDED"


def test_a_new_table_of_links_is_like_the_old_one(vault, going_back):
    (anew,) = RESTORING["When it is `AccessLinksTable`"]
    switch_on, in_sync = steps(5)
    said = going_back.run(f"TABLES=AccessLinksTable\n{anew}\n{switch_on}\n{in_sync}")
    assert said.endswith("IN_SYNC\n")
    name = vault.stack.outputs["AccessLinksTable"]
    found = vault.stack.client("dynamodb").describe_time_to_live(TableName=name)
    assert found["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "purgeAt",
    }


def test_a_gift_card_is_anchored_anew(vault, terminal):
    shop = vault.shop(scopes=GIFT_SCOPES)
    card_id = GiftProgram.create(vault, shop).active_card("10.00")["id"]
    (anew,) = RESTORING["When it is `GiftCardsTable`"]
    assert answers(terminal.run(filled(anew, {"CARD": card_id})))[-1]["seq"] == 2
    assert vault.operate("VerifyLedgerFunction")["differences"] == []


# --- what alarms lead to ---


@pytest.fixture(scope="module")
def alarmed(terminal):
    """A terminal in which the first block of the alarms was run."""
    (begin,) = OPERATIONS["Alarms"]
    return replace(terminal, preamble=terminal.preamble + begin)


def test_an_execution_that_was_stopped_is_found_with_its_order(vault, alarmed, alice):
    key = uuid.uuid4().hex
    order_id = alice.order(key, productId="P1", typeId="T1", quantity=2).json()["orderId"]
    machine = vault.stack.outputs["StateMachineArn"]
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{order_id}"
    vault.stack.client("stepfunctions").stop_execution(executionArn=execution)
    listing, describing = OPERATIONS["Which order it is"]
    assert f"ABORTED\t{order_id}\n" in alarmed.run(listing)
    told = alarmed.run(f"EXECUTION={execution}\n{describing}")
    assert json.loads(told) == {"orderId": order_id}


@pytest.mark.parametrize("heading", ["Which route fails", "Who guesses"])
def test_the_calls_of_a_route_are_looked_for_in_fields_that_the_log_has(alarmed, heading):
    (command,) = OPERATIONS[heading]
    # The emulator writes no access log, so that none is found is all it can say.
    assert json.loads(alarmed.run(command)) == []
    line = resources("AWS::Serverless::HttpApi")["HttpApi"]["Properties"]["AccessLogSettings"]
    assert set(re.findall(r"\$\.(\w+)", command)) <= json.loads(line["Format"]).keys()


def test_failures_are_looked_for_in_every_log_group(alarmed):
    (command,) = OPERATIONS["Finding it in the logs"]
    assert json.loads(alarmed.run(command.replace("sleep 10", "")))["status"] == "Complete"


def test_failed_events_are_looked_for_in_the_queue_and_with_ses(alarmed):
    replay, suppressed = OPERATIONS["Failed events"]
    assert alarmed.run(replay) == ""
    assert json.loads(alarmed.run(suppressed)) == {"SuppressedDestinationSummaries": []}


def test_a_silent_schedule_is_found_and_its_work_is_done(alarmed):
    (command,) = OPERATIONS["A schedule is silent"]
    said = alarmed.run(command)
    assert "SweepDownloadsFunctionEveryMinute" in said
    assert '{"deleted": 0, "more": false}' in said


# --- deploying ---


def test_a_key_for_signing_is_made(terminal):
    (command,) = OPERATIONS["The key that signs tokens"]
    assert terminal.run(command).startswith("arn:aws:kms:")


def test_the_stack_policy_is_lifted(vault, terminal):
    _with_sam, _quotas, lift = OPERATIONS["Deploying"]
    terminal.run(lift)
    policy = vault.stack.client("cloudformation").get_stack_policy(StackName=STACK_NAME)
    assert json.loads(policy["StackPolicyBody"])["Statement"][0]["Effect"] == "Allow"


# --- a deleted table ---


def test_a_deleted_table_comes_back(vault, going_back, alice):
    order_id = ordered(alice)
    before = codes(alice, order_id)
    dynamodb, name = vault.stack.client("dynamodb"), vault.stack.outputs["OrdersTable"]
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.create_backup(TableName=name, BackupName="as DynamoDB makes it by itself")
    dynamodb.delete_table(TableName=name)
    (bring_back,) = RESTORING["A deleted table"]
    switch_on, in_sync = steps(5)
    going_back.run(filled(bring_back, {"TABLE": "OrdersTable"}))
    said = going_back.run(f"TABLES=OrdersTable\n{switch_on}\n{in_sync}")
    assert said.endswith("IN_SYNC\n")
    assert codes(alice, order_id) == before


# --- retention ---


def test_a_tenants_cards_and_addresses_go_by_themselves(vault, terminal):
    shop = vault.shop(scopes=(*ALL_SCOPES, "cards:shred"))
    carol = shop.user("carol")
    kept, over = (ordered(carol, delivery={"email": ADDRESS}) for _ in range(2))
    for order_id in (kept, over):
        assert list(carol.follow(order_id, until=lambda order: "emailedAt" in order))
        assert codes(carol, order_id)
    _long_ago(vault, over)
    set_days, apply = OPERATIONS["Retention"]
    (given,) = answers(terminal.run(filled(set_days, {"TENANT": shop.tenant_id})))
    assert (given["shredAfterDeliveryDays"], given["eraseAfterDays"]) == (30, 30)
    for _ in range(2):  # what is done once is done
        while terminal.run(apply).splitlines() != ["202", f"{datetime.now(UTC):%Y-%m-%d}"]:
            time.sleep(0.1)
    assert carol.get(over, "/cards").json()["code"] == "CARDS_SHREDDED"
    assert codes(carol, kept)
    told = carol.get(over, "/audit").json()["events"]
    names = [event["event"] for event in told]
    assert (names.count("CARDS_SHREDDED"), names.count("RECIPIENT_ERASED")) == (1, 1)
    assert ADDRESS not in str(_rows(vault, over))
    assert ADDRESS in str(_rows(vault, kept))


def _rows(vault, order_id):
    return vault.stack.client("dynamodb").query(
        TableName=vault.stack.outputs["OrdersTable"],
        KeyConditionExpression="orderId = :order",
        ExpressionAttributeValues={":order": {"S": order_id}},
    )["Items"]


def _long_ago(vault, order_id):
    """The order, as it would be had it been revealed 31 days earlier."""
    moment = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    vault.stack.client("dynamodb").update_item(
        TableName=vault.stack.outputs["OrdersTable"],
        Key={"orderId": {"S": order_id}, "sk": {"S": "ORDER"}},
        UpdateExpression="SET firstRevealedAt = :moment",
        ExpressionAttributeValues={":moment": {"S": moment}},
    )


# --- planted orders ---


def test_a_planted_order_rings_when_it_is_revealed(vault, shop, alice):
    order_id = ordered(alice)
    cloudformation = vault.stack.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    vault.stack.deploy({**_parameters(stack), "PlantedOrders": order_id})
    assert not _said(vault, "PlantedOrderReached"), "nobody has reached for it"
    assert codes(shop.user("alice"), order_id)
    while not _said(vault, "PlantedOrderReached"):
        time.sleep(0.1)
    (line,) = _said(vault, "planted order reached")
    assert order_id in line
    assert '"userId":"alice"' in line


def _said(vault, words):
    return [line for line in vault.stack.logs() if words in line]


# --- a new stack takes over: the last one here, for it deletes the stack ---


def test_a_new_stack_takes_over_what_the_old_one_left(vault, terminal, shop, alice):
    order_id = ordered(alice)
    before = codes(alice, order_id)
    cloudformation = vault.stack.client("cloudformation")
    old = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    _ask, listing, plan, carry_out = RESTORING["A new stack takes over what was kept"]
    # The emulator forgets a deleted stack at once, so it is asked before.
    said = terminal.run(filled(listing, {"OLD_STACK": old["StackId"]}))
    assert said == "17 resources to import\n"
    cloudformation.delete_stack(StackName=STACK_NAME)
    _until_gone(cloudformation)
    imported = terminal.run(plan).splitlines()[-17:]
    assert {line.split("\t")[0] for line in imported} == {"Import"}
    terminal.run(carry_out)
    vault.stack.deploy(_parameters(old))
    alice = shop.user("alice")
    assert codes(alice, order_id) == before
    assert codes(alice, ordered(alice)), "the supplier's key came along"
    assert terminal.run(OPERATIONS["The audit trail"][0]) == "the trail holds\n"


def _parameters(stack):
    """What it was deployed with, but for what CloudFormation does not tell (NoEcho)."""
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    return {name: value for name, value in given.items() if value != "****"}


def _until_gone(cloudformation):
    for _ in range(600):
        stacks = cloudformation.list_stacks()["StackSummaries"]
        found = [stack["StackStatus"] for stack in stacks if stack["StackName"] == STACK_NAME]
        if all(status == "DELETE_COMPLETE" for status in found):
            return
        time.sleep(0.1)
    pytest.fail("the stack was not deleted")
