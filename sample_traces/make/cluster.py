#!{python}
"""A toy cluster with real state: what `kubectl`, `amtool` and `metrics` are inside the incident's sandbox.

Everything printed follows from the state file and the sandbox's clock. The truth of the incident: the certificate of
the currency service ran out at 13:58, so every order that is not in US dollars fails; after 25 bad minutes the
frontend's circuit breaker opens and no order reaches checkout any more, which also silences the alert.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

EXPIRED = datetime.fromisoformat("2026-11-18T13:58:00+00:00")
BREAKER_AFTER = timedelta(minutes=26)
CURRENCIES = ("USD", "EUR", "USD", "USD", "GBP", "USD", "EUR", "USD")
MEMORY = {"cart": 96, "checkout": 141, "currency": 38, "frontend": 212, "payment": 318, "shipping": 57}
CPU = {"cart": 22, "checkout": 64, "currency": 9, "frontend": 118, "payment": 41, "shipping": 13}

State = dict[str, Any]


def new_state() -> State:
    """The cluster as it is when the pager goes off."""
    born = "2026-11-09T08:12:00+00:00"
    suffixes = {"cart": "6f7c9", "checkout": "84d5b", "currency": "5c8fd", "frontend": "7b6d4", "payment": "66b9f"}
    suffixes["shipping"] = "59c7d"
    pods = {
        name: {"pod": f"{name}-{suffix}-{suffix[::-1][:4]}x", "since": born, "restarts": 0, "limit": "512Mi"}
        for name, suffix in suffixes.items()
    }
    pods["payment"]["restarts"] = 1
    events = [
        ["2026-11-18T13:31:00+00:00", "Normal", "ScalingReplicaSet", "deployment/cart", "Scaled up to 2, then to 1"],
        [
            "2026-11-18T13:58:00+00:00",
            "Warning",
            "CertificateExpired",
            "certificate/currency-tls",
            "not renewed: order 3311 is waiting for approval",
        ],
        ["2026-11-18T14:01:00+00:00", "Warning", "Unhealthy", "pod/payment", "Readiness probe took 1.2s (limit 1s)"],
    ]
    return {"pods": pods, "events": events, "breaker": None}


def minutes(last: int, now: datetime) -> Iterator[datetime]:
    """The last full minutes, oldest first."""
    end = now.replace(second=0, microsecond=0)
    for back in range(last, 0, -1):
        yield end - timedelta(minutes=back)


def traffic(state: State, minute: datetime) -> tuple[int, int]:
    """(orders that reached checkout, orders that failed) in that minute."""
    if state["breaker"] and minute >= datetime.fromisoformat(state["breaker"]):
        return 0, 0
    number = minute.hour * 60 + minute.minute
    orders = 112 + number * 7 % 13
    return orders, orders * 3 // 8 + number * 5 % 3 if minute >= EXPIRED else 0


def settle(state: State, now: datetime) -> None:
    """Let happen what time brings: the breaker opens."""
    if state["breaker"] is None and now >= EXPIRED + BREAKER_AFTER:
        at = (EXPIRED + BREAKER_AFTER).isoformat()
        state["breaker"] = at
        reason = "38% of orders failed for 25m; checkout page replaced by a notice"
        state["events"].append([at, "Warning", "BreakerOpen", "deployment/frontend", reason])


def log(state: State, service: str, now: datetime, count: int) -> list[str]:
    """The last lines of a service's log: what eight orders a minute leave behind."""
    lines = []
    for minute in minutes(count // 8 + 2, now):
        if not traffic(state, minute)[0]:
            continue
        for slot, currency in enumerate(CURRENCIES):
            order = 58000 + (minute.hour * 60 + minute.minute) * 8 + slot - 6700
            amount = f"{currency} {9 + order * 37 % 140}.{order * 13 % 100:02d}"
            at = f"{minute:%H:%M}:{slot * 7 + 2:02d}"
            bad = minute >= EXPIRED and currency != "USD"
            if service == "checkout":
                end = f"failed: payment step aborted after {2000 + order % 9}ms (no quote)"
                end = end if bad else f"placed in {205 + order % 60}ms"
                lines.append(f"{at} {'ERROR' if bad else 'INFO '} order {order} {amount} {end}")
            elif service == "payment":
                end = "cancelled by caller, no amount received" if bad else f"approved in {150 + order % 50}ms"
                lines.append(f"{at} {'WARN ' if bad else 'INFO '} charge {order} {'' if bad else amount + ' '}{end}")
            elif service == "currency" and bad:
                lines.append(f"{at} WARN  tls handshake refused by checkout: certificate expired {EXPIRED:%H:%M:%S}")
    return lines[-count:]


def age(since: str, now: datetime) -> str:
    seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    for limit, unit, letter in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit}{letter}"
    return f"{seconds // 86400}d"


def table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) + 3 for column in zip(*rows, strict=True)]
    for row in rows:
        print("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def restart(state: State, name: str, now: datetime) -> None:
    """A new pod takes over."""
    pod = state["pods"][name]
    marks = f"{int(now.timestamp()) % 0xFFFFF:05x}"
    pod.update(pod=f"{name}-{marks}-{marks[::-1][:4]}k", since=now.isoformat(), restarts=0)
    state["events"].append(
        [now.isoformat(), "Normal", "ScalingReplicaSet", f"deployment/{name}", "Rolled to a new pod"]
    )


def kubectl(state: State, words: list[str], now: datetime) -> int:
    options = {key: value for key, _, value in (word.partition("=") for word in words if word.startswith("--"))}
    names = [word for word in words if not word.startswith("-") and word != "shop"]
    target = names[-1].partition("/")[2]
    match names[:2]:
        case ["get", "pods"]:
            rows = [["NAME", "READY", "STATUS", "RESTARTS", "AGE"]]
            for pod in state["pods"].values():
                restarts = f"{pod['restarts']} (6d ago)" if pod["restarts"] else "0"
                rows.append([pod["pod"], "1/1", "Running", restarts, age(pod["since"], now)])
            table(rows)
        case ["get", "events"]:
            rows = [["AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
            table(rows + [[age(event[0], now), *event[1:]] for event in state["events"]])
        case ["top", "pods"]:
            rows = [["NAME", "CPU(cores)", "MEMORY(bytes)"]]
            table(rows + [[pod["pod"], f"{CPU[name]}m", f"{MEMORY[name]}Mi"] for name, pod in state["pods"].items()])
        case ["describe", _]:
            pod = state["pods"][target]
            print(f"Name:          {target}\nPod:           {pod['pod']}\nMemory limit:  {pod['limit']}")
            if pod["restarts"]:
                print("Last state:    Terminated (OOMKilled) 2026-11-12T03:40:00Z, during the nightly report")
        case ["logs", _]:
            print("\n".join(log(state, target, now, int(options.get("--tail", "20")))))
        case _:
            return change(state, names[:2], target, options, now)
    return 0


def change(state: State, verb: list[str], target: str, options: dict[str, str], now: datetime) -> int:
    match verb:
        case ["rollout", "restart"]:
            restart(state, target, now)
            print(f"deployment.apps/{target} restarted")
        case ["rollout", "status"]:
            print(f'deployment "{target}" successfully rolled out')
        case ["set", "resources"]:
            state["pods"][target]["limit"] = options["--limits"].removeprefix("memory=")
            restart(state, target, now)
            print(f"deployment.apps/{target} resource requirements updated")
        case _:
            print(f"error: unknown command {' '.join(verb)!r}", file=sys.stderr)
            return 1
    return 0


def metrics(state: State, words: list[str], now: datetime) -> int:
    rows = [["MINUTE", "ORDERS", "FAILED", "SHARE"]]
    for minute in minutes(int(words[-1].rstrip("m")), now):
        orders, failed = traffic(state, minute)
        rows.append([f"{minute:%H:%M}", str(orders), str(failed), f"{failed / orders:.1%}" if orders else "-"])
    table(rows)
    return 0


def amtool(state: State, now: datetime) -> int:
    orders, failed = (sum(column) for column in zip(*(traffic(state, at) for at in minutes(5, now)), strict=True))
    rows = [["Alertname", "Starts At", "Summary", "State"]]
    if orders and failed / orders > 0.05:
        summary = f"{failed / orders:.0%} of orders failed in the last 5m"
        rows.append(["CheckoutFailing", "2026-11-18 14:03:00 UTC", summary, "active"])
    table(rows)
    return 0


def main() -> int:
    file = Path(os.environ["SANDBOX_STATE"])
    now = datetime.fromisoformat(Path(os.environ["SANDBOX_CLOCK"]).read_text())
    state = json.loads(file.read_text()) if file.exists() else new_state()
    settle(state, now)
    program, words = Path(sys.argv[0]).name, sys.argv[1:]
    if program == "kubectl":
        code = kubectl(state, words, now)
    else:
        code = metrics(state, words, now) if program == "metrics" else amtool(state, now)
    file.write_text(json.dumps(state))
    return code


if __name__ == "__main__":
    sys.exit(main())
