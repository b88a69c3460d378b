"""What the load benchmarks share: to generate and build a service, to run it, to send it load, to print a row."""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent


def generate(blueprint: str) -> pathlib.Path:
    """A service of benches/blueprints, as it is generated now."""
    folder = ROOT / "target/load/services" / blueprint
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    given = ["--from", str(ROOT / "benches/blueprints" / f"{blueprint}.toml"), "--yes", "--no-git"]
    command = ["cargo", "run", "--quiet", "--locked", "--bin", "new-service", "--", "new", str(folder), *given]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


def build(folder: pathlib.Path) -> pathlib.Path:
    """The release binary of a package."""
    target = ROOT / "target/load"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    name = re.search(r'^name = "(.+)"$', (folder / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    # cargo takes another service of this name, built here, for this one.
    for command in (["clean", "--quiet", "--package", name], ["build"]):
        subprocess.run(["cargo", *command, "--release", "--locked"], cwd=folder, env=environment, check=True)
    return target / "release" / name


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


class Service:
    """A service that runs, and how long it took to give its first 200 at `probe`."""

    def __init__(self, command: list[str], environment: dict[str, str], port: int, probe: str):
        self.port, self.probe = port, probe
        environment = {"PATH": os.environ["PATH"], **environment}
        begun = time.perf_counter()
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, env=environment, cwd="/", stdin=nothing, stdout=nothing, stderr=nothing
        )
        while not self.answers():
            if self.process.poll() is not None:
                raise SystemExit(f"error: {command[0]} ended at its start, with {self.process.returncode}")
            if time.perf_counter() - begun > 60:
                self.process.kill()
                raise SystemExit(f"error: {command[0]} did not answer within 60 s")
            time.sleep(0.0005)
        self.start = time.perf_counter() - begun

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.probe)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def family(self) -> list[pathlib.Path]:
        """Its processes, in /proc."""
        family = [pathlib.Path(f"/proc/{self.process.pid}")]
        for one in family:
            for task in (one / "task").iterdir():
                family += [pathlib.Path("/proc") / child for child in (task / "children").read_text().split()]
        return family

    def memory(self) -> float:
        """In MB, with what its processes share counted once."""
        rollups = ((one / "smaps_rollup").read_text() for one in self.family())
        return sum(int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE).group(1)) for rollup in rollups) / 1024

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        # After the name, which may hold anything: user and system time, in ticks.
        fields = ((one / "stat").read_text().rpartition(")")[2].split() for one in self.family())
        return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(*arguments) -> Iterator[Service]:
    service = Service(*arguments)
    try:
        yield service
    finally:
        service.stop()


def need_wrk() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("error: wrk is not installed: scripts/install-referees all")


class Load(NamedTuple):
    """What came of it: requests a second, p99 in ms, CPU of the service in µs a request."""

    rate: float
    tail: float
    cpu: float


def load(service: Service, path: str, seconds: int, connections: int, *script: str) -> Load:
    """Sends load. `script`: wrk's own, and its arguments."""
    # A slow answer is one that counts.
    command = ["wrk", "--threads", "2", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "30s", "--latency", *(["--script", script[0]] if script else [])]
    command += [f"http://127.0.0.1:{service.port}{path}", *(["--", *script[1:]] if script else [])]
    before = service.cpu()
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    cpu, said = service.cpu() - before, done.stdout
    if done.returncode != 0 or "Non-2xx" in said or "Socket errors" in said or " 0 requests in" in said:
        raise SystemExit(f"error: not every request was answered well:\n{said}{done.stderr}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said).groups()
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    requests = int(re.search(r"(\d+) requests in", said).group(1))
    tail = float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]
    return Load(rate, tail, cpu * 1e6 / requests)


def median(values: list[float]) -> float:
    return statistics.median(values)
