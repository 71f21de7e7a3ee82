"""The docker of the tests: notes each call and answers as docker.scenario beside it says.

    {"answers": [{"to": "compose up", "code": 1, "says": "pull access denied ...", "times": 1}, ...]}

An answer is for the calls whose arguments begin with `to`, the first `times` of them (default: all), and comes after
`seconds`. A call that has no answer succeeds silently, as most of Docker's commands do.

It is called hundreds of times, and importing json and pathlib takes longer in Wine than all that it does: so scenarios
and notes are written as Python writes a dict.
"""

import os
import sys
import time

beside = os.path.splitext(sys.argv[0])[0]
call = " ".join(sys.argv[1:])
earlier = []
if os.path.exists(beside + ".log"):
    with open(beside + ".log", encoding="utf-8") as file:
        earlier = [eval(line)["call"] for line in file]
with open(beside + ".log", "a", encoding="utf-8") as file:
    settings = {name: value for name, value in os.environ.items() if name.startswith(("COMPOSE_", "KAF"))}
    file.write(repr({"call": call, "folder": os.getcwd(), "settings": settings}) + "\n")

with open(beside + ".scenario", encoding="utf-8") as file:
    answers = eval(file.read())["answers"]
for answer in answers:
    past = sum(one.startswith(answer["to"]) for one in earlier)
    if call.startswith(answer["to"]) and past < answer.get("times", past + 1):
        time.sleep(answer.get("seconds", 0))
        code = answer.get("code", 0)
        print(answer.get("says", ""), file=sys.stderr if code else sys.stdout)
        sys.exit(code)
