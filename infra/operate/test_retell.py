"""That retell tells each change by itself: python3 -m unittest discover infra/operate"""

import contextlib
import importlib.machinery
import importlib.util
import io
import json
import sys
import unittest
from datetime import datetime, timezone
from pathlib import Path
from unittest import mock

sys.dont_write_bytecode = True
PATH = str(Path(__file__).with_name("retell"))


def load(boto3):
    with mock.patch.dict(sys.modules, {"boto3": boto3}):
        loader = importlib.machinery.SourceFileLoader("retell", PATH)
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("retell", loader))
        loader.exec_module(module)
    return module


def message(name, **body):
    return mock.Mock(message_id=name, body=json.dumps(body))


class Retell(unittest.TestCase):
    def setUp(self):
        self.streams, self.functions, self.queue = mock.Mock(), mock.Mock(), mock.Mock()
        self.streams.exceptions.TrimmedDataAccessException = KeyError
        self.streams.describe_stream.return_value = {"StreamDescription": {"Shards": [
            {"ShardId": "old", "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "9"}},
            {"ShardId": "new", "SequenceNumberRange": {"StartingSequenceNumber": "10"}},
        ]}}
        self.streams.get_shard_iterator.side_effect = lambda **asked: {"ShardIterator": asked["SequenceNumber"]}
        self.streams.get_records.side_effect = lambda ShardIterator: {"Records": [
            {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": datetime.now(timezone.utc)}}
            for number in range(int(ShardIterator), int(ShardIterator) + 100)
        ]}
        self.told = []

    def invoke(self, Payload, **_):
        records = json.loads(Payload)["Records"]
        self.told.append([record["dynamodb"]["SequenceNumber"] for record in records])
        return {"Payload": io.StringIO("{}")}

    def run_it(self, waiting, again=()):
        boto3 = mock.Mock()
        clients = {"lambda": self.functions, "dynamodbstreams": self.streams}
        boto3.client.side_effect = clients.__getitem__
        boto3.resource.side_effect = lambda name: mock.Mock(Queue=lambda _: self.queue)
        self.functions.invoke.side_effect = self.invoke
        self.queue.receive_messages.side_effect = [waiting, [], list(again)]
        printed = io.StringIO()
        with mock.patch("sys.argv", ["retell", "--stack", "hub", "--yes"]), contextlib.redirect_stdout(printed):
            with self.assertRaises(SystemExit) as ended:
                load(boto3).main()
        return ended.exception.code, printed.getvalue()

    def test_each_change_of_a_batch_is_told_by_itself(self):
        batch = message("a", DDBStreamBatchInfo={
            "streamArn": "s", "shardId": "new", "startSequenceNumber": "10", "endSequenceNumber": "12"})
        code, _ = self.run_it([batch])
        self.assertEqual(self.told, [["10"], ["11"], ["12"]])
        self.assertEqual(code, 0)
        batch.delete.assert_called_once()
        self.streams.describe_stream.assert_not_called()

    def test_a_single_change_is_found_without_its_shard(self):
        one = message("a", reason="an item has an unknown form", DDBStreamBatchInfo={
            "streamArn": "s", "startSequenceNumber": "11", "endSequenceNumber": "11"})
        self.assertEqual(self.run_it([one])[0], 0)
        self.assertEqual(self.streams.get_shard_iterator.call_args.kwargs["ShardId"], "new")
        self.assertEqual(self.told, [["11"]])

    def test_what_is_parked_again_is_said_and_not_relayed_for_ever(self):
        place = {"streamArn": "s", "shardId": "new", "startSequenceNumber": "11", "endSequenceNumber": "11"}
        again = message("b", reason="an item has an unknown form", DDBStreamBatchInfo=place)
        code, printed = self.run_it([message("a", DDBStreamBatchInfo=place)], [again])
        self.assertEqual(code, 1)
        self.assertIn("parked again: an item has an unknown form", printed)
        self.assertEqual(len(self.told), 1)


if __name__ == "__main__":
    unittest.main()
