"""A session of `python run.py`: the five programs, and the commands that are typed or sent by the page."""

import queue
import sys
import time
from typing import Any

import requests

from brokers import Broker
from brokers.ports import port_holder
from labs import prompt
from launcher import cli, terminal, typed
from launcher.control import ControlEndpoint
from launcher.lab_programs import LabPrograms, environment_on
from launcher.programs import Program, page_command, stop_all
from launcher.transcript import Transcript
from plumbing import Problem, loopback
from settings import CONSUMER_PORT, CONSUMERS, GROUP, LARGEST_BURST, MOST_CONSUMERS, PAGE_PORT, PRODUCER_PORT

BACKGROUND_SECONDS = 0.5  # between checks for being in the foreground again
START_SECONDS = 60.0
HTTP_SECONDS = 15.0


class Session:
    """The five programs on a running broker, and their commands."""

    def __init__(self, broker: Broker):
        self.broker = broker
        for node in broker.nodes:
            node.on_crash = self._print_end_of_broker
        self.commands: queue.Queue[str] = queue.Queue()
        self.producer = self._program("producer", ["producer.py"], PRODUCER_PORT, {})
        self.consumers = [self._consumer(number) for number in range(1, CONSUMERS + 1)]
        self.transcript = Transcript()
        self.lab_programs = LabPrograms(environment_on(broker))
        self.control = ControlEndpoint(self.commands.put, self.transcript, self.lab_programs)
        controlled = {"CONTROL_URL": self.control.url, "CONTROL_TOKEN": self.control.token}
        self.page = self._program("page", page_command(), PAGE_PORT, controlled)

    @property
    def programs(self) -> list[Program]:
        return [self.producer, *self.consumers, self.page]

    def _consumer(self, number: int) -> Program:
        port = CONSUMER_PORT + number - 1
        return self._program(f"consumer-{number}", ["consumer.py"], port, {"CONSUMER_PORT": str(port)})

    def _program(self, name: str, command: list[str], port: int, environment: dict) -> Program:
        broker = {"KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers, "START_KAFKA": self.broker.how_to_start}
        return Program(name, command, port, environment | broker, self._print_crash)

    def start(self) -> None:
        """Start the programs; return when all answer and the group is stable. Raises `Problem`."""
        terminal.listeners.append(self.transcript.add)
        with terminal.progress("programs", "starting"):
            for program in self.programs:
                program.start()
            deadline = time.monotonic() + START_SECONDS
            while waiting := (silent := [one for one in self.programs if not self._answers(one)]) or self._joining():
                dead = [program for program in self.programs if not program.running]
                late = time.monotonic() > deadline
                if late and not (dead or silent):
                    break  # what keeps the consumers out of their group can be found only while the broker runs
                if dead or late:
                    raise Problem(_why_not_started(dead, waiting))
                time.sleep(0.1)
        if waiting:
            what = f"the consumers' group is not ready after {START_SECONDS:.0f} s: see the lines above"
            terminal.complain(what, "in a second terminal, in this folder: python run.py doctor")

    def _answers(self, program: Program) -> bool:
        path = {self.page: "_stcore/health", self.producer: "health"}.get(program, "status")
        try:
            return loopback.get(f"http://127.0.0.1:{program.port}/{path}", timeout=5).ok
        except requests.RequestException:
            return False

    def _joining(self) -> list[Program]:
        """The consumers, until each has its assignment, so that the first click finds a stable group."""
        try:
            seen = [self._status(consumer) for consumer in self.consumers]
        except (requests.RequestException, ValueError):
            return self.consumers
        owned = [partition for status in seen for partition in status["assignment"]]
        assigned = all(status["rebalances"] and status["rebalances"][-1]["event"] == "assigned" for status in seen)
        return [] if assigned and len(owned) == len(set(owned)) else self.consumers

    @staticmethod
    def _status(consumer: Program) -> dict:
        return loopback.get(f"http://127.0.0.1:{consumer.port}/status", timeout=5).json()

    def stop(self) -> None:
        """End all programs."""
        with terminal.progress("programs", "stopping"):
            self.lab_programs.close()
            self._end_page_that_starts()
            stop_all([*self.consumers, self.producer, self.page])
            self.control.close()
        if self.transcript.add in terminal.listeners:
            terminal.listeners.remove(self.transcript.add)

    def _end_page_that_starts(self) -> None:
        if not self._answers(self.page):  # Streamlit would answer Ctrl+C with a traceback
            self.page.kill()

    def print_table(self) -> None:
        """Print the addresses."""
        consumers = "  ".join(f"{consumer.port}" for consumer in self.consumers)
        terminal.write("")
        terminal.say("page", f"http://localhost:{self.page.port}          <- open this, click Like")
        terminal.say("producer", f"http://localhost:{self.producer.port}/health")
        terminal.say("consumers", f"{consumers}               group {GROUP}")
        if self.broker.kafdrop:
            terminal.say("kafdrop", f"{self.broker.kafdrop}          ready within half a minute")
        terminal.say("commands", prompt.LIST)
        terminal.write("")

    def obey(self, line: str) -> bool:
        """Carry out one typed line; False for `quit`."""
        match prompt.parse(line):
            case "", []:
                pass
            case "quit", []:
                return False
            case "help", []:
                terminal.write(prompt.HELP)
            case "status", []:
                self._print_status()
            case "like", [] | [_] as count:
                self._like(*count)
            case "stop" | "kill" | "start" as verb, [name] if program := self._find(name, verb == "start"):
                try:
                    self._change(verb, program)
                except Problem as error:
                    terminal.complain(str(error), error.hint)
            case "start", [name] if name.startswith("kafka"):
                terminal.complain(f"{name} was not started by this terminal", self.broker.how_to_start)
            case "stop" | "kill" | "start" as verb, _:
                terminal.complain(f"{verb} what?", f"{verb} 1, {verb} 2, {verb} 3, {verb} producer or {verb} page")
            case _:
                self._explain(line.strip())
        return True

    @staticmethod
    def _explain(line: str) -> None:
        """Explain what is wrong with a line that is not a command of this terminal."""
        if shorter := typed.without_run_py(line):
            terminal.complain("run.py is running: this is its own terminal", f"type only: {shorter}")
        elif command := typed.for_a_shell(line, cli.COMMANDS):
            what = f"this terminal takes the commands of run.py (help lists them), and {line.split()[0]} is not one"
            terminal.complain(what, f"in a second terminal, in this folder: {command}")
        else:
            terminal.complain(f"unknown command {line!r}", "help")

    def _find(self, name: str, or_new: bool) -> Program | None:
        """The program with this name; with `or_new`, also one more consumer: `start 4`."""
        name = name.lower().removeprefix("consumer-")
        following = len(self.consumers) + 1
        if or_new and name == str(following) and following <= MOST_CONSUMERS:
            self.consumers.append(self._consumer(following))
        names = {program.name.removeprefix("consumer-"): program for program in [*self.programs, *self.broker.nodes]}
        return names.get(name)

    def _change(self, verb: str, program: Any) -> None:
        if verb == "start":
            if program.running:
                terminal.say(program.name, "is already running")
            elif holder := port_holder(program.port):
                terminal.complain(f"port {program.port} is taken by {holder}", f"end it: {holder.how_to_end}")
            elif program in self.broker.nodes:
                with terminal.progress(program.name, "starting") as progress:
                    program.start(progress)
                terminal.say(program.name, "is back")
            else:
                program.start()
            return
        if not program.running:
            again = program.name.removeprefix("consumer-")
            terminal.say(program.name, f"is not running; start {again} starts it")
            return
        if verb == "stop":
            if program is self.page:
                self._end_page_that_starts()
            program.stop()
            terminal.say(program.name, "stopped")
        else:
            program.kill()
            terminal.say(program.name, "killed")

    def _like(self, count: str = "1") -> None:
        if not count.isascii() or not count.isdigit() or not 1 <= int(count[:9]) <= LARGEST_BURST:
            terminal.complain(f"how many likes is {count!r}?", f"like 5   (1 to {LARGEST_BURST})")
            return
        url = f"http://127.0.0.1:{self.producer.port}"
        try:
            if int(count) == 1:
                answer = loopback.post(f"{url}/like", timeout=HTTP_SECONDS)
            else:
                answer = loopback.post(f"{url}/likes", json={"count": int(count)}, timeout=60)
            if not answer.ok:
                terminal.complain(answer.json()["error"], answer.json()["hint"])
        except (requests.RequestException, ValueError, KeyError):
            terminal.complain(f"the producer does not answer on port {self.producer.port}", "start producer")

    def _print_status(self) -> None:
        for node in self.broker.nodes:
            try:
                state = "running" if node.running else "not running"
            except Problem as error:
                state = f"not known: {error}"
            terminal.say(node.name, f"{node.port}  {state}")
        for program in self.programs:
            state = f"pid {program.pid}" if program.running else "not running"
            text = f"{program.port}  {state}"
            if program in self.consumers and program.running:
                try:
                    seen = self._status(program)
                    lag = list(seen["lag"].values())
                    known = "unknown" if seen["problem"] or None in lag else sum(lag)
                    text += f"  partitions {seen['assignment']}  consumed {seen['consumed']}  lag {known}"
                except (requests.RequestException, ValueError, KeyError):
                    text += "  no answer"
            terminal.say(program.name, text)

    def _print_crash(self, program: Program, code: int) -> None:
        again = program.name.removeprefix("consumer-")
        what = f"{program.name} ended unexpectedly with exit code {code}, see its lines above"
        terminal.complain(what, f"start {again}")

    @staticmethod
    def _print_end_of_broker(node, failure) -> None:
        hint = f"{failure.remedy}, then: start {node.name}" if failure.remedy else f"start {node.name}"
        terminal.complain(f"{node.name} ended unexpectedly: {failure.what}", hint)

    def read_commands(self) -> None:
        """Queue what is typed; keep running at the end of the input."""
        while True:
            try:
                if not terminal.in_foreground():
                    time.sleep(BACKGROUND_SECONDS)
                elif line := sys.stdin.readline():
                    self.commands.put(line)
                else:
                    return
            except OSError:  # sent to the background while reading
                time.sleep(BACKGROUND_SECONDS)
            except ValueError:  # closed
                return


def _why_not_started(dead: list[Program], waiting: list[Program]) -> str:
    """What is known about the programs that ended, or else those that do not answer."""
    if not dead:
        names = ", ".join(program.name for program in waiting)
        return f"{names} did not start: no answer in {START_SECONDS:.0f} s"
    names = ", ".join(f"{program.name} (exit code {program.exit_code})" for program in dead)
    return f"{names} did not start" + (", see the lines above" if any(p.spoke for p in dead) else "")
