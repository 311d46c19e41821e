"""That the costs are those of the table, the code and the document: python3 -m unittest discover infra/operate"""

import csv
import re
import unittest
from datetime import date
from decimal import Decimal
from pathlib import Path

import cost

ROOT = Path(__file__).resolve().parents[2]


def use(name):
    return next(use for use in cost.read_usage()["use"] if use["name"] == name)


def asserted(test):
    """The figures that a test of tests/tests/in_process/capacity asserts: ("write", 6.0), …"""
    files = sorted((ROOT / "tests/tests/in_process/capacity").glob("*.rs"))
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    body = code.split(f"async fn {test}()")[1].split("\n}\n")[0]
    figures = re.findall(r"assert_eq!\((read|write), ([\d.]+)\)", body)
    figures += re.findall(r"(read|write): ([\d.]+)", body)
    return {unit: float(figure) for unit, figure in figures}


class Cost(unittest.TestCase):
    maxDiff = None

    def test_the_document_quotes_what_is_printed(self):
        self.assertEqual(cost.quoted(), cost.table())

    def test_a_bill_is_amount_times_price_past_what_is_free(self):
        prices = {
            "a": {"service": "One", "usd": "0.5", "free_per_month": "0"},
            "b": {"service": "One", "usd": "2", "free_per_month": "10"},
            "c": {"service": "Two", "usd": "3", "free_per_month": "10"},
        }
        bill = cost.Bill(prices)
        bill.add("a", 3)
        bill.add("a", 1)
        bill.add("b", 11)
        bill.add("c", 9)
        self.assertEqual(bill.by_service(), {"One": 4 * 0.5 + 2, "Two": 0})
        with self.assertRaises(KeyError):
            bill.add("d", 1)

    def test_a_request_for_a_visit_reckoned_by_hand(self):
        bill = cost.Bill(cost.read_prices())
        usage = cost.read_usage()
        cost.add_use(bill, use("request a visit"), 1000, usage)
        writes, reads, keys = Decimal("0.00715"), Decimal("0.00049875"), Decimal("0.003")
        dollars = bill.by_service()
        self.assertAlmostEqual(dollars["DynamoDB"], float(writes + reads))
        self.assertAlmostEqual(dollars["KMS"], float(keys))
        self.assertAlmostEqual(dollars["API Gateway"], 0.00129)

    def test_every_price_is_used_and_says_where_it_is_from(self):
        prices, usage = cost.read_prices(), cost.read_usage()
        used = cost.bill_of(usage["scenario"][-1], prices, usage).amounts
        self.assertEqual(set(used), set(prices))
        with open(cost.HERE / "prices.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), len(prices), "an item stands twice")
        for row in rows:
            self.assertGreater(Decimal(row["usd"]), 0, row["item"])
            self.assertTrue(row["source"], row["item"])
            date.fromisoformat(row["date"])

    def test_what_is_measured_is_what_the_tests_assert(self):
        for test, name in [
            ("a_request_costs_ten_write_units", "request a visit"),
            ("an_approval_costs_three_write_units", "answer it"),
            ("a_status_costs_half_a_read_unit", "ask how it stands"),
            ("a_change_request_costs_ten_write_units", "ask for a change of a nursery's data"),
            ("an_approval_of_a_change_costs_ten_write_units", "approve it"),
            ("a_change_of_a_slot_costs_ten_write_units_in_the_feed", "tell a change of a slot in the feed"),
        ]:
            figures = asserted(test)
            self.assertEqual(use(name).get("read", 0), figures["read"], name)
            self.assertEqual(use(name).get("write", 0), figures["write"], name)

    def test_the_memory_is_that_of_the_template(self):
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        memory = int(re.search(r"^    MemorySize: (\d+)", template, re.MULTILINE)[1])
        self.assertEqual(cost.read_usage()["each"]["function_gb"] * 1024, memory)

    def test_strangers_are_reckoned_by_the_limits_of_the_template(self):
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        limits = template.split("      RouteSettings:\n")[1].split("\n\n")[0]
        rates = dict(re.findall(r'^ +"?([^":]+)"?: \{ ThrottlingRateLimit: ([^,]+),', limits, re.MULTILINE))
        search = re.search(r"  SearchRate:\n    Type: Number\n    Default: (\d+)", template)[1]
        reckoned = {route["name"]: route["rate"] for route in cost.read_usage()["open"]}
        self.assertEqual(reckoned, {name: int(rate.replace("!Ref SearchRate", search)) for name, rate in rates.items()})
        self.assertIn(cost.stranger(), cost.DOCUMENT.read_text(encoding="utf-8"))

    def test_the_alarms_are_those_of_the_template(self):
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        # One that reckons with several metrics costs as many.
        alarms = template.count("Type: AWS::CloudWatch::Alarm\n") - template.count("      Metrics:\n        - { Id:")
        reckoned = cost.read_usage()["fixed"]["alarms"]
        self.assertLessEqual(abs(reckoned - alarms - template.count("MetricStat:")), 5)

    def test_a_country_makes_ten_million_visits_a_year(self):
        quiet, november = (s["visits_a_month"] for s in cost.read_usage()["scenario"][-2:])
        self.assertAlmostEqual(november / quiet, 4.5, places=4)
        self.assertAlmostEqual(11 * quiet + november, 10_000_000, delta=10)


if __name__ == "__main__":
    unittest.main()
