#!/usr/bin/env python3
"""What the hub costs in a month: prices.csv times usage.toml, as the table that docs/cost.md quotes.

    infra/operate/cost.py            the table
    infra/operate/cost.py --uses     what each use costs a thousand times
    infra/operate/cost.py --stranger what each route that anybody may call costs a day, called as often as it lets itself be
    infra/operate/cost.py --check    fails if docs/cost.md quotes another table
"""

import argparse
import csv
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "cost.md"
BEGIN, END = "<!-- cost.py -->", "<!-- /cost.py -->"


class Bill:
    """Amounts of what is paid for, by the name of their price."""

    def __init__(self, prices):
        self.prices = prices
        self.amounts = defaultdict(float)

    def add(self, item, amount):
        if item not in self.prices:
            raise KeyError(f"prices.csv has no {item}")
        self.amounts[item] += amount

    def by_service(self):
        dollars = defaultdict(float)
        for item, amount in self.amounts.items():
            price = self.prices[item]
            paid = max(0.0, amount - float(price["free_per_month"]))
            dollars[price["service"]] += paid * float(price["usd"])
        return dollars


def read_prices():
    with open(HERE / "prices.csv", encoding="utf-8", newline="") as file:
        return {row["item"]: row for row in csv.DictReader(file)}


def read_usage():
    return tomllib.loads((HERE / "usage.toml").read_text(encoding="utf-8"))


def how_often(scenario, usage):
    """How often each thing that uses happen by happens in a month."""
    facilities, month = scenario["facilities"], usage["month"]
    return {
        "visit": scenario["visits_a_month"],
        "facility": facilities,
        "municipality": scenario["municipalities"],
        "poll": facilities * usage["each"]["ict_share"] * month["business_hours"],
        "crawl": scenario["search_sites"] * facilities * month["days"],
        "site": scenario["search_sites"],
        "run": month["business_hours"],
    }


def add_use(bill, use, times, usage):
    """What a use takes, so many times."""
    size = usage["size"]
    bill.add("table_read", times * use.get("read", 0))
    bill.add("table_write", times * use.get("write", 0))
    bill.add("key_request", times * use.get("key_requests", 0))
    bill.add("queue_request", times * use.get("queue_requests", 0))
    bill.add("mail", times * use.get("mails", 0))
    bill.add("file_put", times * use.get("file_puts", 0))
    bill.add("file_get", times * use.get("file_gets", 0))
    bill.add("out_gb", times * use.get("out_kb", 0) / 1e6)
    if "ms" in use:
        bill.add("lambda_request", times)
        bill.add("lambda_gb_second", times * use["ms"] / 1000 * usage["each"]["function_gb"])
        bill.add("log_gb", times * size["log_kb"] / 1e6)
        bill.add("log_kept_gb", times * size["log_kb"] / 1e6 * 3)
    if use.get("http"):
        bill.add("api_request", times)
        bill.add("access_log_gb", times * size["access_log_kb"] / 1e6)


def bill_of(scenario, prices, usage):
    bill, fixed, size = Bill(prices), usage["fixed"], usage["size"]
    often = how_often(scenario, usage)
    for use in usage["use"]:
        add_use(bill, use, often[use["per"]] * use["times"], usage)

    slots = scenario["facilities"] * usage["each"]["slots_kept"]
    stored = (scenario["visits_kept"] * size["visit_kb"] + slots * size["slot_kb"]) / 1e6
    bill.add("table_gb", stored)
    bill.add("table_backup_gb", stored)

    vendors = scenario["search_sites"] + scenario["ict_systems"]
    bill.add("vendor_client", vendors)
    bill.add("vendor_token", vendors * fixed["vendor_tokens_an_hour"] * usage["month"]["hours"])
    bill.add("staff_user", scenario["facilities"] * usage["each"]["staff_who_sign_in"])
    bill.add("key", fixed["keys"])
    bill.add("key_request", fixed["table_key_requests"])
    bill.add("secret", fixed["secrets"])
    bill.add("alarm", fixed["alarms"])
    bill.add("dashboard", fixed["dashboards"])
    bill.add("metric", fixed["metrics"])
    bill.add("queue_request", fixed["queues"] * fixed["idle_queue_requests"])
    return bill


def table():
    """Dollars a month, by service and scenario, as Markdown."""
    prices, usage = read_prices(), read_usage()
    scenarios = usage["scenario"]
    bills = [bill_of(scenario, prices, usage).by_service() for scenario in scenarios]
    services = list(dict.fromkeys(price["service"] for price in prices.values()))
    lines = [
        "| USD a month | " + " | ".join(scenario["name"] for scenario in scenarios) + " |",
        "|---|" + "--:|" * len(scenarios),
    ]
    for service in services:
        cells = (f"{bill[service]:,.2f}" for bill in bills)
        lines.append(f"| {service} | " + " | ".join(cells) + " |")
    totals = [sum(bill.values()) for bill in bills]
    lines.append("| **together** | " + " | ".join(f"**{total:,.2f}**" for total in totals) + " |")
    visits = [scenario["visits_a_month"] for scenario in scenarios]
    each = (f"{total / count:,.4f}" for total, count in zip(totals, visits))
    lines.append("| for one visit | " + " | ".join(each) + " |")
    return "\n".join(lines)


def uses():
    """What each use costs a thousand times, in the last scenario."""
    prices, usage = read_prices(), read_usage()
    lines = ["| a thousand times | USD |", "|---|--:|"]
    for use in usage["use"]:
        bill = Bill(prices)
        add_use(bill, use, 1000, usage)
        lines.append(f"| {use['name']} | {sum(bill.by_service().values()):.4f} |")
    return "\n".join(lines)


def stranger():
    """What a stranger can make each open route cost in a day: by its limit, and by the 500 a second of the others."""
    prices, usage = read_prices(), read_usage()
    lines = ["| USD a day, at most | at its limit | at 500 a second, uncompressed |", "|---|--:|--:|"]
    together = [0.0, 0.0]
    for route in usage["open"]:
        cells = []
        for place, (rate, out) in enumerate([(route["rate"], "out_kb"), (500, "out_kb_before")]):
            bill = Bill(prices)
            use = {**route, "http": True, "out_kb": route.get(out, route["out_kb"])}
            add_use(bill, use, rate * 86400, usage)
            dollars = sum(bill.by_service().values())
            together[place] += dollars
            cells.append(f"{dollars:,.2f}")
        lines.append(f"| `{route['name']}`, {route['rate']} a second | " + " | ".join(cells) + " |")
    lines.append(f"| **together** | **{together[0]:,.2f}** | **{together[1]:,.2f}** |")
    return "\n".join(lines)


def quoted():
    """The table as docs/cost.md has it."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    inside, end, _ = rest.partition(END)
    if not end:
        raise ValueError(f"{DOCUMENT.name} has no table between {BEGIN} and {END}")
    return inside.strip()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--uses", action="store_true", help="what each use costs a thousand times")
    choice.add_argument("--stranger", action="store_true", help="what each open route can cost in a day")
    choice.add_argument("--check", action="store_true", help="compare with docs/cost.md")
    arguments = parser.parse_args()
    if arguments.check:
        if quoted() != table():
            sys.exit(f"docs/cost.md does not quote what cost.py prints:\n{table()}")
        return
    print(uses() if arguments.uses else stranger() if arguments.stranger else table())


if __name__ == "__main__":
    main()
