"""The server itself: loopback only, a taken port, stopping, many clients at once, the program."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from local.sandbox import SupplierSandbox
from local.sandbox.__main__ import main
from tests.support.pauses import sometimes_below

ROOT = Path(__file__).parents[2]


def test_it_binds_the_loopback_address_only():
    with SupplierSandbox(port=0) as sandbox:
        assert sandbox._server.server_address[0] == "127.0.0.1"
        assert sandbox.url == sandbox.origin + "/v3"
        assert requests.get(sandbox.url + "/ping", timeout=60).status_code == 200


def test_without_a_key_each_sandbox_makes_its_own():
    assert SupplierSandbox().key != SupplierSandbox().key
    assert SupplierSandbox(key="given").key == "given"


def test_a_sandbox_that_does_not_run_has_no_url():
    sandbox = SupplierSandbox()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_a_stopped_sandbox_serves_no_kept_alive_connection_and_can_start_again(client):
    client.get("/ping")
    url = client.sandbox.url
    client.sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        client.session.get(url + "/ping", timeout=60)
    client.sandbox.start()
    assert client.get("/ping").status_code == 200


def test_stopping_does_not_wait_for_a_withheld_answer(client):
    failed = []

    def place():
        try:
            client.try_place("FAULT_TIMEOUT_AFTER_COMMIT:3600", timeout=3600)
        except requests.ConnectionError as error:
            failed.append(error)

    thread = threading.Thread(target=place)
    thread.start()
    while not client.sandbox.orders():
        time.sleep(0.005)
    client.sandbox.stop()
    thread.join()
    assert len(failed) == 1


def test_many_clients_at_once_lose_and_share_nothing(client):
    def work():
        with requests.Session() as session:
            session.headers["X-Access-Token"] = client.sandbox.key
            for _ in range(10):
                url = client.sandbox.url + "/gift-cards/placeOrder"
                body = {"productId": "p", "typeId": "t", "quantity": 1}
                assert session.post(url, json=body, timeout=60).status_code == 200

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = client.sandbox.counts()
    assert counts["routes"] == {"placeOrder": 200}
    assert counts["placed"] == {"p/t": {"asked": 200, "committed": 200}}
    assert len(counts["orders"]) == 200


def test_a_small_answer_takes_no_delayed_acknowledgement(client):
    """One that waits for an acknowledgement takes 40 ms each time."""
    assert sometimes_below(0.04, lambda: client.get("/ping"))


def test_a_taken_port_is_one_clear_line_and_exit_2(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--key", "k"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert str(port) in told.err


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--balance", "-1"]])
def test_bad_arguments_are_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_until_it_is_told_to_stop(number):
    command = [sys.executable, "-m", "local.sandbox", "--port", "0", "--handling-seconds", "0"]
    with subprocess.Popen(
        [*command, "--key", "k", "--prefix", "DEMO", "--verbose"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            url = program.stdout.readline().split()[-1]
            headers = {"X-Access-Token": "k"}
            body = {"productId": "p", "typeId": "t", "quantity": 1}
            placed = requests.post(
                url + "/gift-cards/placeOrder", json=body, headers=headers, timeout=60
            ).json()
            order = requests.get(
                f"{url}/gift-cards/checkOrder/{placed['data']['orderId']}",
                headers=headers,
                timeout=60,
            ).json()["data"]
            assert order["cards"][0]["value"].startswith("DEMO-CARD-")
            program.send_signal(number)
            out, err = program.communicate(timeout=10)
        finally:
            program.kill()
    assert program.returncode == 0
    assert out == ""
    assert "placeOrder" in err
    assert "DEMO-" not in err
