"""The doors that the local hub has beside its API (`/_local/…`), for the deployed hub: who may call, the mails,
the clock, and a wait until nothing is left to do. The story needs no others."""

import base64
import hashlib
import json
import re
import secrets
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from ministack.services.eventbridge import _cron_next_fire, _parse_cron_fields

from emulator import REGION, routes
from guard import ACCOUNT
from net import ONCE, pool, serve

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
TOKENS_LAST = timedelta(minutes=30)
# From a write to the function that the stream hands it to, on a slow machine.
QUIET_SECONDS = 0.7
# A function that has a message for longer has failed with it.
HANDLED_SECONDS = 3


class Doors:
    def __init__(self, emulator, guard, template, callback, demo):
        self.emulator, self.guard, self.template = emulator, guard, template
        self.clients, self.users = demo["clients"], demo["users"]
        self.http = pool()
        resources = emulator.resources()
        self.api, self.staff_client, self.callback = resources["Api"], resources["StaffClient"], callback
        self.answered = set()
        self.ahead = 0.0
        self.signed_in = self.now() - 2 * TOKENS_LAST
        mappings = emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        sources = [mapping["EventSourceArn"].split(":") for mapping in mappings]
        # The queues that functions read, and how long each hides a message that it handed out.
        self.queues = {arn[-1]: self.visibility_timeout(arn[-1]) for arn in sources if arn[2] == "sqs"}
        self.schedules = self.take_schedules()
        self.ran_until = self.now()
        self.url = serve(self.answer)

    def visibility_timeout(self, queue):
        sqs = self.emulator.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        return int(got["Attributes"]["VisibilityTimeout"])

    def answer(self, method, target, headers, body, _caller):
        door = {
            "GET /_local/credentials": self.credentials,
            "GET /_local/mail": self.mail,
            "POST /_local/bounce": self.bounce,
            "GET /_local/clock": self.clock,
            "POST /_local/clock": self.move_clock,
            "POST /_local/drain": self.drain,
        }.get(f"{method} {target}")
        if door:
            told = door(json.loads(body or b"{}"))
            return 200, {"content-type": "application/json"}, json.dumps(told).encode()
        own = target.startswith("/oauth2/")
        url = self.emulator.url + ("" if own else f"/_aws/execute-api/{self.api}/$default") + target
        headers = {name: value for name, value in headers.items() if name != "host"} | ONCE
        answer = self.http.request(method, url, body=body, headers=headers, redirect=False, retries=False)
        if answer.status < 400:
            self.answered.add((method, urlsplit(target).path))
        return answer.status, dict(answer.headers), answer.data

    def never_called(self):
        """The routes that no call of the story was answered by; calls that no route takes are no part of it."""
        def called(method, path):
            pattern = re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(path))
            return any(method == one and re.fullmatch(pattern, at) for one, at in self.answered)
        return [f"{method} {path}" for _, method, path, _ in routes(self.template)
                if method and not called(method, path)]

    # ── Who may call ───────────────────────────────────────────────────────────────────────────────

    def credentials(self, _):
        if self.now() > self.signed_in + TOKENS_LAST:
            self.signed_in = self.now()
            for user in self.users:
                user["access_token"] = self.sign_in(user)
        return {"clients": self.clients, "users": self.users}

    def sign_in(self, user):
        """As a browser does: the sign-in page, a code, and the code for a token (RFC 7636)."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        answer = self.form("/login", {
            "username": user["email"], "password": user["password"], "client_id": self.staff_client,
            "redirect_uri": self.callback, "response_type": "code", "scope": "openid email",
            "code_challenge": challenge, "code_challenge_method": "S256",
        })
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        answer = self.form("/oauth2/token", {
            "grant_type": "authorization_code", "client_id": self.staff_client, "code": code,
            "redirect_uri": self.callback, "code_verifier": verifier,
        })
        return json.loads(answer.data)["access_token"]

    def form(self, path, fields):
        return self.http.request("POST", self.emulator.url + path, body=urlencode(fields), redirect=False,
                                 headers={"content-type": "application/x-www-form-urlencoded", **ONCE})

    # ── What happened ──────────────────────────────────────────────────────────────────────────────

    def mail(self, _):
        sent = json.loads(self.http.request("GET", f"{self.emulator.url}/_ministack/ses/messages").data)
        mails = [mail for account in sent["messages"].values() for mail in account]
        return {"items": [{"to": mail["To"], "subject": mail["Subject"], "text": mail["BodyText"]}
                          for mail in reversed(mails)]}

    def bounce(self, told):
        """What Amazon SES tells of a mail that no mailbox took."""
        (name,) = (name for name, one in self.template["Resources"].items()
                   if one["Type"] == "AWS::SES::ConfigurationSet")
        self.emit("aws.ses", "Email Bounced", {
            "eventType": "Bounce",
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": told["address"]}],
                       "feedbackId": "emulator"},
            "mail": {"tags": {"ses:configuration-set": [self.emulator.resources()[name]]}},
        })
        return self.drain({})

    def emit(self, source, kind, detail):
        """Hands an event to the targets of the rules that it matches. Nobody can put one in the name of AWS."""
        events = self.emulator.client("events")
        event = json.dumps({
            "version": "0", "id": secrets.token_hex(16), "source": source, "detail-type": kind, "account": ACCOUNT,
            "region": REGION, "resources": [], "time": f"{self.now():%Y-%m-%dT%H:%M:%SZ}", "detail": detail})
        for rule in events.list_rules()["Rules"]:
            pattern = rule.get("EventPattern")
            if pattern and events.test_event_pattern(EventPattern=pattern, Event=event)["Result"]:
                for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    self.invoke(target["Arn"], event)

    # ── Time ───────────────────────────────────────────────────────────────────────────────────────

    def now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.ahead)

    def clock(self, _):
        return {"now": self.now().astimezone(ZoneInfo("Asia/Tokyo")).isoformat(timespec="milliseconds")}

    def move_clock(self, by):
        to = datetime.fromisoformat(by["set"]) if "set" in by else self.now() + duration(by["advance"])
        while True:
            next_runs = [(schedule.after(self.ran_until), schedule) for schedule in self.schedules]
            at = min((at for at, schedule in next_runs if not schedule.frequent), default=to)
            if at >= to:
                break
            self.stop_at(at, [schedule for due, schedule in next_runs if due <= at])
        self.stop_at(to, [schedule for due, schedule in next_runs if due <= to])
        self.drain({})
        return self.clock({})

    def stop_at(self, at, schedules):
        self.ran_until = at
        self.set_clock(at)
        writes = self.guard.writes
        for schedule in schedules:
            self.run(schedule, at)
        # Most runs find nothing to do, and nothing follows from them.
        if self.guard.writes != writes or self.due():
            self.drain({})

    def set_clock(self, to):
        self.ahead = max(self.ahead, (to - datetime.now(timezone.utc)).total_seconds())
        new = self.emulator.ahead.with_suffix(".new")
        new.write_text(f"+{self.ahead:.3f}")
        new.replace(self.emulator.ahead)

    def take_schedules(self):
        """The schedules of the stack, run from here: the emulator's own scheduler knows neither time zones nor
        the placeholder of the scheduled time."""
        scheduler, resources, taken = self.emulator.client("scheduler"), self.emulator.resources(), []
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == "AWS::Scheduler::Schedule":
                schedule = scheduler.get_schedule(Name=resources[name])
                scheduler.update_schedule(State="DISABLED", **{key: schedule[key] for key in (
                    "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")})
                zone = resource["Properties"].get("ScheduleExpressionTimezone", "UTC")
                taken.append(Schedule(name, schedule["ScheduleExpression"], zone, schedule["Target"]))
        return taken

    def run(self, schedule, at):
        at = at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.invoke(schedule.target["Arn"], schedule.target["Input"].replace(SCHEDULED_TIME, at))

    def invoke(self, function, event):
        ran = self.emulator.client("lambda").invoke(FunctionName=function, Payload=event)
        if "FunctionError" in ran:
            print(f"{self.guard.named(function)} failed: {ran['Payload'].read().decode()}")

    def drain(self, _):
        """Waits until no message is due and no function has called for a while."""
        until = time.monotonic() + 600
        while time.monotonic() < until:
            if self.guard.quiet_for(QUIET_SECONDS) and not self.due():
                return {}
            time.sleep(0.05)
        raise TimeoutError("still at work after ten minutes")

    def due(self):
        """Whether a message waits for nothing but its function, or was handed to it just now."""
        state = json.loads(self.http.request("GET", f"{self.emulator.url}/_ministack/sqs/messages").data)
        queues = {url.rsplit("/", 1)[-1]: messages for regions in state["messages"].values()
                  for queues in regions.values() for url, messages in queues.items()}
        now = self.now().timestamp()
        return any(message["IsVisible"] or -1 < now - (message["VisibleAt"] - hidden) < HANDLED_SECONDS
                   for name, hidden in self.queues.items() for message in queues[name])


class Schedule:
    def __init__(self, name, expression, zone, target):
        self.name, self.zone, self.target = name, ZoneInfo(zone), target
        self.fields = _parse_cron_fields(expression)
        assert self.fields, f"{name}: the story knows cron schedules only"
        # What runs more than once an hour runs here when others do, and where the clock is moved to.
        first = self.after(datetime.now(timezone.utc))
        self.frequent = self.after(first) - first < timedelta(hours=1)

    def after(self, time_):
        return _cron_next_fire(self.fields, time_.astimezone(self.zone))


def duration(text):
    days, hours, minutes, seconds = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text).groups()
    return timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=int(seconds or 0))
