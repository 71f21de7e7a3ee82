"""docker.exe of the tests: notes each call and answers as docker.json beside it says.

    {"answers": [{"to": "compose up", "code": 1, "says": "pull access denied ...", "times": 1}, ...]}

An answer is for the calls whose arguments begin with `to`, the first `times` of them (default: all), and comes after
`seconds`. A call that has no answer succeeds silently, as most of Docker's commands do.
"""

import json
import os
import sys
import time
from pathlib import Path

beside = Path(sys.argv[0])
call = " ".join(sys.argv[1:])
log = beside.with_suffix(".log")
earlier = [json.loads(line)["call"] for line in log.read_text("utf-8").splitlines()] if log.exists() else []
with log.open("a", encoding="utf-8") as file:
    settings = {name: value for name, value in os.environ.items() if name.startswith(("COMPOSE_", "KAF"))}
    file.write(json.dumps({"call": call, "folder": str(Path.cwd()), "settings": settings}) + "\n")

for answer in json.loads(beside.with_suffix(".json").read_text())["answers"]:
    past = sum(one.startswith(answer["to"]) for one in earlier)
    if call.startswith(answer["to"]) and past < answer.get("times", past + 1):
        time.sleep(answer.get("seconds", 0))
        code = answer.get("code", 0)
        print(answer.get("says", ""), file=sys.stderr if code else sys.stdout)
        sys.exit(code)
